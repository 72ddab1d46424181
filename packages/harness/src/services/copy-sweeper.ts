// Removes private copies of workspaces that nobody works on any more: of runs that failed or were called off, and those
// that a run left behind when it went on in another home. Any number of processes may sweep one home at once.

import type { RunId } from "@assent/contract";
import { COPY_KEPT_HOURS, COPY_SWEEP_HOURS } from "../base/limits.ts";
import type { Clock, ClockWatch, Log, Store, Workspaces } from "../ports.ts";
import { removeEach, startSweeping, type Sweeping } from "./sweeping.ts";

type Ports = {
  readonly store: Pick<Store, "endedRuns">;
  readonly workspaces: Pick<Workspaces, "list" | "remove">;
  readonly clock: Clock;
  readonly clockWatch: Pick<ClockWatch, "difference">;
  readonly log: Log;
};

/** Ids of one question to the database. */
const IDS_MAX = 1_000;

export const startCopySweeper = (ports: Ports): Sweeping =>
  startSweeping(
    ports,
    COPY_SWEEP_HOURS * 3_600,
    "copies of workspaces could not be swept",
    async (stopping) => await sweepCopies(ports, stopping),
  );

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
  return await removeEach(
    ended({ store, workspaces }, before),
    stopping,
    async (run) => {
      await workspaces.remove(run);
      return true;
    },
    (count) => log("info", "swept copies of workspaces of runs that have ended", { copies: count }),
  );
}

async function* ended(
  { store, workspaces }: Pick<Ports, "store" | "workspaces">,
  before: Date,
): AsyncIterable<RunId> {
  const copies = await workspaces.list();
  for (let at = 0; at < copies.length; at += IDS_MAX)
    yield* await store.endedRuns(copies.slice(at, at + IDS_MAX), before);
}
