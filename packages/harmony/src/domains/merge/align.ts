// Myers' greedy difference algorithm (1986), with bounds: two sequences too unlike to align in bounded work get no
// alignment, and whoever asked proposes nothing from it.

import { ALIGNED_LENGTH_MAX, EDIT_DISTANCE_MAX } from "./limits.ts";

/** A run of equal items: `left[leftStart + i] === right[rightStart + i]` for i below `length`. */
export type Match = { readonly leftStart: number; readonly rightStart: number; readonly length: number };

/** Runs of a longest common subsequence in order, or undefined past the bounds. Deterministic. */
export function alignSequences(left: readonly string[], right: readonly string[]): Match[] | undefined {
  if (left.length > ALIGNED_LENGTH_MAX || right.length > ALIGNED_LENGTH_MAX) return undefined;
  let head = 0;
  while (head < left.length && head < right.length && left[head] === right[head]) head += 1;
  let tail = 0;
  const room = Math.min(left.length, right.length) - head;
  while (tail < room && left[left.length - 1 - tail] === right[right.length - 1 - tail]) tail += 1;
  const middle = matchesBetween(left.slice(head, left.length - tail), right.slice(head, right.length - tail));
  if (middle === undefined) return undefined;
  const runs = [
    { leftStart: 0, rightStart: 0, length: head },
    ...middle.map((run) => ({ ...run, leftStart: run.leftStart + head, rightStart: run.rightStart + head })),
    { leftStart: left.length - tail, rightStart: right.length - tail, length: tail },
  ];
  return runs.filter(({ length }) => length > 0);
}

/** One forward step of Myers: the furthest x on diagonal k, given the furthest of the step before. */
function furthest(frontier: Int32Array, centre: number, k: number, distance: number): number {
  const down = frontier[centre + k + 1] ?? 0;
  const along = (frontier[centre + k - 1] ?? 0) + 1;
  return k === -distance || (k !== distance && along <= down) ? down : along;
}

function matchesBetween(left: readonly string[], right: readonly string[]): Match[] | undefined {
  if (left.length === 0 || right.length === 0) return [];
  const bound = Math.min(left.length + right.length, EDIT_DISTANCE_MAX);
  const centre = bound + 1;
  const frontier = new Int32Array(2 * bound + 3);
  const trace: Int32Array[] = [];
  for (let distance = 0; distance <= bound; distance += 1) {
    trace.push(frontier.slice(centre - distance - 1, centre + distance + 2));
    for (let k = -distance; k <= distance; k += 2) {
      let x = furthest(frontier, centre, k, distance);
      while (x < left.length && x - k < right.length && left[x] === right[x - k]) x += 1;
      frontier[centre + k] = x;
      if (x >= left.length && x - k >= right.length) return walkBack(trace, left.length, right.length);
    }
  }
  return undefined;
}

function walkBack(trace: readonly Int32Array[], leftLength: number, rightLength: number): Match[] {
  const runs: Match[] = [];
  let x = leftLength;
  let y = rightLength;
  for (let distance = trace.length - 1; distance >= 0; distance -= 1) {
    const frontier = trace[distance] ?? new Int32Array();
    const k = x - y;
    const start = distance === 0 ? 0 : furthest(frontier, distance + 1, k, distance);
    const length = x - start;
    if (length > 0) runs.push({ leftStart: start, rightStart: start - k, length });
    if (distance === 0) break;
    const cameDown =
      start === (frontier[distance + 1 + k + 1] ?? 0) && (k === -distance || isDown(frontier, distance, k));
    x = cameDown ? start : start - 1;
    y = cameDown ? start - k - 1 : start - k;
  }
  return runs.toReversed();
}

function isDown(frontier: Int32Array, distance: number, k: number): boolean {
  if (k === distance) return false;
  return (frontier[distance + 1 + k - 1] ?? 0) + 1 <= (frontier[distance + 1 + k + 1] ?? 0);
}
