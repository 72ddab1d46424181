// What a SIGKILL must not break, at the size of a gate; tests/nightly/kill.test.ts has all drills, at full size. Killed inside
// the tool is the drill d2 of scenarios-two-processes.test.ts, and many submissions at once are a scenario there.

import { test } from "vitest";
import { killAgainAndAgain } from "../support/target/kill-drills.ts";

test("a run outlives 2 SIGKILLs of its server (seed 42), and its effect happens once", async () => {
  await killAgainAndAgain(42, 2);
});
