// The chaos tool is held to known wrongs: a world with a planted bug that needs two of many faults, in their order.

import fc from "fast-check";
import { expect, test } from "vitest";
import { type ChaosWorld, runChaos } from "./run-chaos.ts";
import { type ChaosEvent, type ChaosSchedule, drawSchedule, shrinkSchedule } from "./schedule.ts";

const FAULTS = { cut: ["a", "b"], slow: ["a"], full: ["disk"], dead: ["w1", "w2"] };
const UNITS = 20;

/** Loses a write when its disk was full and a worker dies later: the planted bug. */
function world(isBroken: boolean, deaf: string | null = null): (seed: number) => Promise<ChaosWorld> {
  return async () => {
    const fired = new Map<string, number>();
    const seen: ChaosEvent[] = [];
    return await Promise.resolve({
      work: async (unit) => {
        await Promise.resolve();
        if (unit === 3) throw new Error("unit 3 fails by itself");
      },
      strike: async (event) => {
        await Promise.resolve();
        seen.push(event);
        if (event.fault !== deaf) fired.set(event.fault, (fired.get(event.fault) ?? 0) + 1);
      },
      fired: () => fired,
      calm: async () => await Promise.resolve(),
      violations: async () => {
        const full = seen.findIndex(({ fault }) => fault === "full");
        const dead = seen.findLastIndex(({ fault, target }) => fault === "dead" && target === "w2");
        return await Promise.resolve(isBroken && full >= 0 && dead > full ? ["a write was lost"] : []);
      },
      close: async () => await Promise.resolve(),
    });
  };
}

const plan = { seed: 7, units: UNITS, events: 32, faults: FAULTS };

test("the same seed draws the same schedule, in order, with every fault in it", () => {
  const schedule = drawSchedule(plan);
  expect(drawSchedule(plan)).toEqual(schedule);
  expect(drawSchedule({ ...plan, seed: 8 })).not.toEqual(schedule);
  expect(schedule.events.map(({ at }) => at)).toEqual(
    schedule.events.map(({ at }) => at).toSorted((a, b) => a - b),
  );
  expect(new Set(schedule.events.map(({ fault }) => fault))).toEqual(new Set(Object.keys(FAULTS)));
});

test("a sound world passes, and its history tells what struck and what work failed", async () => {
  const report = await runChaos(drawSchedule(plan), UNITS, world(false));
  expect([report.verdict, report.violations, report.silent]).toEqual(["PASS", [], []]);
  expect(report.history.filter(({ what }) => what === "struck")).toHaveLength(32);
  expect(report.history).toContainEqual({ what: "worked", unit: 3, error: "unit 3 fails by itself" });
});

test("a fault that never fired makes the run inconclusive, never a pass", async () => {
  const report = await runChaos(drawSchedule(plan), UNITS, world(false, "slow"));
  expect([report.verdict, report.silent]).toEqual(["INCONCLUSIVE", ["slow"]]);
});

test("the planted bug is found, and shrinks to the two events that it needs, in their order", async () => {
  const schedule = drawSchedule(plan);
  const run = async (tried: ChaosSchedule): Promise<boolean> =>
    (await runChaos(tried, UNITS, world(true))).verdict === "FAIL";
  expect(await run(schedule)).toBe(true);
  const shortest = await shrinkSchedule(schedule, run);
  expect(shortest.events.map(({ fault, target }) => `${fault} ${target}`)).toEqual(["full disk", "dead w2"]);
});

test("what shrinking leaves fails, and without any one of its events it does not", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.nat(30), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 5, max: 31 }),
      async (needed, count) => {
        const events = Array.from({ length: count }, (_, at): ChaosEvent => ({
          at,
          fault: "f",
          target: "t",
        }));
        const wanted = needed.filter((at) => at < count);
        const fails = async ({ events: tried }: ChaosSchedule): Promise<boolean> =>
          await Promise.resolve(wanted.every((at) => tried.some((event) => event.at === at)));
        const { events: left } = await shrinkSchedule({ seed: 1, events }, fails);
        expect(left.map(({ at }) => at)).toEqual(wanted.toSorted((a, b) => a - b));
      },
    ),
    { seed: 42, numRuns: 60 },
  );
});
