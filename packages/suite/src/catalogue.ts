import type { Scenario } from "./scenario.ts";
import { fullRunHappyPathWithHumanApproval } from "./scenarios/e2e/full-run-happy-path-with-human-approval.scenario.ts";
import { idempotencyDuplicateRunSubmission } from "./scenarios/unit/idempotency-duplicate-run-submission.scenario.ts";
import { runStateMachineInvalidTransition } from "./scenarios/unit/run-state-machine-invalid-transition.scenario.ts";

/** Every scenario, in the order of the plan. */
export const SCENARIOS: readonly Scenario[] = [
  runStateMachineInvalidTransition,
  idempotencyDuplicateRunSubmission,
  fullRunHappyPathWithHumanApproval,
];
