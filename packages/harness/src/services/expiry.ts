// Removes what has expired: answers that were kept for repeats, quotas that nobody uses any more. Any number of
// processes may do so at once.

import { EXPIRY_INTERVAL_SECONDS } from "../base/limits.ts";
import type { Clock, Log, Store } from "../ports.ts";
import { startSweeping, type Sweeping } from "./sweeping.ts";

/** Rows of one kind in one statement: it must not hold its locks for long. */
const ROWS_MAX = 5_000;

export const startExpiry = (ports: {
  readonly store: Pick<Store, "sweepExpired">;
  readonly clock: Clock;
  readonly log: Log;
}): Sweeping =>
  startSweeping(
    ports,
    EXPIRY_INTERVAL_SECONDS,
    "expired rows could not be removed",
    async () => await ports.store.sweepExpired(ports.clock.now(), ROWS_MAX),
  );
