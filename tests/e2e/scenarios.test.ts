// The suite against Assent itself: every scenario of tier 0 and 1, in one process and over two.

import { DRILLS, PACE, SCENARIOS } from "@assent/suite";
import { expect, test } from "vitest";
import { createInProcessTarget, createProcessesTarget } from "../support/target/local-target.ts";
import { prove } from "../support/target/prove.ts";

const GATED = SCENARIOS.filter(({ tier }) => tier <= 1);

test("there are scenarios to prove", () => {
  expect(GATED.length).toBeGreaterThanOrEqual(3);
});

prove(GATED, createInProcessTarget(), { ...PACE, holdMs: 1_000 });
// Paths and driven runs take a minute of calls, and more processes would make them no harder
// (tests/integration/external/races.test.ts has the processes; outages over several: tests/nightly/providers).
prove(
  [
    ...GATED.filter(
      ({ needs }) => !(["paths", "external_runs", "outages"] as const).some((need) => needs.includes(need)),
    ),
    ...DRILLS,
  ],
  createProcessesTarget(),
  PACE,
);
