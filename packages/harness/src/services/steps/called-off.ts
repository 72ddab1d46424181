// A run was called off over a call that its worker had under way, and is to be taken back when nobody can hear of that call
// any more. Its worker may hear of it all the same: then there is nothing left to wait for.

import { OUTCOME_UNKNOWN, type StepError, type ToolStep } from "../../core/run/journal.ts";
import { openRollback } from "../../core/run/rollback.ts";
import type { Result } from "../../base/result.ts";
import type { Held } from "../held.ts";

/**
 * Sets the taking back going, where the run waits for the end of this very call. What came of it is not written: it was
 * answered for when the run was called off, and this worker's word counts for nothing any more (invariant 16, fenced).
 */
export async function endWait(
  { ports, fence }: Held,
  { seq }: ToolStep,
  result: Result<unknown, StepError>,
): Promise<void> {
  if (!result.ok && result.error.code === OUTCOME_UNKNOWN) return;
  await ports.store.transaction(
    fence.tenant,
    async (tx) => {
      const rollback = openRollback(await tx.steps.list(fence.run));
      const isWaited = rollback?.request.ending === "cancelled" && rollback.request.effects.includes(seq);
      if (isWaited) await tx.runs.wake(fence, ports.clock.now());
    },
    { isRepeatable: true },
  );
}
