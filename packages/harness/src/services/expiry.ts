// Removes what has expired: answers that were kept for repeats, quotas that nobody uses any more. Any number of
// processes may do so at once.

import { EXPIRY_INTERVAL_SECONDS } from "../base/limits.ts";
import type { Clock, Log, Store } from "../ports.ts";

/** Rows of one kind in one statement: it must not hold its locks for long. */
const ROWS_MAX = 5_000;

export function startExpiry(ports: {
  readonly store: Pick<Store, "sweepExpired">;
  readonly clock: Clock;
  readonly log: Log;
}): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await ports.clock.sleep(EXPIRY_INTERVAL_SECONDS * 1_000, stopping.signal);
      if (stopping.signal.aborted) return;
      try {
        await ports.store.sweepExpired(ports.clock.now(), ROWS_MAX);
      } catch (error) {
        ports.log("warn", "expired rows could not be removed", {
          error: error instanceof Error ? error.message : "unknown",
        });
      }
    }
  })();
  return {
    async stop(): Promise<void> {
      stopping.abort();
      await loop;
    },
  };
}
