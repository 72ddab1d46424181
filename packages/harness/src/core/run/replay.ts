// States as the events tell them, without looking at any table: what a checker holds against what the tables say.

import type { ApprovalState, EventKind, RunState, StepState } from "@assent/contract";
import { type ApprovalEvent, approvalTransition } from "./approval.ts";
import { isTerminal, type RunEvent, transition } from "./run.ts";
import { isStepTransitionLegal } from "./step.ts";

/** What an event of this kind does to the run's state; kinds that are not here change none. */
const RUN_CHANGES: { readonly [K in EventKind]?: RunEvent } = {
  run_leased: "leased",
  run_released: "released",
  run_parked: "parked",
  run_resumed: "resumed",
  run_succeeded: "finished",
  run_failed: "gave_up",
  run_cancelled: "cancelled",
  run_dead_lettered: "attempts_exhausted",
};

const STEP_STATES: { readonly [K in EventKind]?: StepState } = {
  step_intended: "intended",
  step_retried: "intended",
  step_succeeded: "succeeded",
  step_failed: "failed",
  step_refused: "refused",
  step_in_doubt: "in_doubt",
};

const APPROVAL_CHANGES: { readonly [K in EventKind]?: ApprovalEvent } = {
  approval_approved: "approved",
  approval_confirmed: "approved",
  approval_denied: "denied",
  approval_expired: "expired",
  approval_cancelled: "cancelled",
  approval_spent: "spent",
};

/** @param state null: not queued yet. @returns the run's state after the event; null where it cannot happen then */
export function followRun(state: RunState | null, kind: EventKind): RunState | null {
  if (kind === "run_queued") return state === null ? "queued" : null;
  if (state === null) return null;
  const change = RUN_CHANGES[kind];
  // Nothing happens in a run that has ended.
  if (change === undefined) return isTerminal(state) ? null : state;
  const next = transition(state, change);
  return next.ok ? next.value : null;
}

/** The same for a step that the event is about; null: not begun yet. */
export function followStep(state: StepState | null, kind: EventKind): StepState | null {
  const next = STEP_STATES[kind];
  if (next === undefined) return null;
  // Both lead to one state, and what was begun is not begun again: trying again takes a person's word.
  if (kind === "step_intended" && state !== null) return null;
  if (kind === "step_retried" && state !== "in_doubt") return null;
  if (state === null) return next === "intended" || next === "refused" ? next : null;
  return isStepTransitionLegal(state, next) ? next : null;
}

/** The step's state after the event, whatever it was before; null for events of other things. */
export const stepStateAfter = (kind: EventKind): StepState | null => STEP_STATES[kind] ?? null;

/** The same for an approval; null: not opened yet. */
export function followApproval(state: ApprovalState | null, kind: EventKind): ApprovalState | null {
  if (kind === "approval_opened") return state === null ? "open" : null;
  if (state === null) return null;
  const change = APPROVAL_CHANGES[kind];
  if (change === undefined) return kind === "approval_voted" && state === "open" ? state : null;
  const next = approvalTransition(state, change);
  return next.ok ? next.value : null;
}
