// A log that was followed by another ended somewhere, and the first entry of the one that followed says where. Whoever shows a
// copy of the earlier one that is shorter, or another history of that length, is found by that; a restored backup that lost a
// part of it is not, as long as the later log says how much the database had left.

import { type Hash, parseCheckpoint, parseNote } from "@assent/tlog";
import { z } from "zod";

/** The first entry of every log but the first one of a tenant. */
export const EPOCH_KIND = "log.epoch_begun";

/** What a log says of the one before it. */
export type EarlierLog = {
  readonly origin: string;
  /** Entries that were signed of it, and their root; null where none were. */
  readonly ended: { readonly size: number; readonly root: Hash } | null;
  /** Entries of it that the database had when the later one began: fewer, where a backup was restored. */
  readonly kept: number;
};

const beginningSchema = z.looseObject({
  before: z.string(),
  last_checkpoint: z.string().nullable(),
  database_size: z.int().min(0),
});

/**
 * @param payload of the log's first entry, as the entry commits to it
 * @returns null for what does not say all of it: whoever could leave out where the earlier log ended could leave out its end
 */
export function readEarlierLog(payload: string): EarlierLog | null {
  const said = beginningSchema.safeParse(parsed(payload));
  if (!said.success) return null;
  const { before: origin, last_checkpoint: text, database_size: kept } = said.data;
  if (text === null) return { origin, ended: null, kept };
  const note = parseNote(text);
  // Signed by keys of then, which may be nobody's any more: the later log has signed that it was so.
  const checkpoint = note.ok ? parseCheckpoint(note.value.text) : null;
  if (checkpoint?.ok !== true || checkpoint.value.origin !== origin) return null;
  return { origin, ended: { size: checkpoint.value.size, root: checkpoint.value.root }, kept };
}

function parsed(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
