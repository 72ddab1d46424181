// Retention: the operator has what is older than the installation keeps taken out of the tenant's logs. An entry that says
// so is signed and published first; only then do rows go, and files after them. So whatever a crash leaves, everything that
// is gone is gone by record, and the next call goes on from there.

import { type TenantId, uuidOf } from "@assent/contract";
import { TILE_WIDTH } from "@assent/tlog";
import { err, ok, type Result } from "../../base/result.ts";
import { PRUNED_KIND, type PrunedLog, prunedSubject } from "../../core/audit/pruning.ts";
import type { Caller, Clock, LogInfo, LogStore, LogTx } from "../../ports.ts";
import type { Refusal } from "../harness.ts";

export type PruningPorts = {
  readonly store: LogStore;
  readonly clock: Clock;
  /** How long entries are kept; null: for ever. */
  readonly retentionDays: number | null;
  /** Waits until a signed checkpoint covers the newest fact about this subject; false when that took too long. */
  readonly waitForCover: (tenant: TenantId, subject: string) => Promise<boolean>;
};

/** Rows are taken away for this long at a time: a request is answered in between. */
const PRUNE_MS_MAX = 5_000;
const DAY_MS = 86_400_000;

/** @returns whether more is to be done */
export async function prune(
  { store, clock, retentionDays, waitForCover }: PruningPorts,
  { tenant, actor }: Caller,
): Promise<Result<{ readonly isUnfinished: boolean }, Refusal>> {
  if (retentionDays === null) return err(NOT_SET);
  const began = clock.now().getTime();
  const before = new Date(began - retentionDays * DAY_MS);
  const logs = await store.transaction(tenant, async (tx) => await tx.logs());
  for (const log of logs) {
    const record = await store.transaction(tenant, async (tx) => {
      // Of two at once the second finds what the first has recorded.
      await tx.lock();
      const due = await findDue(tx, log, before);
      if (due === null || (await tx.newestFact(prunedSubject(due))) !== null) return due;
      await tx.addFact({
        subject: prunedSubject(due),
        at: clock.now(),
        kind: PRUNED_KIND,
        actor: uuidOf(actor.id),
        payload: JSON.stringify({ ...due, retention_days: retentionDays, before: before.toISOString() }),
      });
      return due;
    });
    if (record !== null && !(await waitForCover(tenant, prunedSubject(record))))
      return ok({ isUnfinished: true });
    for (let from: number | null = 0; from !== null;) {
      if (clock.now().getTime() - began >= PRUNE_MS_MAX) return ok({ isUnfinished: true });
      const next: number = from;
      from = await store.transaction(tenant, async (tx) => await tx.pruneNext(log.epoch, next));
    }
  }
  return ok({ isUnfinished: false });
}

/** The new minimum of a log; null where that is the one that it has. */
async function findDue(tx: LogTx, { epoch }: LogInfo, before: Date): Promise<PrunedLog | null> {
  const bundles = Math.floor((await tx.prunable(epoch, before)) / TILE_WIDTH);
  const minimum = bundles * TILE_WIDTH;
  return minimum > (await tx.minimum(epoch)) ? { epoch, minimum } : null;
}

const NOT_SET: Refusal = {
  code: "retention_not_set",
  detail: "The configuration says nothing of how long entries are kept, so all of them are.",
};
