// A run that is leased to nobody who works on it goes back into the queue.

import { RETRY_DELAY_SECONDS_MAX } from "../base/limits.ts";
import type { StepError } from "../core/run/journal.ts";
import type { Fence, StoreTx } from "../ports.ts";
import { commit } from "./commit.ts";

/** Attempts after a worker's death that follow without a pause. */
const QUICK_ATTEMPTS = 6;

/**
 * Ends that lease, whoever's it is, and queues the run.
 * @returns false, and nothing is changed, where the run is not held under it any more
 */
export async function endLostLease(
  tx: StoreTx,
  fence: Fence,
  reason: StepError,
  now: Date,
): Promise<boolean> {
  // The token says whose lease was found lost; a newer one is somebody's who is well.
  const run = await tx.runs.lockFenced(fence);
  if (run === null) return false;
  // The first attempts follow at once: workers are replaced all the time. One that keeps dying is given pauses.
  const delaySeconds =
    run.attempt <= QUICK_ATTEMPTS
      ? 0
      : Math.min(2 ** (run.attempt - QUICK_ATTEMPTS), RETRY_DELAY_SECONDS_MAX);
  // Its journal is left unread: one that cannot be read is for whoever takes the run next to set aside.
  await commit(tx, { run, journal: [] }, [{ write: "run_moved", event: "released", reason, delaySeconds }], {
    now,
    actor: null,
  });
  // Whoever seemed to be gone may be at work on it still.
  tx.runs.callOff(run.id);
  return true;
}
