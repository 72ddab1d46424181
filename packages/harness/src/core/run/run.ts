// The life of a run. Docs, diagram and the database's own check are generated from or compared with this table.

import type { RunState } from "@assent/contract";
import { err, ok, type Result } from "../../base/result.ts";

/** What can happen to a run. */
export const RUN_EVENTS = [
  "leased",
  "parked",
  "released",
  "resumed",
  "finished",
  "gave_up",
  "attempts_exhausted",
  "cancelled",
] as const;
export type RunEvent = (typeof RUN_EVENTS)[number];

export type TransitionRefusal = {
  readonly reason: "no_such_transition";
  readonly from: RunState;
  readonly event: RunEvent;
};

type Row = { readonly [E in RunEvent]?: RunState };

// A pair that is not here is refused. Invariant: legal transitions only.
export const TRANSITIONS: { readonly [S in RunState]: Row } = {
  queued: { leased: "running", attempts_exhausted: "dead_lettered", cancelled: "cancelled" },
  running: {
    parked: "awaiting_approval",
    released: "queued",
    finished: "succeeded",
    gave_up: "failed",
    attempts_exhausted: "dead_lettered",
    cancelled: "cancelled",
  },
  awaiting_approval: { resumed: "queued", cancelled: "cancelled" },
  succeeded: {},
  failed: {},
  cancelled: {},
  dead_lettered: {},
};

/** What each event means, for the generated documentation. */
export const RUN_EVENT_MEANINGS: { readonly [E in RunEvent]: string } = {
  leased: "a worker took the run",
  parked: "an approval was opened; no worker is held while a person thinks",
  released: "the worker gave the run back, or its lease was lost",
  resumed: "the approval was decided or expired",
  finished: "every artifact is present and matches its digest",
  gave_up: "the run cannot reach its goal",
  attempts_exhausted: "attempt after attempt ended without any step ending",
  cancelled: "somebody called it off",
};

/** @returns the state that follows, or a refusal that names the pair; the caller's row is untouched either way */
export function transition(from: RunState, event: RunEvent): Result<RunState, TransitionRefusal> {
  const to = TRANSITIONS[from][event];
  if (to === undefined) return err({ reason: "no_such_transition", from, event });
  return ok(to);
}

/** Terminal is terminal: no event leads out, whoever asks. */
export function isTerminal(state: RunState): boolean {
  return Object.keys(TRANSITIONS[state]).length === 0;
}
