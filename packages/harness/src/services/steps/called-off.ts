// A run was called off over a call that its worker had under way, and is to be taken back when nobody can hear of that call
// any more. Its worker may hear of it all the same: then there is nothing left to wait for.

import { CALLED_OFF_HEARD_SECONDS } from "../../base/limits.ts";
import { OUTCOME_UNKNOWN, type StepError, type ToolStep } from "../../core/run/journal.ts";
import { openRollback } from "../../core/run/rollback.ts";
import type { Result } from "../../base/result.ts";
import type { StoreTx } from "../../ports.ts";
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
      if (await isWaitedFor(tx, fence, seq)) await tx.runs.wake(fence, ports.clock.now());
    },
    { isRepeatable: true },
  );
}

/**
 * When the call is to be cut off: at once where its run is another's; where that waits to hear of this very call, only
 * after some time to answer. A call that is cut off has as like as not happened, and nobody would know.
 */
export function cutOff(
  { ports, fence, lost }: Held,
  { seq }: ToolStep,
): Disposable & { readonly signal: AbortSignal } {
  const cut = new AbortController();
  const over = new AbortController();
  const hearOut = async (): Promise<void> => {
    try {
      const isWaited = await ports.store.transaction(
        fence.tenant,
        async (tx) => await isWaitedFor(tx, fence, seq),
        { isRepeatable: true },
      );
      if (isWaited) {
        const wait = ports.clock.sleep(CALLED_OFF_HEARD_SECONDS * 1_000, over.signal);
        ports.log("info", "a call is listened to, though its run was called off", { run_id: fence.run });
        await wait;
      }
    } catch (error) {
      // Nobody can tell, so it is as with any lease that was lost.
      const what = error instanceof Error ? error.message : "unknown";
      ports.log("info", "nobody could tell whether a call is waited for", { run_id: fence.run, error: what });
    }
    cut.abort(lost.reason);
  };
  const onLost = (): void => void hearOut();
  if (lost.aborted) onLost();
  else lost.addEventListener("abort", onLost, { once: true });
  return {
    signal: cut.signal,
    [Symbol.dispose]: () => {
      lost.removeEventListener("abort", onLost);
      over.abort();
    },
  };
}

async function isWaitedFor(tx: StoreTx, { run }: Held["fence"], seq: number): Promise<boolean> {
  const rollback = openRollback(await tx.steps.list(run));
  return rollback?.request.ending === "cancelled" && rollback.request.effects.includes(seq);
}
