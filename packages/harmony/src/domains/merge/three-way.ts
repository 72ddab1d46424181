// Three-way merge of sequences (Khanna, Kunal and Pierce 2007): where only one side changed a stretch of the base, its
// change is taken; where both changed it alike, once; where they differ there is no answer.

import { alignSequences, type Match } from "./align.ts";
import { TOKEN_MERGE_LENGTH_MAX } from "./limits.ts";
import { tokenise } from "./tokens.ts";

/** For each item of the base the item of the side it was matched with, or -1. */
function counterparts(length: number, matches: readonly Match[]): Int32Array {
  const to = new Int32Array(length).fill(-1);
  for (const { leftStart, rightStart, length: run } of matches) {
    for (let offset = 0; offset < run; offset += 1) to[leftStart + offset] = rightStart + offset;
  }
  return to;
}

const equal = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index]);

function mergeStretch(base: string[], ours: string[], theirs: string[]): string[] | undefined {
  if (equal(ours, base) || equal(ours, theirs)) return theirs;
  return equal(theirs, base) ? ours : undefined;
}

/** The merged sequence, or undefined when the sides changed one stretch in different ways (or are too unlike). */
export function mergeSequences(
  base: readonly string[],
  ours: readonly string[],
  theirs: readonly string[],
): string[] | undefined {
  const oursMatches = alignSequences(base, ours);
  const theirsMatches = alignSequences(base, theirs);
  if (oursMatches === undefined || theirsMatches === undefined) return undefined;
  const toOurs = counterparts(base.length, oursMatches);
  const toTheirs = counterparts(base.length, theirsMatches);
  const merged: string[] = [];
  let [b, o, t] = [0, 0, 0];
  for (let index = 0; index <= base.length; index += 1) {
    const end = index === base.length;
    const oursAt = end ? ours.length : (toOurs[index] ?? -1);
    const theirsAt = end ? theirs.length : (toTheirs[index] ?? -1);
    if (oursAt < 0 || theirsAt < 0) continue;
    const stretch = mergeStretch(base.slice(b, index), ours.slice(o, oursAt), theirs.slice(t, theirsAt));
    if (stretch === undefined) return undefined;
    for (const item of stretch) merged.push(item);
    const kept = base[index];
    if (kept !== undefined) merged.push(kept);
    [b, o, t] = [index + 1, oursAt + 1, theirsAt + 1];
  }
  return merged;
}

/** The same for texts, token by token; null past the limit or where both sides changed one place. */
export function mergeTokens(base: string, ours: string, theirs: string): string | null {
  if (base.length + ours.length + theirs.length > TOKEN_MERGE_LENGTH_MAX) return null;
  return mergeSequences(tokenise(base), tokenise(ours), tokenise(theirs))?.join("") ?? null;
}
