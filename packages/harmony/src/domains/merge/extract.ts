// What did the person put in place of each conflict? Only what is certain is learned: where the text around a conflict
// was edited too, or stands in two places, nothing is learned from it and the reason is told.

import { hasMarker, listConflicts, splitLines, type ConflictedText } from "./conflict.ts";
import { ALIGNED_LENGTH_MAX } from "./limits.ts";

export type Extraction =
  /** Lines `from` up to, not with, `to` (counted from 0) of the file as it is now. */
  | { readonly certain: true; readonly text: string; readonly from: number; readonly to: number }
  | { readonly certain: false; readonly reason: "unresolved" | "ambiguous" | "context_edited" };

/** Lines of context by which a place is looked for where the text around a conflict was edited too. */
const ANCHOR_LINES_MAX = 20;

type Lines = readonly string[];
type Place = number | "missing" | "ambiguous";

function occursAt(lines: Lines, part: Lines, at: number): boolean {
  return part.every((line, index) => lines[at + index] === line);
}

/** The first place of `part` in `lines` from `from` up to `to`; -1 when there is none. */
function findPart(lines: Lines, part: Lines, from: number, to: number): number {
  for (let at = from; at + part.length <= to; at += 1) if (occursAt(lines, part, at)) return at;
  return -1;
}

/** `edge`: this text begins the file (or, mirrored, ends it). `edited`: it stands nowhere as it was. */
type Text = { readonly lines: Lines; readonly edge: "first" | "last" | null; readonly edited: boolean };

function textsOf(before: ConflictedText, now: Lines): Text[] {
  const all = before.segments.flatMap((segment) =>
    segment.kind === "text" ? [splitLines(segment.text)] : [],
  );
  return all.map((lines, index) => {
    const edge = index === 0 ? "first" : index === all.length - 1 ? "last" : null;
    const latest = now.length - lines.length;
    if (edge === "first") return { lines, edge, edited: !(latest >= 0 && occursAt(now, lines, 0)) };
    if (edge === "last") return { lines, edge, edited: !(latest >= 0 && occursAt(now, lines, latest)) };
    // Without a line between two conflicts nothing says where the one answer ends and the other begins.
    return { lines, edge, edited: lines.length === 0 || findPart(now, lines, 0, now.length) < 0 };
  });
}

/** Each unedited text as early as those before allow; undefined when they do not all stand in their order. */
function placeEarly(texts: readonly Text[], now: Lines): (number | null)[] | undefined {
  const starts: (number | null)[] = [];
  let from = 0;
  for (const { lines, edge, edited } of texts) {
    if (edited) {
      starts.push(null);
      continue;
    }
    const at = edge === "last" ? now.length - lines.length : findPart(now, lines, from, now.length);
    if (at < from || (edge === "first" && at !== 0)) return undefined;
    starts.push(at);
    from = at + lines.length;
  }
  return starts;
}

/** The same from the end; between the two lies every way to place them. */
function placeLate(texts: readonly Text[], now: Lines): (number | null)[] | undefined {
  const mirrored = texts.toReversed().map(({ lines, edge, edited }): Text => {
    return {
      lines: lines.toReversed(),
      edge: edge === "first" ? "last" : edge === "last" ? "first" : null,
      edited,
    };
  });
  return placeEarly(mirrored, now.toReversed())
    ?.toReversed()
    .map((at, index) => (at === null ? null : now.length - at - (texts[index]?.lines.length ?? 0)));
}

/** The start of each text that has only one possible place; null for the others; undefined when they were reordered. */
function pinTexts(texts: readonly Text[], now: Lines): (number | null)[] | undefined {
  const early = placeEarly(texts, now);
  const late = placeLate(texts, now);
  return late === undefined ? undefined : early?.map((at, index) => (at === late[index] ? at : null));
}

type Window = { readonly now: Lines; readonly from: number; readonly to: number; readonly context: Lines };

