// Looks for runs that nobody advances any more, and sets them going again. Any number of processes may sweep at once:
// each finding is checked again under the run's lock.

import { SWEEP_INTERVAL_SECONDS } from "../base/limits.ts";
import type { RunId } from "@assent/contract";
import { AssertionFailed, unreachable } from "../base/assert.ts";
import type { GateOutcome, Journal } from "../core/run/journal.ts";
import {
  type Clock,
  type ClockWatch,
  type Due,
  type Log,
  type Store,
  type StoreTx,
  StoreUnavailable,
  type Tools,
} from "../ports.ts";
import { commit } from "./commit.ts";
import type { Write } from "./write.ts";
import { failIdle } from "./external/finish.ts";
import { endLostLease } from "./lost-lease.ts";
import { closeExpired } from "./unanswered.ts";
import { startSweeping, type Sweeping } from "./sweeping.ts";

/** Findings of one pass; what is left over is found again in the next. */
const FINDINGS_MAX = 100;

type Ports = {
  readonly store: Store;
  readonly clock: Clock;
  readonly clockWatch: Pick<ClockWatch, "difference">;
  readonly log: Log;
  readonly tools: Pick<Tools, "get">;
};

export type SweepHeard = {
  /** There are runs that are queued: whoever is free should look, in case nobody heard of them. */
  readonly onQueued?: () => void;
  /** There are messages to be sent. */
  readonly onMessage?: () => void;
};

export const startSweeper = (ports: Ports, heard: SweepHeard): Sweeping =>
  startSweeping(ports, SWEEP_INTERVAL_SECONDS, "a sweep failed", async () => await sweep(ports, heard));

/** One pass; none by a clock that is astray. @returns how many runs were set going again */
export async function sweep(ports: Ports, { onQueued, onMessage }: SweepHeard = {}): Promise<number> {
  if (ports.clockWatch.difference() !== null) return 0;
  const { findings, isAnyQueued, isAnyMessage } = await ports.store.due(ports.clock.now(), FINDINGS_MAX);
  if (isAnyQueued) onQueued?.();
  if (isAnyMessage) onMessage?.();
  let mended = 0;
  for (const finding of findings) if (await tryToMend(ports, finding)) mended += 1;
  return mended;
}

// What is wrong with one run may be anything, and it is found first again each time: it must not keep all others waiting.
async function tryToMend({ store, tools, clock, log }: Ports, finding: Due): Promise<boolean> {
  const about = { why: finding.why, run_id: finding.run };
  try {
    const done = await store.transaction(
      finding.tenant,
      async (tx) => await mend(tx, tools, finding, clock.now()),
      { isRepeatable: true },
    );
    if (done) log("info", "swept", about);
    return done;
  } catch (error) {
    // Of a database that is away there is nothing to be had for the others either.
    if (error instanceof StoreUnavailable) throw error;
    log("error", "a run could not be set going again", {
      ...about,
      error: error instanceof Error ? error.message : "unknown",
    });
    return false;
  }
}

async function mend(tx: StoreTx, tools: Pick<Tools, "get">, finding: Due, now: Date): Promise<boolean> {
  switch (finding.why) {
    case "lease_lost":
      return await endLostLease(tx, finding, WORKER_LOST, now);
    case "approval_expired":
      return await expire(tx, finding, now);
    case "driver_idle": {
      const run = await tx.runs.lock(finding.run);
      return run !== null && (await failIdle(tx, tools, run, now));
    }
    default:
      return unreachable(finding);
  }
}

const WORKER_LOST = { code: "worker_lost", detail: "The worker that held the run is gone." };

async function expire(
  tx: StoreTx,
  due: Extract<Due, { why: "approval_expired" }>,
  now: Date,
): Promise<boolean> {
  const run = await tx.runs.lock(due.run);
  const approval = await tx.approvals.find(due.approval);
  // A driven run does not wait: its approvals stand open beside it.
  const driven = run?.driver === "external" && run.state === "running";
  if (run === null || (run.state !== "awaiting_approval" && !driven)) return false;
  if (approval?.state !== "open" || approval.expiresAt > now) return false;
  const journal = await readable(tx, run.id);
  const outcome: GateOutcome = { kind: "gate", answer: "expired", comment: null, editedAction: null };
  await commit(
    tx,
    { run, journal: journal ?? [] },
    [
      { write: "approval_decided", approval, event: "expired", change: { decidedAt: now } },
      ...(journal === null
        ? []
        : [{ write: "step_closed", seq: approval.seq, state: "succeeded", outcome, error: null } as const]),
      ...(driven ? [] : [RESUMED]),
    ],
    { now, actor: null },
  );
  await closeExpired(tx, run, approval, now);
  return true;
}

// Null: it cannot be read. Its question has expired all the same, or it would be found again with every sweep; the run is
// for whoever takes it next to set aside.
async function readable(tx: StoreTx, run: RunId): Promise<Journal | null> {
  try {
    return await tx.steps.list(run);
  } catch (error) {
    if (error instanceof AssertionFailed) return null;
    throw error;
  }
}

const RESUMED: Write = {
  write: "run_moved",
  event: "resumed",
  reason: { code: "approval_expired", detail: "Nobody decided in time; that counts as a denial." },
};
