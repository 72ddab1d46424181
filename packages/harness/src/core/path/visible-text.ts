// People approve what they see, so what they see must be what is there ("Trojan Source", CVE-2021-42574).

/**
 * The text with everything that cannot be seen, or that reorders what is seen, written out as an escape (`\u202e`):
 * control characters but newline and tab, bidirectional controls, zero-width and other ignorable characters, tag
 * characters. A file that holds the escape itself as text looks the same; that errs towards suspicion.
 */
export function visibleText(text: string): string {
  return text.replaceAll(HIDDEN, (character) => {
    if (character === "\r") return "\\r";
    const hex = (character.codePointAt(0) ?? 0).toString(16);
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`;
  });
}

const HIDDEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu;
