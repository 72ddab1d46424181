// Words that say nothing about who chose them, and words that may be part of a list.

// They stand in nearly every text, so that standing in the task is no sign of the requester's choice.
const ALWAYS_SAID: ReadonlySet<string> = new Set(
  (
    "a an the and or not no yes ok true false null none on off all any every each some of to in at by for from with as is are be " +
    "was it its this that these those i you we they he she my your our me us them if then else do does done can will " +
    "new only also please"
  ).split(" "),
);

/** Function words, answers of one word, single letters: never trusted by standing somewhere. */
export const isAlwaysSaid = (key: string): boolean => ALWAYS_SAID.has(key) || /^[^\d]?$/.test(key);

export const isPlainNumber = (key: string): boolean => /^[\d.,']+$/.test(key);

/** Not an URL, host, path or file name, and no separator: those are never made of pieces. */
export const isJoinable = (key: string): boolean =>
  key.includes("@") ? !/[/\\?#]/.test(key) : /^[\p{L}\p{N}_'-]+$/u.test(key);

const TOKEN = /[\p{L}\p{N}]+/gu;

/** The runs of letters and digits of a word. */
export const tokensOf = (key: string): readonly string[] =>
  /^[a-z0-9]+$/.test(key) ? [key] : (key.match(TOKEN) ?? []);
