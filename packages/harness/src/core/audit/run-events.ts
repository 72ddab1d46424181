// What the events of a run do to its state, for logs of millions of entries: the table of legal transitions with numbers for
// states and kinds. A signer that was fed wrong signs a run that ends twice as readily as any other.

import { EVENT_KINDS, type EventKind, RUN_STATES, type RunState } from "@assent/contract";
import { followRun } from "../run/replay.ts";
import type { Fold } from "./subject-versions.ts";

/** Room for what an event is, beside its version; the same for what state a run is in. */
export const EVENTS_MAX = 32;

/** Of no run, or of a kind that is not known here: a later version may have more of them. */
export const NO_RUN_EVENT = 0;

const NOT_BEGUN = 0;
/** After entries that are not there: some state. */
const ANY = 1;
const STATES: readonly (RunState | null)[] = [null, null, ...RUN_STATES];
const NONE = 255;

export type RunTable = {
  /** Notes version and state together. */
  readonly fold: Fold;
  isIllegal(noted: number, event: number): boolean;
};

const noteIn = (noted: number): number => noted - Math.floor(noted / EVENTS_MAX) * EVENTS_MAX;
export const versionIn = (noted: number): number => Math.floor(noted / EVENTS_MAX);
export const stateIn = (noted: number): string => {
  const state = noteIn(noted);
  return state === ANY ? "in any state" : (STATES[state] ?? "not queued yet");
};

/** Of a log whose first entries are there. */
export const RUNS: RunTable = createTable(false);
/** Of one that begins in the middle of runs. */
export const RUNS_FROM_ANYWHERE: RunTable = createTable(true);

function createTable(beginsAnywhere: boolean): RunTable {
  const next = new Uint8Array(EVENTS_MAX * EVENTS_MAX).fill(NONE);
  for (const state of STATES.keys()) {
    next[state * EVENTS_MAX + NO_RUN_EVENT] = state === NOT_BEGUN && beginsAnywhere ? ANY : state;
    for (const [i, kind] of EVENT_KINDS.entries())
      next[state * EVENTS_MAX + i + 1] = followNumber(state, kind, beginsAnywhere);
  }
  return {
    fold: (noted, given) => {
      const state = noteIn(noted);
      const event = noteIn(given);
      const then = next[state * EVENTS_MAX + event] ?? NONE;
      // What cannot happen changes nothing.
      return given - event + (then === NONE ? state : then);
    },
    isIllegal: (noted, event) => next[noteIn(noted) * EVENTS_MAX + event] === NONE,
  };
}

function followNumber(state: number, kind: EventKind, beginsAnywhere: boolean): number {
  if (state === ANY || (state === NOT_BEGUN && beginsAnywhere && kind !== "run_queued")) {
    // Known again where the event leads to one state, whatever was before.
    const after = new Set(
      RUN_STATES.map((before) => followRun(before, kind)).filter((then) => then !== null),
    );
    const [only] = after;
    if (after.size === 0) return NONE;
    return after.size === 1 && only !== undefined ? STATES.indexOf(only) : ANY;
  }
  const then = followRun(STATES[state] ?? null, kind);
  return then === null ? NONE : STATES.indexOf(then);
}

const RUN = Buffer.from("run_", "latin1");
const KINDS = EVENT_KINDS.map((kind) => Buffer.from(kind, "latin1"));
// A kind's length and its sixth byte tell nearly all of them apart.
const TOLD_APART_AT = 5;
const bucketOf = (length: number, byte: number): number => length * 32 + (byte & 31);
const BUCKETS = Map.groupBy(KINDS.keys(), (i) =>
  bucketOf(KINDS[i]?.byteLength ?? 0, KINDS[i]?.[TOLD_APART_AT] ?? 0),
);
const CANDIDATES: readonly (readonly number[])[] = Array.from(
  { length: 64 * 32 },
  (_, i) => BUCKETS.get(i) ?? [],
);

/** The number of what these bytes say has happened to a run: its kind's place among all of them, from 1. */
export function runEventOf(bytes: Uint8Array, subjectAt: number, kindAt: number, kindEnd: number): number {
  if (!isAt(RUN, bytes, subjectAt)) return NO_RUN_EVENT;
  const candidates = CANDIDATES[bucketOf(kindEnd - kindAt, bytes[kindAt + TOLD_APART_AT] ?? 0)] ?? [];
  for (const i of candidates) {
    const kind = KINDS[i];
    if (kind !== undefined && isAt(kind, bytes, kindAt)) return i + 1;
  }
  return NO_RUN_EVENT;
}

function isAt(text: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < text.byteLength; i += 1) if (bytes[at + i] !== text[i]) return false;
  return true;
}
