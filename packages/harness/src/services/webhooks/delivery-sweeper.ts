// Gives up messages that are no news any more, and forgets those that have long ended. Any number of processes may do so at once.

import { WEBHOOK_KEPT_DAYS, WEBHOOK_MESSAGE_DAYS, WEBHOOK_SWEEP_MINUTES } from "../../base/limits.ts";
import type { Clock, ClockWatch, Log, Store } from "../../ports.ts";
import { startSweeping, type Sweeping } from "../sweeping.ts";

/** Rows of one kind in one statement: it must not hold its locks for long. */
const ROWS_MAX = 5_000;
const DAY_MS = 86_400_000;

type Ports = {
  readonly store: Pick<Store, "deliveries">;
  readonly clock: Clock;
  readonly clockWatch: Pick<ClockWatch, "difference">;
  readonly log: Log;
};

/**
 * Until nothing old is left: more may come in between two sweeps than one statement removes. None by a clock that is astray.
 * @returns how many
 */
export async function sweepDeliveries(
  { store, clock, clockWatch }: Omit<Ports, "log">,
  stopping: AbortSignal = new AbortController().signal,
  rowsMax: number = ROWS_MAX,
): Promise<number> {
  let all = 0;
  for (;;) {
    if (stopping.aborted || clockWatch.difference() !== null) return all;
    const at = clock.now();
    const before = (days: number): Date => new Date(at.getTime() - days * DAY_MS);
    const swept = await store.deliveries.sweep(
      { at, deadBefore: before(WEBHOOK_MESSAGE_DAYS), goneBefore: before(WEBHOOK_KEPT_DAYS) },
      rowsMax,
    );
    all += swept;
    // Of either kind there may be as many more.
    if (swept < rowsMax) return all;
  }
}

export const startDeliverySweeper = (ports: Ports): Sweeping =>
  startSweeping(
    ports,
    WEBHOOK_SWEEP_MINUTES * 60,
    "old messages to webhooks could not be removed",
    async (stopping) => await sweepDeliveries(ports, stopping),
  );
