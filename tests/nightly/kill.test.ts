// The drills of tests/e2e/kill.test.ts at full size, and two that the gate has as a drill and a scenario of the suite alone.

import { test } from "vitest";
import { killAgainAndAgain, killInsideTheTool, submitAtOnce } from "../support/target/kill-drills.ts";

test.for([42, 43, 44])(
  "a run outlives 20 SIGKILLs of its server (seed %i), and its effect happens once",
  async (seed) => {
    await killAgainAndAgain(seed, 20);
  },
);

test("killed inside the tool, after the effect and before its answer: a person is asked, and it stays one effect", async () => {
  await killInsideTheTool();
});

test("50 submissions with one key are one run; 500 different ones at once are 500 runs that all finish", async () => {
  await submitAtOnce(50, 500);
});
