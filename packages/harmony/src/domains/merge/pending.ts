// What Harmony must remember between seeing a conflicted file and learning from what became of it: the file as it was,
// and what was done about each conflict. Without it a replayed answer could neither be undone nor be found wrong.

import * as z from "zod";
import { isId, type ContentId } from "../../ids.ts";
import {
  CONFLICTS_PER_FILE_MAX,
  FILE_SIZE_BYTES_MAX,
  MARKER_SIZE_MAX,
  MARKER_SIZE_MIN,
  PATH_LENGTH_MAX,
} from "./limits.ts";

const id: z.ZodType<ContentId> = z.custom<ContentId>(isId);
const commit = z.string().regex(/^[0-9a-f]{40,64}$/u);
const text = z.string().max(FILE_SIZE_BYTES_MAX);

export type PendingConflict = {
  readonly pattern_id: ContentId;
  /** What stands in the conflict's place because Harmony put it there; null when it left the conflict. */
  readonly applied: string | null;
  /** The precedent that the answer rests on; null for a policy. */
  readonly resolution_id: ContentId | null;
  /** What was learned from this conflict, so that it is learned once. */
  readonly learned: string | null;
  readonly learned_resolution_id: ContentId | null;
  /** A person took the answer back in this merge; it is not given here again. */
  readonly undone: boolean;
};

export type PendingFile = {
  readonly version: 1;
  readonly path: string;
  readonly marker_size: number;
  /** The file as it was before Harmony touched it. */
  readonly before: string;
  /** The file as Harmony left it. */
  readonly after: string;
  readonly seen_at: string;
  /** The commit being merged, so that an aborted merge is not taken for a decision; null where git does not say. */
  readonly merging: string | null;
  /** The merge, or the whole rebase, that this belonged to; null where git does not say. */
  readonly session: string | null;
  /** The commit it was merged into: the same branch merged elsewhere is another merge. Null where git does not say. */
  readonly onto: string | null;
  readonly conflicts: readonly PendingConflict[];
};

const conflictSchema: z.ZodType<PendingConflict> = z.strictObject({
  pattern_id: id,
  applied: text.nullable(),
  resolution_id: id.nullable(),
  learned: text.nullable(),
  learned_resolution_id: id.nullable(),
  undone: z.boolean(),
});

const pendingSchema: z.ZodType<PendingFile> = z.strictObject({
  version: z.literal(1),
  path: z.string().min(1).max(PATH_LENGTH_MAX),
  marker_size: z.int().min(MARKER_SIZE_MIN).max(MARKER_SIZE_MAX),
  before: text,
  after: text,
  seen_at: z.iso.datetime(),
  merging: commit.nullable(),
  // Records of before this key was written have none.
  session: commit.nullable().default(null),
  onto: commit.nullable().default(null),
  conflicts: z.array(conflictSchema).max(CONFLICTS_PER_FILE_MAX),
});

/** Null for anything that is not a pending file's record. */
export function readPending(value: unknown): PendingFile | null {
  const parsed = pendingSchema.safeParse(value);
  return parsed.success ? parsed.data : null;
}
