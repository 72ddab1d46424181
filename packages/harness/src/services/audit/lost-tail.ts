// A restored backup ends before its log did. The rest stands in the published files: it is read from there and held
// against every claim like any entry, and the epoch that was begun after the restore has to account for it.

import { type Hash, openCheckpoint, type VerifierKey } from "@assent/tlog";
import { z } from "zod";
import type { LogInfo, OutsideKnowledge, ReviewTx } from "../../ports.ts";
import { type PublishedEntry, readPublished } from "./ahead.ts";
import { EPOCH_KIND } from "../../core/audit/epoch-link.ts";

/** Somebody says that the first so many entries have this root. */
export type Claim = {
  readonly size: number;
  readonly root: Hash;
  readonly by: string;
  /** Keys that were found to have signed it, where any are trusted. */
  readonly signers?: readonly VerifierKey[];
};

export type LostTail = {
  /** Entries past the database's last one, as they were published; of what was pruned since, hashes. */
  readonly entries: readonly PublishedEntry[];
  /** How many entries of this log the next epoch accounts for; 0 where there is none that does. */
  readonly accounted: number;
  /** What that epoch says of this log. */
  readonly claims: readonly Claim[];
};

const NOTHING_LOST: LostTail = { entries: [], accounted: 0, claims: [] };

/** @param sizes that somebody outside of the database remembers of this log */
export async function readLostTail(
  tx: ReviewTx,
  tenant: string,
  log: LogInfo & { readonly size: number },
  keys: readonly VerifierKey[],
  { readFile }: Pick<OutsideKnowledge, "readFile">,
  sizes: readonly number[],
): Promise<LostTail> {
  const beyond = sizes.filter((size) => size > log.size).toSorted((a, b) => b - a);
  if (beyond.length === 0) return NOTHING_LOST;
  const next = await readNextEpoch(tx, tenant, log, keys);
  for (const size of beyond) {
    const entries = await readPublished(readFile, log.size, size);
    if (entries !== null) return { entries, ...next };
  }
  return { entries: [], ...next };
}

const beginningSchema = z.looseObject({
  before: z.string(),
  last_checkpoint: z.string().nullable(),
  signer_remembers: z.int().min(0),
});

async function readNextEpoch(
  tx: ReviewTx,
  tenant: string,
  { origin, epoch }: LogInfo,
  keys: readonly VerifierKey[],
): Promise<Omit<LostTail, "entries">> {
  const none = { accounted: 0, claims: [] };
  const [first] = await tx.leaves(tenant, epoch + 1, 0, 1);
  if (first?.fact?.kind !== EPOCH_KIND || first.payload === null) return none;
  const said = beginningSchema.safeParse(parsed(first.payload));
  if (!said.success || said.data.before !== origin) return none;
  const { last_checkpoint: note, signer_remembers: remembered } = said.data;
  const opened = note === null ? null : openCheckpoint(note, origin, keys, "any");
  const claims =
    opened?.ok === true ? [{ ...opened.value, by: `the first entry of epoch ${epoch + 1}` }] : [];
  return { accounted: Math.max(remembered, ...claims.map(({ size }) => size)), claims };
}

function parsed(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    // The payload is held against what its entry commits to elsewhere.
    return null;
  }
}
