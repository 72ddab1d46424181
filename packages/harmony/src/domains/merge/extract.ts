// What did the person put in place of each conflict? Only what is certain is learned: where the text around a conflict
// was edited too, or stands in two places, nothing is learned from it and the reason is told.

import { hasMarker, listConflicts, splitLines, type ConflictedText } from "./conflict.ts";
import { ALIGNED_LENGTH_MAX } from "./limits.ts";

export type Extraction =
  /** Lines `from` up to, not with, `to` (counted from 0) of the file as it is now. */
  | { readonly certain: true; readonly text: string; readonly from: number; readonly to: number }
  | { readonly certain: false; readonly reason: "unresolved" | "ambiguous" | "context_edited" };

/** Lines of context that must identify a place when the rest of the file was edited. More lines, more certainty. */
const ANCHOR_LINES_MAX = 8;

type Place = number | "missing" | "ambiguous";

function occursAt(lines: readonly string[], part: readonly string[], at: number): boolean {
  return part.every((line, index) => lines[at + index] === line);
}

function positionsOf(lines: readonly string[], part: readonly string[], from: number, to: number): number[] {
  const positions: number[] = [];
  for (let at = from; at + part.length <= to; at += 1) if (occursAt(lines, part, at)) positions.push(at);
  return positions;
}

/** Each text between conflicts placed as early as the ones before allow; undefined when they do not all occur in order. */
function placeEarly(texts: readonly (readonly string[])[], lines: readonly string[]): number[] | undefined {
  const starts: number[] = [];
  let from = 0;
  for (const [index, text] of texts.entries()) {
    const latest = lines.length - text.length;
    // The first text begins the file and the last one ends it; those between may stand anywhere in order.
    let at = index === texts.length - 1 ? Math.max(from, latest) : from;
    const end = index === 0 ? from : latest;
    while (at <= end && !occursAt(lines, text, at)) at += 1;
    if (at > Math.min(end, latest)) return undefined;
    starts.push(at);
    from = at + text.length;
  }
  return starts;
}

/** The same from the end; between the two lies every way to place them. */
function placeLate(texts: readonly (readonly string[])[], lines: readonly string[]): number[] | undefined {
  const mirrored = placeEarly(
    texts.toReversed().map((text) => text.toReversed()),
    lines.toReversed(),
  );
  return mirrored?.toReversed().map((at, index) => lines.length - at - (texts[index]?.length ?? 0));
}

function answerOf(lines: readonly string[], from: number, to: number, markerSize: number): Extraction {
  const text = lines.slice(from, to).join("");
  return hasMarker(text, markerSize)
    ? { certain: false, reason: "unresolved" }
    : { certain: true, text, from, to };
}

/** Context untouched: a conflict's answer is certain when both of its edges have only one possible place. */
function extractExact(
  texts: readonly (readonly string[])[],
  lines: readonly string[],
  markerSize: number,
): Extraction[] | undefined {
  const early = placeEarly(texts, lines);
  const late = placeLate(texts, lines);
  if (early === undefined || late === undefined) return undefined;
  return texts.slice(1).map((text, index) => {
    const before = texts[index] ?? [];
    const from = early[index] ?? 0;
    const to = early[index + 1] ?? 0;
    if (from !== late[index] || to !== late[index + 1]) return { certain: false, reason: "ambiguous" };
    // Without a line between two conflicts nothing says where the one answer ends and the other begins.
    if ((before.length === 0 && index > 0) || (text.length === 0 && index < texts.length - 2)) {
      return { certain: false, reason: "ambiguous" };
    }
    return answerOf(lines, from + before.length, to, markerSize);
  });
}

/** The place of the last (or first) lines of `context`: as few lines as name one place in the file and in the context. */
function anchor(
  context: readonly string[],
  all: readonly string[],
  lines: readonly string[],
  side: "end" | "start",
): Place {
  let place: Place = "missing";
  for (let size = 1; size <= Math.min(ANCHOR_LINES_MAX, context.length); size += 1) {
    const part = side === "end" ? context.slice(context.length - size) : context.slice(0, size);
    const found = positionsOf(lines, part, 0, lines.length);
    const [first] = found;
    if (first === undefined) return place;
    place = "ambiguous";
    if (found.length === 1 && positionsOf(all, part, 0, all.length).length === 1) {
      return side === "end" ? first + size : first;
    }
  }
  return place;
}

type Gap = { readonly from: Place; readonly to: Place };

/** Context edited: each edge is looked for by the lines next to it. */
function extractByAnchors(
  texts: readonly (readonly string[])[],
  lines: readonly string[],
  markerSize: number,
): Extraction[] {
  const all = texts.flat();
  const gaps = texts.slice(1).map((after, index): Gap => {
    const before = texts[index] ?? [];
    const atTop = index === 0 && before.length === 0;
    const atBottom = index === texts.length - 2 && after.length === 0;
    return {
      from: atTop ? 0 : anchor(before, all, lines, "end"),
      to: atBottom ? lines.length : anchor(after, all, lines, "start"),
    };
  });
  return gaps.map(({ from, to }, index) => {
    if (from === "missing" || to === "missing") return { certain: false, reason: "context_edited" };
    if (from === "ambiguous" || to === "ambiguous") return { certain: false, reason: "ambiguous" };
    const inOrder = from <= to && gaps.every((other, at) => precedes(other, at, from, to, index));
    return inOrder ? answerOf(lines, from, to, markerSize) : { certain: false, reason: "context_edited" };
  });
}

/** False when another conflict's known edges contradict this one's: the person moved text about. */
function precedes(other: Gap, at: number, from: number, to: number, index: number): boolean {
  if (at < index) return typeof other.to !== "number" || other.to <= from;
  if (at > index) return typeof other.from !== "number" || other.from >= to;
  return true;
}

/**
 * In: the file as it was with its conflicts, and its text now.
 * Out: for each conflict, in order, the text that stands in its place, or why that is not certain.
 */
export function extractAnswers(before: ConflictedText, now: string): Extraction[] {
  const texts = before.segments.flatMap((segment) =>
    segment.kind === "text" ? [splitLines(segment.text)] : [],
  );
  const lines = splitLines(now);
  if (lines.length > ALIGNED_LENGTH_MAX) {
    return listConflicts(before).map(() => ({ certain: false, reason: "ambiguous" }));
  }
  if (texts.length < 2) return [];
  return extractExact(texts, lines, before.markerSize) ?? extractByAnchors(texts, lines, before.markerSize);
}
