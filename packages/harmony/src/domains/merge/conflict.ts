// Conflict markers as git writes them (xdiff/xmerge.c, styles merge, diff3 and zdiff3): a run of one character, then
// a space and a label, or the line's end. Fail closed: what could be read in two ways is refused with its line.

import { CONFLICTS_PER_FILE_MAX, MARKER_SIZE_DEFAULT, MARKER_SIZE_MAX, MARKER_SIZE_MIN } from "./limits.ts";
import { MARKER_SIZES_TRIED_MAX } from "./limits.ts";
import { ok, refuse, type Result } from "./result.ts";

/** One conflict. The three texts are whole lines with their own line ends; `base` is null when no style told it. */
export type Conflict = {
  /** Line of the start marker in the file, counted from 1. */
  readonly line: number;
  readonly ours: string;
  readonly base: string | null;
  readonly theirs: string;
  readonly oursLabel: string;
  readonly theirsLabel: string;
  /** The conflict as it stands in the file, markers and all. */
  readonly raw: string;
};

export type Segment =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "conflict"; readonly conflict: Conflict };

/** A file cut into text and conflicts; the segments in order are the file, byte for byte. */
export type ConflictedText = { readonly segments: readonly Segment[]; readonly markerSize: number };

export type ConflictRefusal = {
  readonly reason:
    | "nested_conflict" // a start marker inside a conflict: git writes this for conflicts in a virtual base
    | "misplaced_marker" // a marker where none may stand, so sides and base cannot be told apart
    | "unfinished_conflict" // the file ends inside a conflict
    | "stray_end_marker" // an end without a start: half of a conflict was deleted by hand
    | "ambiguous_marker_size" // two sizes give two readings of one file
    | "too_many_conflicts"
    | "binary"; // holds a NUL
  /** Where, counted from 1. */
  readonly line: number;
};

type MarkerKind = "start" | "base" | "separator" | "end";

const KINDS: Readonly<Record<string, MarkerKind>> = {
  "<": "start",
  "|": "base",
  "=": "separator",
  ">": "end",
};

/** Lines with their ends (`\n`, also after `\r`); joined again they are the text. The empty text has no lines. */
export function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/gu) ?? [];
}

/** What marker of this size a line is, if any. */
export function markerOf(line: string, size: number): MarkerKind | undefined {
  const kind = KINDS[line[0] ?? ""];
  if (kind === undefined || runLength(line) !== size) return undefined;
  const rest = line.slice(size).replace(/\r?\n$/u, "");
  return rest === "" || rest.startsWith(" ") ? kind : undefined;
}

/** True when some line of `text` is a marker of this size; such a text is never called resolved. */
export function hasMarker(text: string, size: number): boolean {
  return splitLines(text).some((line) => markerOf(line, size) !== undefined);
}

function runLength(line: string): number {
  let length = 1;
  while (length < line.length && line[length] === line[0]) length += 1;
  return length;
}

function labelOf(line: string, size: number): string {
  return line.slice(size).trim();
}

type Open = {
  readonly line: number;
  readonly raw: string[];
  readonly ours: string[];
  readonly base: string[];
  readonly theirs: string[];
  readonly oursLabel: string;
  section: "ours" | "base" | "theirs";
  hasBase: boolean;
};

function openConflict(line: number, text: string, size: number): Open {
  const oursLabel = labelOf(text, size);
  return { line, raw: [text], ours: [], base: [], theirs: [], oursLabel, section: "ours", hasBase: false };
}

function closeConflict(open: Open, end: string, size: number): Conflict {
  return {
    line: open.line,
    ours: open.ours.join(""),
    base: open.hasBase ? open.base.join("") : null,
    theirs: open.theirs.join(""),
    oursLabel: open.oursLabel,
    theirsLabel: labelOf(end, size),
    raw: [...open.raw, end].join(""),
  };
}

/** Moves to the next section at a marker inside a conflict, or tells why it may not stand there. */
function enter(open: Open, kind: "start" | "base" | "separator"): ConflictRefusal["reason"] | undefined {
  if (kind === "start") return "nested_conflict";
  if (kind === "base" && open.section === "ours") {
    open.section = "base";
    open.hasBase = true;
    return undefined;
  }
  // A second separator would be one more way to cut the sides (a heading underlined with seven `=`), so it is refused.
  if (kind === "separator" && open.section !== "theirs") {
    open.section = "theirs";
    return undefined;
  }
  return "misplaced_marker";
}

