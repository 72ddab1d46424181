// Classes of ASCII characters as one table: a look-up costs the same for any text, so no text is slow.

const TABLE = new Uint8Array(128);

export const LOWER = 1;
export const UPPER = 2;
export const DIGIT = 4;
export const HEX_LETTER = 8;
export const WORD_MARK = 16; // _ -
export const BASE64_MARK = 32; // + / =
export const BLANK = 64;
const DOT = 128; // . ~

export const LETTER: number = LOWER | UPPER;
export const ALNUM: number = LETTER | DIGIT;
export const HEX: number = DIGIT | HEX_LETTER;
export const BASE64URL: number = ALNUM | WORD_MARK;
export const BASE64: number = ALNUM | WORD_MARK | BASE64_MARK;
export const DOTTED: number = BASE64URL | DOT;
/** What tokens of any vendor are made of. */
export const TOKEN: number = BASE64 | DOT;

const put = (characters: string, mask: number): void => {
  for (let at = 0; at < characters.length; at += 1) {
    const code = characters.charCodeAt(at);
    TABLE[code] = (TABLE[code] ?? 0) | mask;
  }
};
put("abcdefghijklmnopqrstuvwxyz", LOWER);
put("ABCDEFGHIJKLMNOPQRSTUVWXYZ", UPPER);
put("0123456789", DIGIT);
put("abcdefABCDEF", HEX_LETTER);
put("_-", WORD_MARK);
put("+/=", BASE64_MARK);
put(" \t\r\n\v\f", BLANK);
put(".~", DOT);

/** The classes of the character at a place; 0 outside the text and outside ASCII. */
export function classAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 128 ? (TABLE[code] ?? 0) : 0;
}

export const isOf = (text: string, at: number, mask: number): boolean => (classAt(text, at) & mask) !== 0;

/** Where the run of such characters that begins at `from` ends, looking at `limit` characters at most. */
export function endOfRun(text: string, from: number, mask: number, limit: number): number {
  const stop = Math.min(text.length, from + limit);
  let at = from;
  while (at < stop && isOf(text, at, mask)) at += 1;
  return at;
}

/** Where the run of such characters that ends before `to` begins. */
export function startOfRun(text: string, to: number, mask: number, limit: number): number {
  const stop = Math.max(0, to - limit);
  let at = to;
  while (at > stop && isOf(text, at - 1, mask)) at -= 1;
  return at;
}

/**
 * endOfRun for many beginnings in one text. Beginnings in one run share its end, so that a run in which every place
 * is a beginning is still walked once.
 */
export function runEnds(text: string): (from: number, mask: number) => number {
  const last = new Map<number, { from: number; end: number }>();
  return (from, mask) => {
    const known = last.get(mask);
    if (known !== undefined && from >= known.from && from < known.end) return known.end;
    const end = endOfRun(text, from, mask, text.length);
    last.set(mask, { from, end });
    return end;
  };
}
