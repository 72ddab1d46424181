// Pruning (retention), as C2SP tlog-tiles has it: a log has a minimum index, full bundles of entries that end at or below it
// may be gone, and the tree stays. The minimum is what an entry of the log says, so nobody can move it alone.

import { TILE_WIDTH } from "@assent/tlog";

/** An entry of this kind says that a log was pruned, and its subject says which one, and up to where. */
export const PRUNED_KIND = "log.pruned";

/** What stands in the place of a payload that was pruned. */
export const PRUNED_PAYLOAD = '{"pruned":true}';

/** Entries of this log below the minimum are not kept. */
export type PrunedLog = { readonly epoch: number; readonly minimum: number };

export const prunedSubject = ({ epoch, minimum }: PrunedLog): string => `pruned:${epoch}:${minimum}`;

/** @returns null for a subject that is none: a minimum lies between two bundles */
export function prunedBy(subject: string): PrunedLog | null {
  const [, epoch, minimum] = /^pruned:([1-9]\d{0,8}):([1-9]\d{0,14})$/.exec(subject) ?? [];
  if (epoch === undefined || minimum === undefined || Number(minimum) % TILE_WIDTH !== 0) return null;
  return { epoch: Number(epoch), minimum: Number(minimum) };
}

/** Entries [first, end) of which there are hashes and nothing else. */
export type Hole = { readonly first: number; readonly end: number };

/** What there is of the holes past what was pruned with a record, and how many entries are gone with one. */
export function unexplained(
  holes: readonly Hole[],
  minimum: number,
): { readonly rest: readonly Hole[]; readonly explained: number } {
  const rest = holes.flatMap(({ first, end }) =>
    end > minimum ? [{ first: Math.max(first, minimum), end }] : [],
  );
  const all = holes.reduce((sum, { first, end }) => sum + end - first, 0);
  return { rest, explained: rest.reduce((sum, { first, end }) => sum - (end - first), all) };
}
