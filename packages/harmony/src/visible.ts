// Text for a terminal. Everything in a record or a merged file may have been written by a stranger: what cannot be seen,
// or reorders what is seen, could recolour, overwrite or hide what is on the screen ("Trojan Source", CVE-2021-42574).

/** Control and format characters, odd line breaks, halves of pairs, and all that is drawn as nothing. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** The text on one line, with every such character written out: `\u202e`, `\u{e0041}`. */
export function visible(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16);
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`;
  });
}
