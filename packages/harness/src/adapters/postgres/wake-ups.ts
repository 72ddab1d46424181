// Says that a run may be waiting: at once within this process, to others by NOTIFY. A hint and no more: who looks for
// runs also looks from time to time by himself, so a hint that is lost makes a run late, never lost.

import type { Pool } from "pg";
import type { Log, WakeUps } from "../../ports.ts";

export const WAKE_UP_CHANNEL = "assent_run_queued";

/**
 * A NOTIFY inside the transaction that queues would make commits wait for each other: Postgres holds one lock for all
 * of them until the commit is on disk. So it is sent after the commit, on its own, where it costs no disk write; and
 * of many that would go out at the same time one is enough.
 */
export function createWakeUps(
  pool: Pool,
  log: Log,
): WakeUps & {
  /** Another process says so. */
  hear(): void;
} {
  const listeners = new Set<(from: "here" | "elsewhere") => boolean>();
  let sending = false;
  let again = false;

  const tellOthers = async (): Promise<void> => {
    do {
      again = false;
      try {
        await pool.query("select pg_notify($1, '')", [WAKE_UP_CHANNEL]);
      } catch (error) {
        log("info", "other processes were not told of a queued run; they will look by themselves", {
          error: error instanceof Error ? error.message : "unknown",
        });
      }
    } while (again);
    sending = false;
  };

  return {
    ring(): void {
      // Whoever of us has a free hand takes it; nobody else need be woken.
      for (const listener of listeners) if (listener("here")) return;
      again = true;
      if (sending) return;
      sending = true;
      void tellOthers();
    },
    hear(): void {
      for (const listener of listeners) listener("elsewhere");
    },
    listen(listener): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
