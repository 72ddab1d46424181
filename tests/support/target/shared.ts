// What one process alone cannot break: scenarios that the gate puts to two, and to one process the night only.

import { type Scenario, SCENARIOS } from "@assent/suite";

/** A quota over all servers, bytes that another server has taken, submissions and messages that race between processes. */
const NAMES: readonly string[] = [
  "harness_api/run_endpoint_authz_rate_limit_integration",
  "harness_e2e/replay_attack_idempotency_enforced",
  "harness_stress/high_concurrency_run_submission_race_conditions",
  "harness_integration/queue_retry_dead_letter_no_duplicate_side_effects",
];

/** @throws where one of them is no scenario any more */
function find(): readonly Scenario[] {
  const found = SCENARIOS.filter(({ id }) => NAMES.includes(id));
  if (found.length !== NAMES.length) throw new Error("a scenario of several processes is missing");
  return found;
}

export const SHARED: readonly Scenario[] = find();
