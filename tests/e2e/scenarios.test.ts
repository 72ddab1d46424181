// The suite against Assent itself, in one process: every scenario of tier 0 and 1.

import { PACE, SCENARIOS } from "@assent/suite";
import { expect, test } from "vitest";
import { createInProcessTarget } from "../support/target/local-target.ts";
import { prove } from "../support/target/prove.ts";

const GATED = SCENARIOS.filter(({ tier }) => tier <= 1);

test("there are scenarios to prove", () => {
  expect(GATED.length).toBeGreaterThanOrEqual(15);
});

prove(GATED, createInProcessTarget({ commands: true }), {
  ...PACE,
  holdMs: 1_000,
  // The night tries every combination (tests/nightly/scenarios.test.ts).
  pairs: true,
});
