// What a SIGKILL must not break, at the size of a gate; `tests/nightly` has the same drills at full size.

import { test } from "vitest";
import { killAgainAndAgain, killInsideTheTool, submitAtOnce } from "../support/target/kill-drills.ts";

test("a run outlives 3 SIGKILLs of its server (seed 42), and its effect happens once", async () => {
  await killAgainAndAgain(42, 3);
});

test("killed inside the tool, after the effect and before its answer: a person is asked, and it stays one effect", async () => {
  await killInsideTheTool();
});

test("20 submissions with one key are one run; 24 different ones at once are 24 runs that all finish", async () => {
  await submitAtOnce(20, 24);
});
