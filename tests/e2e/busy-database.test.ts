// Of tier 2 the scenario about a busy database, on one process: it mostly waits, and costs 3 s of a core. On an
// installation of its own, since it restarts the database and looks at everything that is stored; nightly it runs on two
// processes.

import { PACE, SCENARIOS } from "@assent/suite";
import { expect, test } from "vitest";
import { createInProcessTarget } from "../support/target/local-target.ts";
import { prove } from "../support/target/prove.ts";

const CONTENTION = SCENARIOS.filter(({ id }) => id === "harness_stress/db_contention_and_recovery");

test("there is a scenario to prove", () => {
  expect(CONTENTION).toHaveLength(1);
});

prove(CONTENTION, createInProcessTarget({ commands: true }), { ...PACE, holdMs: 1_000 });
