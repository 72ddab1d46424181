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

/** None by a clock that is astray. @returns how many */
export async function sweepDeliveries({ store, clock, clockWatch }: Omit<Ports, "log">): Promise<number> {
  if (clockWatch.difference() !== null) return 0;
  const at = clock.now();
  const before = (days: number): Date => new Date(at.getTime() - days * DAY_MS);
  return await store.deliveries.sweep(
    { at, deadBefore: before(WEBHOOK_MESSAGE_DAYS), goneBefore: before(WEBHOOK_KEPT_DAYS) },
    ROWS_MAX,
  );
}

export const startDeliverySweeper = (ports: Ports): Sweeping =>
  startSweeping(
    ports,
    WEBHOOK_SWEEP_MINUTES * 60,
    "old messages to webhooks could not be removed",
    async () => await sweepDeliveries(ports),
  );
