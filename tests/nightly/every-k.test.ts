// Every k of the k-th-fault loop over the whole happy path, in every way; and long chaos, seed after seed.

import { drawSchedule, runChaos } from "@assent/suite";
import { expect, test } from "vitest";
import { ENGINE_FAULTS, openEngineChaos } from "../support/faults/engine-chaos.ts";
import { countPoints, tryEvery, WAYS } from "../support/faults/every-k.ts";
import { openDrivenPath } from "../support/faults/driven-path.ts";
import { openHappyPath } from "../support/faults/happy-path.ts";

test.each([
  ["a run's life, in every way: one effect, complete or nothing", openHappyPath],
  ["a driven run's life, in every way: each call permitted once, reported once", openDrivenPath],
] as const)("a fault at every point of %s", async (_, open) => {
  await using path = await open();
  const points = await countPoints(path);
  const { contradictions, tried } = await tryEvery(
    path,
    points.map((_point, index) => index + 1),
    WAYS,
  );
  expect(contradictions).toEqual([]);
  expect(tried).toHaveLength(points.length * WAYS.length);
  // A life that met a fault can be a step shorter or longer; then its last points are another's.
  expect(tried.filter(({ at, k }) => at === null && k < points.length - 5)).toEqual([]);
});

const SEEDS = Array.from({ length: 20 }, (_, index) => 1_000 + index);

test.each(SEEDS)("the harness stands 30 runs of chaos (seed %i)", async (seed) => {
  const units = 30;
  const schedule = drawSchedule({ seed, units, events: 24, faults: ENGINE_FAULTS });
  const report = await runChaos(schedule, units, async () => await openEngineChaos());
  expect([report.verdict, report.violations, report.silent]).toEqual(["PASS", [], []]);
});
