// The suite as a command, at the size of a gate: a scenario that it can look at whole, one of which it can look at a part,
// one that it cannot look at; tests/nightly/suite-command.test.ts has all that it has.

import { afterAll, beforeAll, expect, test } from "vitest";
import { createInProcessTarget } from "../support/target/local-target.ts";
import { runSuite } from "../support/target/suite-command.ts";

const target = createInProcessTarget();
beforeAll(async () => {
  await target.start();
});
afterAll(async () => {
  await target.stop();
});

test("it proves a running harness black box and says what it could not look at", async () => {
  const { stdout, passed, skipped } = await runSuite(target, [
    "harness_state/idempotency_duplicate_run_submission",
    "harness_state/run_state_machine_invalid_transition",
    "harness_orchestrator/model_router_policy_bypass",
  ]);
  expect(stdout).toContain("seed 42");
  expect(stdout).toContain("not looked at: every pair, put to the database (needs db)");
  expect([passed, skipped]).toEqual([2, 1]);
});
