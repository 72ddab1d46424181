// Whoever wrote a text may want an approver to see something else than what will happen: a word hidden, turned round, or spelt
// in another script's letters. What cannot be seen is named, and what looks like another letter is marked.

// Controls, formats (bidi, zero width), private and unassigned characters, everything that is drawn as nothing, and
// spaces that are not the space. The command line has the same list.
const UNSEEN: RegExp =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u{2800}]|(?! )\p{Zs}/u;

const LATIN = /\p{Script=Latin}/u;
/** Scripts whose letters pass for Latin ones. */
const ALIKE = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u;
const WORD = /[\p{L}\p{M}\p{N}]+/gu;

export type Segment = {
  /** `plain` is drawn as it is; `unseen` is a character by its name; `mixed` a word of several scripts' letters. */
  readonly kind: "plain" | "unseen" | "mixed";
  readonly text: string;
};

/** A text in pieces, in order; those that are plain or mixed are the text's own characters. */
export function segmentsOf(text: string): readonly Segment[] {
  const segments: Segment[] = [];
  let plain = "";
  const flush = (): void => {
    if (plain !== "") segments.push(...byScript(plain));
    plain = "";
  };
  for (const character of text)
    if (character !== "\n" && character !== "\t" && UNSEEN.test(character)) {
      flush();
      segments.push({ kind: "unseen", text: codePoint(character) });
    } else plain += character;
  flush();
  return segments;
}

/** Whether a reader could take the text for another one. */
export const isDeceptive = (text: string): boolean => segmentsOf(text).some(({ kind }) => kind !== "plain");

function byScript(text: string): readonly Segment[] {
  const segments: Segment[] = [];
  let from = 0;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (!LATIN.test(word) || !ALIKE.test(word)) continue;
    if (index > from) segments.push({ kind: "plain", text: text.slice(from, index) });
    segments.push({ kind: "mixed", text: word });
    from = index + word.length;
  }
  if (from < text.length) segments.push({ kind: "plain", text: text.slice(from) });
  return segments;
}

const codePoint = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
