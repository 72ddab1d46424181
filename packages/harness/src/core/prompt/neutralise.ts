// Text that others wrote must stay text. A backend's chat template marks turns and calls with control tokens; a
// tokenizer that meets one inside a file or a task takes it for a turn that nobody took (invariant 10). So each such
// token is broken by one backslash: visible to whoever reads it, and no token to anybody.

import { CONTROL_TOKEN_PATTERNS } from "./neutralise-tokens.ts";
import { foldText } from "./neutralise-fold.ts";

/**
 * The text with every control token of a chat template broken by a backslash (`<\|im_start|>`, `[\INST]`,
 * `Human\:`), also where it is written in other case, with spaces, or in look-alike characters; and with zero-width,
 * bidirectional and tag characters written out (`\u200b`). Text that holds none of them comes back as it is.
 * Idempotent; linear in the text.
 */
export function neutralise(text: string): string {
  const visible = showHidden(text);
  const places = tokenPlaces(visible);
  if (places.length === 0) return visible;
  const pieces: string[] = [];
  let from = 0;
  for (const place of places) {
    pieces.push(visible.slice(from, place), "\\");
    from = place;
  }
  pieces.push(visible.slice(from));
  return pieces.join("");
}

/** Whether the text holds a control token of any backend, in any of the forms that `neutralise` breaks. */
export function hasControlToken(text: string): boolean {
  return tokenPlaces(text).length > 0;
}

/** Any JSON value with every string in it neutralised, the names of members too. */
export function neutraliseValue(value: unknown): unknown {
  if (typeof value === "string") return neutralise(value);
  if (Array.isArray(value)) return value.map(neutraliseValue);
  if (typeof value !== "object" || value === null) return value;
  return neutraliseMembers({ ...value });
}

/** The same for an object. `__proto__` stays a member and never becomes a prototype. */
export function neutraliseMembers(
  members: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [neutralise(name), neutraliseValue(value)]),
  );
}

// Where the backslashes go, in the text's own positions, in order, each once.
function tokenPlaces(text: string): readonly number[] {
  const folded = foldText(text);
  const places = new Set<number>();
  for (const { pattern, breakAt } of CONTROL_TOKEN_PATTERNS) {
    for (const match of folded.text.matchAll(pattern)) {
      const at = breakAt === "after_first" ? match.index + 1 : match.index + match[0].length - 1;
      places.add(folded.placeOf(at));
    }
  }
  return [...places].toSorted((one, other) => one - other);
}

function showHidden(text: string): string {
  if (!HIDDEN_ANYWHERE.test(text)) return text;
  return text.replaceAll(HIDDEN, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16);
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`;
  });
}

const HIDDEN_ANYWHERE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;

// Three uses are someone's ordinary writing and carry nothing: the selector that makes a sign an emoji, the joiner
// within one emoji, and the joiners that Arabic and Indic words are spelt with. No control token has such letters.
const PICTURE = String.raw`\p{Extended_Pictographic}[\u{1F3FB}-\u{1F3FF}]?\uFE0F?`;
const JOINING = String.raw`[\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}]`;
const ORDINARY: readonly string[] = [
  String.raw`(?<=[\p{Emoji}])\uFE0F`,
  String.raw`(?<=${PICTURE})\u200D(?=\p{Extended_Pictographic})`,
  String.raw`(?<=${JOINING}\p{M}{0,4})[\u200C\u200D](?=${JOINING})`,
];
const HIDDEN = new RegExp(`(?!${ORDINARY.join("|")})[\\p{Cf}\\p{Default_Ignorable_Code_Point}]`, "gu");
