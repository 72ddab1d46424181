// Text for a model, within its limit, and saying what was left out.

/** Room that a closing remark needs at most. */
const REMARK_CHARS_MAX = 300;

/** Joins as many whole lines as fit; where some do not, the remark (made from how many did) closes the text. */
export function joinWithin(
  lines: readonly string[],
  charsMax: number,
  remark: (shown: number) => string,
): string {
  let shown = 0;
  let chars = 0;
  for (const line of lines) {
    if (chars + line.length + 1 > charsMax - REMARK_CHARS_MAX) break;
    chars += line.length + 1;
    shown += 1;
  }
  const text = lines.slice(0, shown).join("\n");
  return shown === lines.length ? text : `${text}\n${remark(shown)}`;
}

/** One record is one line, whatever is in it. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, " ").trim();
}

/** The first characters of a text, never half of a surrogate pair. */
export function cutTo(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const cut = text.slice(0, charsMax);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}