function parseWithSize(lines: readonly string[], size: number): Result<ConflictedText, ConflictRefusal> {
  const segments: Segment[] = [];
  let text: string[] = [];
  let open: Open | undefined;
  for (const [index, line] of lines.entries()) {
    const kind = markerOf(line, size);
    if (open === undefined) {
      if (kind === "end") return refuse({ reason: "stray_end_marker", line: index + 1 });
      if (kind !== "start") {
        text.push(line);
        continue;
      }
      if (segments.length >= 2 * CONFLICTS_PER_FILE_MAX)
        return refuse({ reason: "too_many_conflicts", line: index + 1 });
      segments.push({ kind: "text", text: text.join("") });
      text = [];
      open = openConflict(index + 1, line, size);
    } else if (kind === undefined) {
      open[open.section].push(line);
      open.raw.push(line);
    } else if (kind === "end" && open.section === "theirs") {
      segments.push({ kind: "conflict", conflict: closeConflict(open, line, size) });
      open = undefined;
    } else {
      const reason = kind === "end" ? "misplaced_marker" : enter(open, kind);
      if (reason !== undefined) return refuse({ reason, line: index + 1 });
      open.raw.push(line);
    }
  }
  if (open !== undefined) return refuse({ reason: "unfinished_conflict", line: open.line });
  segments.push({ kind: "text", text: text.join("") });
  return ok({ segments, markerSize: size });
}

/** Sizes that start markers of this file could have, git's default first. */
function sizesIn(lines: readonly string[]): number[] {
  const sizes = new Set<number>([MARKER_SIZE_DEFAULT]);
  for (const line of lines) {
    if (!line.startsWith("<<<")) continue;
    const size = runLength(line);
    if (size >= MARKER_SIZE_MIN && size <= MARKER_SIZE_MAX && markerOf(line, size) === "start")
      sizes.add(size);
    if (sizes.size >= MARKER_SIZES_TRIED_MAX) break;
  }
  return [...sizes];
}

const conflictsIn = (text: ConflictedText): Conflict[] =>
  text.segments.flatMap((segment) => (segment.kind === "conflict" ? [segment.conflict] : []));

/** True when every conflict of `inner` lies within a conflict of `outer`: conflicts of a virtual base, longer markers. */
function within(inner: ConflictedText, outer: ConflictedText): boolean {
  const spans = conflictsIn(outer).map(({ line, raw }) => [line, line + splitLines(raw).length] as const);
  return conflictsIn(inner).every(({ line }) => spans.some(([from, to]) => line > from && line < to));
}

function parseGuessingSize(lines: readonly string[]): Result<ConflictedText, ConflictRefusal> {
  const parses = sizesIn(lines).map((size) => parseWithSize(lines, size));
  const readings = parses.flatMap((parse) =>
    parse.ok && parse.value.segments.length > 1 ? [parse.value] : [],
  );
  const [first, ...others] = readings;
  const byDefault = parses[0] ?? parseWithSize(lines, MARKER_SIZE_DEFAULT);
  // Markers of git's own size that do not add up are a damaged conflict, even if another size reads well.
  if (first === undefined || !byDefault.ok) return byDefault;
  if (others.length === 0) return ok(first);
  const outermost = readings.find((outer) =>
    readings.every((inner) => inner === outer || within(inner, outer)),
  );
  if (outermost !== undefined) return ok(outermost);
  return refuse({ reason: "ambiguous_marker_size", line: conflictsIn(others[0] ?? first)[0]?.line ?? 1 });
}

/**
 * In: a file's text, and its marker size where known (`conflict-marker-size` of its path), else it is found.
 * Out: its segments in order; a file without conflicts is one text. Refusals name the first line that cannot be read.
 */
export function parseConflicts(text: string, markerSize?: number): Result<ConflictedText, ConflictRefusal> {
  const nul = text.indexOf("\0");
  if (nul >= 0) return refuse({ reason: "binary", line: text.slice(0, nul).split("\n").length });
  const lines = splitLines(text);
  return markerSize === undefined ? parseGuessingSize(lines) : parseWithSize(lines, markerSize);
}

/** The conflicts of a parsed file, in order. */
export function listConflicts(text: ConflictedText): readonly Conflict[] {
  return conflictsIn(text);
}

/**
 * The file's text again. `answers[i]` stands in for the i-th conflict; undefined leaves it as it is, byte for byte.
 * Everything outside the answered conflicts is unchanged.
 */
export function renderConflicts(text: ConflictedText, answers: readonly (string | undefined)[]): string {
  let index = 0;
  return text.segments
    .map((segment) => {
      if (segment.kind === "text") return segment.text;
      const answer = answers[index];
      index += 1;
      return answer ?? segment.conflict.raw;
    })
    .join("");
}
