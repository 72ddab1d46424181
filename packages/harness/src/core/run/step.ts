// The life of a step. `intended` is committed before anything happens in the world (invariant: journal-first).

import type { StepState } from "@assent/contract";

export const STEP_TRANSITIONS: { readonly [S in StepState]: readonly StepState[] } = {
  intended: ["succeeded", "failed", "in_doubt"],
  // A person decides what a lost outcome was: it is tried again, taken as done, or given up.
  in_doubt: ["intended", "succeeded", "failed"],
  succeeded: [],
  failed: [],
  refused: [],
};

export function isStepTransitionLegal(from: StepState, to: StepState): boolean {
  return STEP_TRANSITIONS[from].includes(to);
}
