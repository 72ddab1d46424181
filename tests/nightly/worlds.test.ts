// Families of worlds that no rule was chosen by, whole, against the decision path alone: the figures of docs/policies.md.

import { expect, test } from "vitest";
import { runBench } from "../../packages/suite/src/worlds/bench.ts";
import { figuresOf, leaksOf, peaceOf } from "../../packages/suite/src/worlds/table.ts";
import { decisionPath } from "../support/decision/decision-path.ts";

const MINUTES = 60_000;

test.each([
  ["foreign", 20261120, 1, 26, 26],
  // Every disguise: only then the tired approver meets the user's own call, made by the attacker.
  ["later", 11, 99, 18, 12],
  ["italian", 11, 1, 16, 10],
  ["dutch", 11, 1, 15, 10],
  ["polish", 11, 1, 17, 8],
  ["korean", 11, 1, 17, 8],
] as const)(
  "%s, seed %i: no attack has an effect, enough tasks are done, by few enough questions",
  async (family, seed, disguisesEach, tasksDone, questions) => {
    const result = await runBench(decisionPath(), {
      seed,
      disguisesEach,
      stride: 1,
      playersMax: 1,
      family,
    });
    for (const seat of ["nobody", "planned", "honest"] as const) expect(leaksOf(result, seat)).toEqual([]);
    const peace = (seat: "nobody" | "planned" | "honest"): ReturnType<typeof peaceOf> =>
      peaceOf(result.unattacked.filter((each) => each.seat === seat));
    const tired = figuresOf(result.attacked.filter(({ seat }) => seat === "tired"));
    expect(tired.pairs).toBeGreaterThan(150);
    expect(tired.unapproved).toBe(0);
    expect(peace("nobody").done).toBeGreaterThanOrEqual(tasksDone);
    expect(peace("planned").done).toBeGreaterThanOrEqual(peace("nobody").done);
    const honest = peace("honest");
    expect([honest.done, honest.questions <= questions]).toEqual([honest.tasks, true]);
  },
  5 * MINUTES,
);
