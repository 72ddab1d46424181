// What a transaction has done that somebody is to be told of once it is committed.

import type { RunId } from "@assent/contract";
import type { Clock, RunWrites, StoreTx } from "../../ports.ts";

export type Queued = {
  /** Runs that may be taken at once. */
  count: number;
  events: boolean;
  calledOff: readonly RunId[];
  /** Driven runs that a person answered. */
  answered: Set<RunId>;
  /** The versions that runs have come to. */
  changed: Map<RunId, number>;
};

export const nothingYet = (): Queued => ({
  count: 0,
  events: false,
  calledOff: [],
  answered: new Set(),
  changed: new Map(),
});

/** The same rows, noting what is written through them. */
export const noticing = ({ audit, runs }: StoreTx, queued: Queued): Pick<StoreTx, "audit" | "runs"> => ({
  audit: {
    ...audit,
    append: async (events) => {
      queued.events = true;
      for (const { run, version } of events) noteEvents(queued, run, version);
      await audit.append(events);
    },
  },
  runs: {
    ...runs,
    lease: async (worker, until, event) => {
      noteEvents(queued, event.run, event.version);
      return await runs.lease(worker, until, event);
    },
    write: async (writes) => {
      noteChange(queued, writes);
      await runs.write(writes);
    },
    writeFor: async (caller, at, writes) => {
      noteChange(queued, writes);
      return await runs.writeFor(caller, at, writes);
    },
    writeHeld: async (fence, version, writes) => {
      noteChange(queued, writes);
      return await runs.writeHeld(fence, version, writes);
    },
  },
});

export function noteEvents(queued: Queued, run: RunId, version: number): void {
  queued.events = true;
  queued.changed.set(run, version);
}

function noteChange(queued: Queued, { run, change, decided }: RunWrites): void {
  noteEvents(queued, run, change.version);
  // A run of ours is queued by an answer; one that is driven from outside never stopped. What its driver then does with
  // the answer changes the same approval, and is news to nobody who waits for it.
  if (change.state === "running" && decided.some(({ from }) => from === "open")) queued.answered.add(run);
}

export function noteWrites(
  queued: Queued,
  { run, change: { wakeAt, version } }: RunWrites,
  clock: Clock,
): void {
  noteEvents(queued, run, version);
  if (wakeAt !== null && wakeAt <= clock.now()) queued.count += 1;
}
