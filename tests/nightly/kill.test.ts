// The drills of tests/e2e/kill.test.ts at full size.

import { test } from "vitest";
import { killAgainAndAgain, submitAtOnce } from "../support/target/kill-drills.ts";

test.for([42, 43, 44])(
  "a run outlives 20 SIGKILLs of its server (seed %i), and its effect happens once",
  async (seed) => {
    await killAgainAndAgain(seed, 20);
  },
);

test("50 submissions with one key are one run; 500 different ones at once are 500 runs that all finish", async () => {
  await submitAtOnce(50, 500);
});
