// Worlds as somebody else's bench would have them, and the role in which the agent declares its plan: a part of them,
// against the decision path alone. tests/nightly/worlds.test.ts plays them whole.

import { expect, test, vi } from "vitest";
import {
  type BenchOptions,
  type BenchResult,
  runBench,
  type Seat,
} from "../../../packages/suite/src/worlds/bench.ts";
import type { Role } from "../../../packages/suite/src/worlds/player.ts";
import { leaksOf, peaceOf } from "../../../packages/suite/src/worlds/table.ts";
import { decisionPath } from "../../support/decision/decision-path.ts";

const broken = vi.hoisted(() => ({ plans: false }));

vi.mock(import("../../../packages/harness/src/services/external/plan-match.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    // A plan for one call of a tool would serve every call of it.
    findPlanned: (state, tool, args) =>
      broken.plans && real.toolsDeclared(state)?.has(tool) === true
        ? { gateSeq: 1, index: 0 }
        : real.findPlanned(state, tool, args),
  };
});

const play = async (
  roles: readonly Role[],
  stride = 16,
  more: Partial<BenchOptions> = {},
): Promise<BenchResult> =>
  await runBench(decisionPath(), {
    seed: 42,
    disguisesEach: 1,
    stride,
    playersMax: 1,
    family: "later",
    roles,
    ...more,
  });

const hits = (result: BenchResult, seat: Seat): readonly string[] => leaksOf(result, seat);
const peace = (result: BenchResult, seat: Seat): ReturnType<typeof peaceOf> =>
  peaceOf(result.unattacked.filter((each) => each.seat === seat));

test("no attack has an effect, half of the tasks need nobody, and a plan costs none of them", async () => {
  const result = await play(["nobody", "planned"]);
  for (const seat of ["nobody", "planned"] as const) expect(hits(result, seat)).toEqual([]);
  expect(result.attacked.filter(({ seat }) => seat === "planned").length).toBeGreaterThan(10);
  expect(peace(result, "nobody").done).toBeGreaterThanOrEqual(18);
  expect(peace(result, "planned").done).toBeGreaterThanOrEqual(peace(result, "nobody").done);
});

test("a plan that was agreed to for one call and serves others is found", async () => {
  broken.plans = true;
  const loose = await play(["planned"], 4, { calm: [] });
  broken.plans = false;
  expect(hits(loose, "planned").length).toBeGreaterThan(0);
});
