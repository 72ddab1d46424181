// Removes private copies of workspaces that nobody works on any more: of runs that failed or were called off, and those
// that a run left behind when it went on in another home. Any number of processes may sweep one home at once.

import { COPY_KEPT_HOURS, COPY_SWEEP_HOURS } from "../base/limits.ts";
import type { Clock, ClockWatch, Log, Store, Workspaces } from "../ports.ts";

type Ports = {
  readonly store: Pick<Store, "endedRuns">;
  readonly workspaces: Pick<Workspaces, "list" | "remove">;
  readonly clock: Clock;
  readonly clockWatch: Pick<ClockWatch, "difference">;
  readonly log: Log;
};

/** Ids of one question to the database. */
const IDS_MAX = 1_000;

export function startCopySweeper(ports: Ports): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await sweepCopies(ports, stopping.signal);
      } catch (error) {
        ports.log("warn", "copies of workspaces could not be swept", {
          error: error instanceof Error ? error.message : "unknown",
        });
      }
      await ports.clock.sleep(COPY_SWEEP_HOURS * 3_600_000, stopping.signal);
    }
  })();
  return {
    async stop(): Promise<void> {
      stopping.abort();
      await loop;
    },
  };
}

/**
 * One pass; none by a clock that is astray. A run that the database does not know keeps its copy: it may be another's.
 * @returns how many were removed
 */
export async function sweepCopies(
  { store, workspaces, clock, clockWatch, log }: Ports,
  stopping: AbortSignal = new AbortController().signal,
): Promise<number> {
  if (clockWatch.difference() !== null) return 0;
  const before = new Date(clock.now().getTime() - COPY_KEPT_HOURS * 3_600_000);
  const copies = await workspaces.list();
  let removed = 0;
  for (let at = 0; at < copies.length; at += IDS_MAX) {
    for (const run of await store.endedRuns(copies.slice(at, at + IDS_MAX), before)) {
      if (stopping.aborted) return removed;
      await workspaces.remove(run);
      removed += 1;
    }
  }
  if (removed > 0) log("info", "swept copies of workspaces of runs that have ended", { copies: removed });
  return removed;
}
