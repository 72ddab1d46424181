// The suite against Assent over two processes: the drills, and what only several processes can break. The night has all
// of it (tests/nightly/scenarios.test.ts).

import { DRILLS, PACE, SCENARIOS } from "@assent/suite";
import { expect, test } from "vitest";
import { createProcessesTarget } from "../support/target/local-target.ts";
import { prove } from "../support/target/prove.ts";

/** A quota over all servers, bytes that another server has taken, submissions and messages that race between processes. */
const SHARED = [
  "harness_api/run_endpoint_authz_rate_limit_integration",
  "harness_e2e/replay_attack_idempotency_enforced",
  "harness_stress/high_concurrency_run_submission_race_conditions",
  "harness_integration/queue_retry_dead_letter_no_duplicate_side_effects",
];
const GATED = SCENARIOS.filter(({ id }) => SHARED.includes(id));

test("there are scenarios to prove", () => {
  expect(GATED).toHaveLength(SHARED.length);
});

prove([...GATED, ...DRILLS], createProcessesTarget(), PACE);
