// Text of runs and models on a terminal. Whoever wrote it may want to move the cursor, recolour a line, hide a word or
// turn its direction, so that an approver sees something else than what will happen. Nothing of that gets through.

// Controls, formats (bidi, zero width), private and unassigned characters, everything that is drawn as nothing, and
// spaces that are not the space.
const UNSEEN: RegExp =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u{2800}]|(?! )\p{Zs}/gu;

/** One line: a table cell or a value can never become two records. */
export function visibleLine(text: string): string {
  return text.replace(UNSEEN, (character) => {
    if (character === "\n") return "⏎";
    return character === "\t" ? " " : codePoint(character);
  });
}

/** Several lines; only line feed and tab keep their meaning. */
export function visibleText(text: string): string {
  return text.replace(UNSEEN, (character) =>
    character === "\n" || character === "\t" ? character : codePoint(character),
  );
}

/** JSON of exactly this value, in which every character can be seen; still parses to the same value. */
export function visibleJson(value: unknown, spaces: number): string {
  return JSON.stringify(value, null, spaces).replace(UNSEEN, (character) =>
    character === "\n" ? character : jsonEscape(character),
  );
}

/** At most so many characters, the cut marked. Not for anything that an approver decides on. */
export function clip(text: string, charsMax: number): string {
  const characters = Array.from(text);
  return characters.length <= charsMax ? text : `${characters.slice(0, charsMax - 1).join("")}…`;
}

/** Every line moved to the right, so that text of others cannot pass for a line of ours. */
export function indent(text: string, prefix: string): string {
  return text
    .split("\n")
    .map((line) => `${prefix}${line}`)
    .join("\n");
}

function codePoint(character: string): string {
  return `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}>`;
}

function jsonEscape(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
