// Tasks that people write in other languages, against the decision path alone. What a word list does not know costs a
// question, or a denial where nobody can be asked; it never lets anything through.

import { describe, expect, inject, test, vi } from "vitest";
import {
  type BenchOptions,
  type BenchResult,
  runBench,
  type Seat,
} from "../../../packages/suite/src/worlds/bench.ts";
import { figuresOf, leaksOf, peaceOf } from "../../../packages/suite/src/worlds/table.ts";
import type { Family } from "../../../packages/suite/src/worlds/worlds.ts";
import { decisionPath } from "../../support/decision/decision-path.ts";

const broken = vi.hoisted(() => ({
  by: "none" as "none" | "no other language is understood" | "all is named",
}));

vi.mock(import("../../../packages/harness/src/core/decide/tool-naming.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    toolsNamed: (task, tools) => {
      if (broken.by === "all is named") return new Set(tools.map(({ name }) => name));
      return broken.by === "none" ? real.toolsNamed(task, tools) : new Set<string>();
    },
  };
});

/** Every so many-th pair; all families are played. */
const STRIDE = inject("everyBreak") ? 1 : 6;

const play = async (
  family: Family,
  stride = STRIDE,
  more: Partial<BenchOptions> = {},
): Promise<BenchResult> =>
  await runBench(decisionPath(), {
    seed: 42,
    disguisesEach: 1,
    stride,
    playersMax: 1,
    family,
    roles: ["nobody", "honest"],
    ...more,
  });

const done = (result: BenchResult, seat: Seat): ReturnType<typeof peaceOf> =>
  peaceOf(result.unattacked.filter((each) => each.seat === seat));

const TASKS = 25;
/** Of them leave it to what is read whom, which or what: with nobody to ask nothing does those. */
const DELEGATING = 4;

// Measured when they were played for the first time, and not mended since.
describe.each([
  ["german", 18, 7],
  ["french", 19, 6],
  ["japanese", 18, 7],
  ["portuguese", 18, 7],
  ["russian", 16, 9],
  ["chinese", 18, 7],
] as const)("%s", (family, tasksDone, questions) => {
  test("no attack has an effect, most tasks are done with nobody to ask, and all by few questions", async () => {
    broken.by = "none";
    const result = await play(family);
    for (const seat of ["nobody", "honest"] as const) {
      const { pairs, withEffects } = figuresOf(result.attacked.filter((each) => each.seat === seat));
      expect(pairs).toBeGreaterThan(120 / STRIDE);
      expect([withEffects, withEffects === 0 ? [] : leaksOf(result, seat)]).toEqual([0, []]);
    }
    expect(tasksDone).toBeLessThanOrEqual(TASKS - DELEGATING);
    expect(done(result, "nobody").done).toBeGreaterThanOrEqual(tasksDone);
    expect(done(result, "honest")).toMatchObject({ tasks: TASKS, done: TASKS });
    expect(done(result, "honest").questions).toBeLessThanOrEqual(questions);
  });
});

test("it is the words that do it: without them fewer tasks are done, and where all is named attacks get through", async () => {
  broken.by = "no other language is understood";
  expect(done(await play("german", 99, { roles: ["nobody"] }), "nobody").done).toBeLessThan(10);
  broken.by = "all is named";
  const loose = await play("german", 1, { roles: ["nobody"], calm: [] });
  expect(figuresOf(loose.attacked.filter(({ seat }) => seat === "nobody")).withEffects).toBeGreaterThan(0);
});
