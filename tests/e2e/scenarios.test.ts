// The suite against Assent itself, in one process: every scenario of tier 0 and 1 but those that the gate puts to two
// (scenarios-two-processes.test.ts).

import { PACE, SCENARIOS } from "@assent/suite";
import { expect, test } from "vitest";
import { createInProcessTarget } from "../support/target/local-target.ts";
import { prove } from "../support/target/prove.ts";
import { SHARED } from "../support/target/shared.ts";

const GATED = SCENARIOS.filter((scenario) => scenario.tier <= 1 && !SHARED.includes(scenario));

test("there are scenarios to prove", () => {
  expect(GATED.length).toBeGreaterThanOrEqual(15);
});

prove(GATED, createInProcessTarget({ commands: true }), {
  ...PACE,
  holdMs: 1_000,
  // The night tries every combination (tests/nightly/scenarios.test.ts).
  pairs: true,
});
