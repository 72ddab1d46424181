// The suite as a command with everything that it has where it is not told otherwise.

import { SCENARIOS } from "@assent/suite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createInProcessTarget } from "../support/target/local-target.ts";
import { runSuite } from "../support/target/suite-command.ts";

const GATED = SCENARIOS.filter(({ tier }) => tier <= 1).length;

const target = createInProcessTarget();
beforeAll(async () => {
  await target.start();
});
afterAll(async () => {
  await target.stop();
});

test("it proves a running harness black box and says what it could not look at", async () => {
  const { stdout, passed, skipped } = await runSuite(target);
  expect(stdout).toContain("not looked at: every pair, put to the database (needs db)");
  expect(passed).toBeGreaterThanOrEqual(6);
  expect(passed + skipped).toBe(GATED);
});
