// What the events of a run do to it, for logs of millions of entries: numbers for what a run is, and a table of what it becomes. A
// signer that was fed wrong signs a run that ends twice as readily as any other. What a run is takes in how much of it is open
// (run-counts.ts), so the table is worked out as events come: of the many that there could be a log has few.

import { EVENT_KINDS, type EventKind, RUN_STATES, type RunState } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import { followRun } from "../run/replay.ts";
import { isTerminal } from "../run/run.ts";
import { countEvent, NOTHING_OPEN, type RunCounts } from "./run-counts.ts";
import { kindOfEvent } from "./run-events.ts";
import { EVENTS_MAX, ILLEGAL, STATES_MAX, type StateTable } from "./subject-versions.ts";

export type RunTable = StateTable & {
  /** Why an event cannot happen in this state, in words that follow the run's name; null: it can. */
  whyNot(state: number, event: number): string | null;
};

type Is = {
  /** null: not queued yet; "any": entries are missing, so it may be anything. */
  readonly run: RunState | "any" | null;
  /** null: how much is open is not known, or nobody asks any more. */
  readonly counts: RunCounts | null;
};

assert(EVENT_KINDS.length < EVENTS_MAX, "the table has a column for each kind");

/** @param beginsAnywhere the log begins in the middle of runs */
export function createRunTable(beginsAnywhere: boolean): RunTable {
  // With nothing known of what is open, each has its number from the beginning: these are left when there are no more numbers.
  const states: Is[] = [null, "any" as const, ...RUN_STATES].map((run) => ({ run, counts: null }));
  const numbers = new Map(states.map((is, i) => [nameOf(is), i]));
  const numberOf = (is: Is): number => {
    const known = numbers.get(nameOf(is));
    if (known !== undefined) return known;
    if (states.length === STATES_MAX) return numberOf({ ...is, counts: null });
    numbers.set(nameOf(is), states.length);
    states.push(is);
    return states.length - 1;
  };
  const follow = (state: number, event: number): Is | string => {
    const is = states[state];
    assert(is !== undefined, "a state has a number of this table");
    return followEvent(is, kindOfEvent(event), beginsAnywhere);
  };
  const table = {
    next: new Uint16Array(64 * EVENTS_MAX),
    derive(state: number, event: number): number {
      const then = follow(state, event);
      const isIllegal = typeof then === "string";
      const entry = (isIllegal ? state : numberOf(then)) + 1 + (isIllegal ? ILLEGAL : 0);
      if (states.length * EVENTS_MAX > table.next.length) table.next = doubled(table.next);
      table.next[state * EVENTS_MAX + event] = entry;
      return entry;
    },
    whyNot(state: number, event: number): string | null {
      const then = follow(state, event);
      return typeof then === "string" ? then : null;
    },
  };
  return table;
}

function doubled(next: Uint16Array): Uint16Array<ArrayBuffer> {
  const larger = new Uint16Array(next.length * 2);
  larger.set(next);
  return larger;
}

const nameOf = ({ run, counts }: Is): string =>
  `${run ?? ""} ${counts === null ? "" : Object.values(counts).join(" ")}`;

/** @param kind undefined: of no run, or one that is not known here */
function followEvent(is: Is, kind: EventKind | undefined, beginsAnywhere: boolean): Is | string {
  const { run } = is;
  if (kind === undefined) return run === null && beginsAnywhere ? { ...is, run: "any" } : is;
  if (run === "any" || (run === null && beginsAnywhere && kind !== "run_queued")) return fromAnywhere(kind);
  const then = followRun(run, kind);
  if (then === null) return `is ${run ?? "not queued yet"}`;
  const before = run === null ? NOTHING_OPEN : is.counts;
  const counts = before === null ? null : countEvent(before, kind);
  if (typeof counts === "string") return counts;
  return { run: then, counts: isTerminal(then) ? null : counts };
}

/** Known again where the event leads to one state, whatever was before. */
function fromAnywhere(kind: EventKind): Is | string {
  const after = new Set(RUN_STATES.map((before) => followRun(before, kind)).filter((then) => then !== null));
  const [only] = after;
  if (only === undefined) return "is in any state";
  return { run: after.size === 1 ? only : "any", counts: null };
}
