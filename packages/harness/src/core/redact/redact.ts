// Takes secrets out of text: known ones first, by value; then unknown ones, by rule. What is taken out leaves a mark
// that says its kind and nothing else.

import type { Detector } from "./detectors.ts";
import type { KnownSecrets } from "./known.ts";
import { mergeSpans, type Span } from "./span.ts";

export type Redacted = {
  readonly text: string;
  /** How often each kind was taken out; empty when nothing was. */
  readonly counts: Readonly<Record<string, number>>;
};

export type TextRedactor = {
  /** Never throws, whatever the text; a second time changes nothing. */
  redactText(text: string): Redacted;
  /** What would be taken out, in order. */
  findSpans(text: string): readonly Span[];
};

const MARK = /\[redacted:[a-z0-9_]{1,64}\]/g;
export const markOf = (kind: string): string => `[redacted:${kind}]`;

/**
 * Taking out one secret can lay bare another that stood in its shade (a value that ends where a token began). Each
 * round is linear, and hostile text cannot ask for more of them.
 */
const ROUNDS_MAX = 3;

/** Labels, names of members and kinds of events come again and again; longer texts do not. */
const CLEAN_CHARS_MAX = 64;
const CLEAN_REMEMBERED_MAX = 2_048;

export function createTextRedactor(known: KnownSecrets, detect: Detector): TextRedactor {
  const findSpans = (text: string): readonly Span[] =>
    withoutMarks(text, [...known.find(text), ...detect(text)]);
  // Short texts that nothing was found in, with as many secrets known as then.
  const clean = new Set<string>();
  let cleanOf = known.count;
  const isKnownClean = (text: string): boolean => {
    if (cleanOf !== known.count) clean.clear();
    cleanOf = known.count;
    return clean.has(text);
  };
  const remember = (text: string): void => {
    // One goes for each that comes: emptied whole, what comes again and again would be looked at anew by all at once.
    const [oldest] = clean.size >= CLEAN_REMEMBERED_MAX ? clean : [];
    if (oldest !== undefined) clean.delete(oldest);
    clean.add(text);
  };
  return {
    findSpans,
    redactText: (text) => {
      const isShort = text.length <= CLEAN_CHARS_MAX;
      if (isShort && isKnownClean(text)) return { text, counts: {} };
      const counts: Record<string, number> = {};
      let current = text;
      for (let round = 0; round < ROUNDS_MAX; round += 1) {
        const spans = findSpans(current);
        if (spans.length === 0) break;
        for (const { kind } of spans) counts[kind] = (counts[kind] ?? 0) + 1;
        current = replaceSpans(current, spans);
      }
      if (isShort && current === text) remember(text);
      return { text: current, counts };
    },
  };
}

/** Marks are no secrets, and a value that holds one is already clean there. */
function withoutMarks(text: string, found: readonly Span[]): readonly Span[] {
  const spans = mergeSpans(found);
  if (spans.length === 0 || !text.includes("[redacted:")) return spans;
  const marks = [...text.matchAll(MARK)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }));
  const kept: Span[] = [];
  let next = 0;
  for (const span of spans) {
    while (next < marks.length && (marks[next]?.end ?? 0) <= span.start) next += 1;
    let start = span.start;
    for (let at = next; at < marks.length; at += 1) {
      const mark = marks[at];
      if (mark === undefined || mark.start >= span.end) break;
      if (mark.start > start) kept.push({ ...span, start, end: mark.start });
      start = Math.max(start, mark.end);
    }
    if (start < span.end) kept.push({ ...span, start });
  }
  // What is left over beside a mark is a bracket or a blank, not a secret.
  return kept.filter(({ start, end }) => /[A-Za-z0-9]{2}/.test(text.slice(start, end)));
}

/** @param spans in order, without overlaps */
export function replaceSpans(text: string, spans: readonly Span[]): string {
  const parts: string[] = [];
  let done = 0;
  for (const span of spans) {
    const start = Math.max(done, startOfEscape(text, span.start));
    parts.push(text.slice(done, start), markFor(text, start, span));
    done = span.end;
  }
  parts.push(text.slice(done));
  return parts.join("");
}

/** A secret that begins with the letter of an escape (`\u0041…`) takes the backslash along, or none would be left whole. */
function startOfEscape(text: string, start: number): number {
  let backslashes = 0;
  while (backslashes < 16 && text.charAt(start - 1 - backslashes) === "\\") backslashes += 1;
  return backslashes % 2 === 1 && /[nrtbfux/"\\]/.test(text.charAt(start)) ? start - 1 : start;
}

/** A bare number of a JSON text becomes a string: a mark without quotes would not be JSON. */
function markFor(text: string, start: number, span: Span): string {
  const mark = markOf(span.kind);
  if (!/^-?\d[\d.eE+-]*$/.test(text.slice(start, Math.min(span.end, start + 64)))) return mark;
  const before = /(?:"\s{0,8}:|[[,])\s{0,8}$/.test(text.slice(Math.max(0, start - 20), start));
  const after = /^\s{0,8}[,}\]]/.test(text.slice(span.end, span.end + 10));
  return before && after ? `"${mark}"` : mark;
}
