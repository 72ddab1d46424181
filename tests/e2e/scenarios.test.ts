// The suite against Assent itself, in one process: every scenario of tier 0 and 1.

import { PACE, SCENARIOS } from "@assent/suite";
import { expect, test } from "vitest";
import { createInProcessTarget } from "../support/target/local-target.ts";
import { prove } from "../support/target/prove.ts";

// Of tier 2 the one about a busy database, on one process: it mostly waits, and costs 3 s of a core. It comes last, since
// it restarts the database; nightly it runs on two processes.
const CONTENTION = SCENARIOS.filter(({ id }) => id === "harness_stress/db_contention_and_recovery");
const GATED = [...SCENARIOS.filter(({ tier }) => tier <= 1), ...CONTENTION];

test("there are scenarios to prove", () => {
  expect(GATED.length).toBeGreaterThanOrEqual(15);
  expect(CONTENTION).toHaveLength(1);
});

prove(GATED, createInProcessTarget({ commands: true }), { ...PACE, holdMs: 1_000 });
