// Who tests the tester, where a failed run takes back what it did: the scenario passes on the good toy, and each bug of whoever does it
// wrong is found. What the scenario waits for at night only (compensations that never succeed) is waited for here.

import { SCENARIOS } from "@assent/suite";
import { expect, test } from "vitest";
import { runTrial } from "../../packages/suite/src/runner.ts";
import { createToyTarget } from "../../packages/suite/src/toy/toy-target.ts";
import {
  isUndoBug,
  UNDO_BUGS,
  type UndoBug,
  type UndoWay,
  UNDO_WAYS,
  isUndoWay,
} from "../../packages/suite/src/toy/undo-bugs.ts";

const BACK = "everything that it did is taken back";
/** The words of the claim that must be the one to fail. */
const KILLS: Record<UndoBug, string | RegExp> = {
  "undo.none": BACK,
  "undo.newest": BACK,
  "undo.oldest": "the newest first",
  "undo.fresh": "each of it once",
  "undo.optimist": BACK,
  "undo.once": BACK,
  "undo.others": "what another run did stands while that has not ended",
  "undo.memory": BACK,
  "undo.cancel": "what a run did that was called off is taken back, or named as left",
  // Whoever looks in time sees that it has ended and taken back nothing; whoever comes later, that it had ended by then.
  "undo.early": /has not ended while it is still taking back|everything that it did is taken back/u,
  "undo.claims": "what was not let is not named as taken back",
  "undo.stops": "what was not let is named as left",
  "undo.silent": "what nothing takes back is named in the run",
};

async function tryOn(bugs: readonly (UndoBug | UndoWay)[]): Promise<readonly [string, string]> {
  const scenario = SCENARIOS.find(({ id }) => id.includes("partial_failure_rollback"));
  if (scenario === undefined) throw new Error("there is no such scenario");
  const target = createToyTarget(bugs, "undoing");
  await target.start();
  try {
    const pace = { waitMsMax: 60_000, holdMs: 150, thorough: true };
    const { verdict, reason, parts } = await runTrial(scenario, target, { seed: 42, pace });
    const lacks = parts.flatMap((part) => part.lacks).filter((lack) => lack !== "driven_compensation");
    // Nothing stands between two effects that were agreed to at once.
    expect(
      lacks.every((lack) => bugs.includes("way.asks_once") && lack.startsWith("a question between")),
    ).toBe(true);
    return [verdict, reason];
  } finally {
    await target.stop();
  }
}

test("the good toy passes, every part that it has", async () => {
  expect(await tryOn([])).toEqual(["PASS", ""]);
});

test.concurrent.each(Object.keys(UNDO_WAYS).filter(isUndoWay))(
  "whoever differs in what is theirs passes: %s",
  async (way) => {
    expect(await tryOn([way])).toEqual(["PASS", ""]);
  },
);

test.concurrent.each(Object.keys(UNDO_BUGS).filter(isUndoBug))("%s is found", async (bug) => {
  expect(await tryOn([bug])).toEqual(["FAIL", expect.stringMatching(KILLS[bug])]);
});