/** Between the nearest pinned texts on both sides: where the text's edges can be, and what else of it stands there. */
function windowOf(
  index: number,
  texts: readonly Text[],
  pins: readonly (number | null)[],
  now: Lines,
): Window {
  let low = index;
  while (low > 0 && (pins[low - 1] ?? null) === null) low -= 1;
  let high = index;
  while (high < texts.length - 1 && (pins[high + 1] ?? null) === null) high += 1;
  const from = (pins[low - 1] ?? 0) + (texts[low - 1]?.lines.length ?? 0);
  const to = pins[high + 1] ?? now.length;
  return { now, from, to, context: texts.slice(low, high + 1).flatMap(({ lines }) => lines) };
}

function countParts(lines: Lines, part: Lines, from: number, to: number): number {
  const first = findPart(lines, part, from, to);
  return first < 0 ? 0 : findPart(lines, part, first + 1, to) < 0 ? 1 : 2;
}

/** The edge by the lines next to it: as few as name one place both now and in the text as it was. */
function findEdge(lines: Lines, side: "end" | "start", { now, from, to, context }: Window): Place {
  for (let size = 1; size <= Math.min(ANCHOR_LINES_MAX, lines.length); size += 1) {
    const part = side === "end" ? lines.slice(lines.length - size) : lines.slice(0, size);
    const found = countParts(now, part, from, to);
    if (found === 0) return size === 1 ? "missing" : "ambiguous";
    if (found === 1 && countParts(context, part, 0, context.length) === 1) {
      return findPart(now, part, from, to) + (side === "end" ? size : 0);
    }
  }
  return "ambiguous";
}

type Gap = { readonly from: Place; readonly to: Place };

function gapsOf(texts: readonly Text[], pins: readonly (number | null)[], now: Lines): Gap[] {
  const edge = (index: number, side: "end" | "start"): Place => {
    const lines = texts[index]?.lines ?? [];
    const pin = pins[index] ?? null;
    if (pin !== null) return side === "end" ? pin + lines.length : pin;
    return findEdge(lines, side, windowOf(index, texts, pins, now));
  };
  return texts.slice(1).map((_, index) => ({ from: edge(index, "end"), to: edge(index + 1, "start") }));
}

/** False when another conflict's known edges contradict this one's: the person moved text about. */
function agrees(other: Gap, at: number, from: number, to: number, index: number): boolean {
  if (at < index) return typeof other.to !== "number" || other.to <= from;
  if (at > index) return typeof other.from !== "number" || other.from >= to;
  return true;
}

function answerOf(
  { from, to }: Gap,
  index: number,
  gaps: readonly Gap[],
  now: Lines,
  markerSize: number,
): Extraction {
  if (from === "missing" || to === "missing") return { certain: false, reason: "context_edited" };
  if (from === "ambiguous" || to === "ambiguous") return { certain: false, reason: "ambiguous" };
  const inOrder = from <= to && gaps.every((other, at) => agrees(other, at, from, to, index));
  if (!inOrder) return { certain: false, reason: "context_edited" };
  const text = now.slice(from, to).join("");
  return hasMarker(text, markerSize)
    ? { certain: false, reason: "unresolved" }
    : { certain: true, text, from, to };
}

/**
 * In: the file as it was with its conflicts, and its text now.
 * Out: for each conflict, in order, the text that stands in its place, or why that is not certain. Where the text around
 * the conflicts is untouched, what is called certain is so: every other way to place the texts was ruled out.
 */
export function extractAnswers(before: ConflictedText, text: string): Extraction[] {
  const conflicts = listConflicts(before);
  const now = splitLines(text);
  if (now.length > ALIGNED_LENGTH_MAX) return conflicts.map(() => ({ certain: false, reason: "ambiguous" }));
  const texts = textsOf(before, now);
  const pins = pinTexts(texts, now);
  if (pins === undefined) return conflicts.map(() => ({ certain: false, reason: "context_edited" }));
  const gaps = gapsOf(texts, pins, now);
  return gaps.map((gap, index) => answerOf(gap, index, gaps, now, before.markerSize));
}
