// What changed between two JSON values, in words for the person who has to agree with it again.

import { canonicalJson } from "../base/canonical-json.ts";
import { visibleText } from "./path/visible-text.ts";

/** Lines that one difference is shown in; past it a last line says how many more there are. */
const LINES_MAX = 40;
/** Characters of each side of one line. */
const SIDE_CHARS_MAX = 400;
/** Characters of each end of a place's name: names of members are as long as whoever wrote them likes. */
const POINTER_END_CHARS_MAX = 100;
/** Shown of what two texts have in common before they part, so that the reader finds the place. */
const COMMON_CHARS = 40;

/**
 * One line for each place (JSON pointer, RFC 6901) at which the values differ: `/description: "Adds." → "Adds and
 * sends."`. A side that is not there is `absent`. Whatever cannot be seen is written out.
 */
export function differenceLines(before: unknown, after: unknown): readonly string[] {
  const lines: string[] = [];
  compare("", before, after, lines);
  if (lines.length <= LINES_MAX) return lines;
  return [...lines.slice(0, LINES_MAX), `… and ${lines.length - LINES_MAX} more differences`];
}

function compare(pointer: string, before: unknown, after: unknown, lines: string[]): void {
  if (isObject(before) && isObject(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)]))
      compare(`${pointer}/${escaped(name)}`, member(before, name), member(after, name), lines);
    return;
  }
  if (textOf(before) !== textOf(after))
    lines.push(`${visibleText(shortened(pointer))}: ${sides(before, after)}`);
}

const shortened = (pointer: string): string =>
  pointer.length <= 2 * POINTER_END_CHARS_MAX
    ? pointer
    : `${pointer.slice(0, POINTER_END_CHARS_MAX)}…${pointer.slice(-POINTER_END_CHARS_MAX)}`;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const member = (value: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(value, name) ? value[name] : undefined;

const escaped = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");

const textOf = (value: unknown): string => (value === undefined ? "absent" : canonicalJson(value));

// A change far inside a long text must not be cut away: what both sides begin with is what is left out.
function sides(before: unknown, after: unknown): string {
  const [one, other] = [textOf(before), textOf(after)];
  let common = 0;
  while (common < one.length && one[common] === other[common]) common += 1;
  const from = Math.max(0, common - COMMON_CHARS);
  return `${side(one, from)} → ${side(other, from)}`;
}

function side(text: string, from: number): string {
  const end = from + SIDE_CHARS_MAX;
  const shown = text.slice(from, end);
  return visibleText(`${from === 0 ? "" : "…"}${shown}${end < text.length ? "…" : ""}`);
}
