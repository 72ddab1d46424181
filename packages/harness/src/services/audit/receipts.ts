// Receipts of decisions. Many decisions wait for the same checkpoint, so those of one tenant are looked up together: two
// statements for all of them in the place of two for each.

import type { ApprovalId, RunId, TenantId } from "@assent/contract";
import { formatProof, proveInclusion } from "@assent/tlog";
import type { CoveredEntry, Decided, LogStore, LogTx } from "../../ports.ts";
import { withHashes } from "./tree-reader.ts";

export type EventProof = {
  readonly epoch: number;
  readonly index: number;
  readonly leaf: Uint8Array;
  /** C2SP tlog-proof. */
  readonly proof: string;
};

/** Of one look; more wait for the next. */
const TOGETHER_MAX = 64;

type Asked = PromiseWithResolvers<EventProof | null> & { readonly decided: Decided };

/** @returns the receipt of a decision as it is now; null while no checkpoint covers it */
export function createReceipts(
  store: Pick<LogStore, "decisionEntries" | "hashRanges">,
): (tenant: TenantId, run: RunId, approval: ApprovalId) => Promise<EventProof | null> {
  /** Of tenants that are looked at: who asked since the last look began. What was written before they asked has to be seen. */
  const next = new Map<TenantId, Asked[]>();
  const lookUp = async (tenant: TenantId, asking: Asked[]): Promise<void> => {
    // All whom the same checkpoint has woken ask in this turn: one look is for all of them, the first one's, too.
    await Promise.resolve();
    while (asking.length > 0) await answer(store, tenant, asking.splice(0, TOGETHER_MAX));
    next.delete(tenant);
  };
  return async (tenant, run, approval) => {
    const one: Asked = { decided: { run, approval }, ...Promise.withResolvers<EventProof | null>() };
    const others = next.get(tenant);
    if (others === undefined) {
      const asking = [one];
      next.set(tenant, asking);
      void lookUp(tenant, asking);
    } else others.push(one);
    return await one.promise;
  };
}

// Whatever is wrong with one of them must not be answered to the others: then each is looked up by itself.
async function answer(
  store: Pick<LogStore, "decisionEntries" | "hashRanges">,
  tenant: TenantId,
  asked: readonly Asked[],
): Promise<void> {
  try {
    const proofs = await receiptsOf(
      store,
      tenant,
      asked.map(({ decided }) => decided),
    );
    for (const [at, { resolve }] of asked.entries()) resolve(proofs[at] ?? null);
  } catch (error) {
    if (asked.length > 1) for (const one of asked) await answer(store, tenant, [one]);
    else for (const { reject } of asked) reject(error);
  }
}

async function receiptsOf(
  store: Pick<LogStore, "decisionEntries" | "hashRanges">,
  tenant: TenantId,
  decided: readonly Decided[],
): Promise<readonly (EventProof | null)[]> {
  const entries = await store.decisionEntries(tenant, decided);
  const hashRanges: LogTx["hashRanges"] = async (epoch, ranges) =>
    await store.hashRanges(tenant, epoch, ranges);
  const proofs = new Map<CoveredEntry, EventProof>();
  const covered = entries.filter((entry) => entry !== null);
  for (const epoch of new Set(covered.map((entry) => entry.epoch))) {
    const ofEpoch = covered.filter((entry) => entry.epoch === epoch);
    const made = await proofsOf({ hashRanges }, epoch, ofEpoch);
    for (const [at, entry] of ofEpoch.entries()) {
      const proof = made[at];
      if (proof !== undefined) proofs.set(entry, proof);
    }
  }
  return entries.map((entry) => (entry === null ? null : (proofs.get(entry) ?? null)));
}

/** @param entries of this epoch */
export async function proofsOf(
  tx: Pick<LogTx, "hashRanges">,
  epoch: number,
  entries: readonly CoveredEntry[],
): Promise<readonly EventProof[]> {
  const hashes = await withHashes(tx, epoch, (read) =>
    entries.map(({ index, checkpoint }) => proveInclusion(read, index, checkpoint.size)),
  );
  return entries.map(({ index, leaf, checkpoint }, at) => ({
    epoch,
    index,
    leaf,
    proof: formatProof({ index, hashes: hashes[at] ?? [], checkpoint: checkpoint.note, extra: null }),
  }));
}
