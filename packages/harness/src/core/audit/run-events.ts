// What the events of a run do to its state, for logs of millions of entries: the table of legal transitions with numbers for
// states and kinds. A signer that was fed wrong signs a run that ends twice as readily as any other.

import { EVENT_KINDS, type EventKind, RUN_STATES, type RunState } from "@assent/contract";
import { followRun } from "../run/replay.ts";
import { type NextStates, STATES_MAX } from "./subject-versions.ts";

/** The kind of an event that has this number. */
export const kindOfEvent = (event: number): EventKind | undefined => EVENT_KINDS[event - 1];

/** Of no run, or of a kind that is not known here: a later version may have more of them. */
export const NO_RUN_EVENT = 0;

const NOT_BEGUN = 0;
/** After entries that are not there: some state. */
const ANY = 1;
const STATES: readonly (RunState | null)[] = [null, null, ...RUN_STATES];
const NONE = 255;

export type RunTable = {
  /** What cannot happen changes nothing. */
  readonly next: NextStates;
  isIllegal(state: number, event: number): boolean;
};

export const stateName = (state: number): string =>
  state === ANY ? "in any state" : (STATES[state] ?? "not queued yet");

/** Of a log whose first entries are there. */
export const RUNS: RunTable = createTable(false);
/** Of one that begins in the middle of runs. */
export const RUNS_FROM_ANYWHERE: RunTable = createTable(true);

function createTable(beginsAnywhere: boolean): RunTable {
  const legal = new Uint8Array(STATES_MAX * STATES_MAX).fill(NONE);
  for (const state of STATES.keys()) {
    legal[state * STATES_MAX + NO_RUN_EVENT] = state === NOT_BEGUN && beginsAnywhere ? ANY : state;
    for (const [i, kind] of EVENT_KINDS.entries())
      legal[state * STATES_MAX + i + 1] = followNumber(state, kind, beginsAnywhere);
  }
  return {
    next: legal.map((then, i) => (then === NONE ? Math.floor(i / STATES_MAX) : then)),
    isIllegal: (state, event) => legal[state * STATES_MAX + event] === NONE,
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

const RUN = Buffer.from("run_", "latin1").readInt32BE();
// A kind's length and its sixth byte tell nearly all of them apart.
const TOLD_APART_AT = 5;
/** Four characters of each kind at a time, and its last four, some of them again. */
const KINDS = EVENT_KINDS.map((kind) => {
  const text = Buffer.from(kind, "latin1");
  const places = Array.from({ length: Math.floor(text.byteLength / 4) }, (_, i) => i * 4);
  return {
    length: text.byteLength,
    told: text.readUInt8(TOLD_APART_AT),
    words: Int32Array.from([...places, text.byteLength - 4], (at) => text.readInt32BE(at)),
  };
});
const bucketOf = (length: number, byte: number): number => length * 32 + (byte & 31);
const BUCKETS = Map.groupBy(KINDS.keys(), (i) => bucketOf(KINDS[i]?.length ?? 0, KINDS[i]?.told ?? 0));
const CANDIDATES: readonly (readonly number[])[] = Array.from(
  { length: 64 * 32 },
  (_, i) => BUCKETS.get(i) ?? [],
);

/** The number of what these bytes say has happened to a run: its kind's place among all of them, from 1. */
export function runEventOf(bytes: DataView, subjectAt: number, kindAt: number, kindEnd: number): number {
  if (bytes.getInt32(subjectAt) !== RUN) return NO_RUN_EVENT;
  // The byte that is looked at is there in any entry: much follows the kind.
  const candidates = CANDIDATES[bucketOf(kindEnd - kindAt, bytes.getUint8(kindAt + TOLD_APART_AT))];
  if (candidates === undefined) return NO_RUN_EVENT;
  for (const i of candidates) {
    const kind = KINDS[i];
    if (kind !== undefined && isAt(kind.words, bytes, kindAt, kindEnd)) return i + 1;
  }
  return NO_RUN_EVENT;
}

/** @param to the words' own length behind `at`: kinds of another one are no candidates */
function isAt(words: Int32Array, bytes: DataView, at: number, to: number): boolean {
  const last = words.length - 1;
  if (bytes.getInt32(to - 4) !== words[last]) return false;
  for (let i = 0; i < last; i += 1) if (bytes.getInt32(at + 4 * i) !== words[i]) return false;
  return true;
}
