// The memory check is held to a planted leak, with a real heap and a real collector.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { randomFrom } from "./chance.ts";
import { LEAK_BYTES } from "./objectives.ts";
import { type MemoryReading, isGrowing, theilSenSlope, wouldShowLeak } from "./slope.ts";

setFlagsFromString("--expose-gc");
const gc: unknown = runInNewContext("gc");
const collect = (): void => {
  if (typeof gc !== "function") throw new Error("the collector cannot be called");
  Reflect.apply(gc, undefined, []);
};

const BATCHES = 24;
const RUNS = 2_000;

/** Work that makes garbage, and keeps so many bytes a run. */
function readHeap(leakBytes: number): MemoryReading[] {
  const kept: unknown[] = [];
  const readings: MemoryReading[] = [];
  const work = (run: number): void => {
    const garbage = Array.from({ length: 20 }, (_, at) => ({ run, at, text: `garbage ${run} ${at}` }));
    if (garbage.length === 0) throw new Error("unreachable");
    // Floats out of line: 8 bytes each beside the array that holds them.
    if (leakBytes > 0) kept.push(Array.from({ length: leakBytes / 8 }, () => run + 0.5));
  };
  // The first batches fill caches and pools; they say nothing of the rest.
  for (let batch = -4; batch < BATCHES; batch += 1) {
    for (let run = 0; run < RUNS; run += 1) work(batch * RUNS + run);
    collect();
    if (batch >= 0) readings.push({ runs: batch * RUNS, bytes: process.memoryUsage().heapUsed });
  }
  // Kept to here, or the collector would have it.
  if (kept.length < 0) throw new Error("unreachable");
  return readings;
}

test("a leak of 64 bytes a run is found, and work that keeps nothing is not taken for one", () => {
  const clean = theilSenSlope(readHeap(0));
  expect([isGrowing(clean), clean.low <= 16]).toEqual([false, true]);
  const leaking = theilSenSlope(readHeap(64));
  expect(isGrowing(leaking)).toBe(true);
  expect(leaking.bytesPerRun).toBeGreaterThan(48);
  expect(leaking.bytesPerRun).toBeLessThan(160);
});

test("the slope of a line is the line's, whatever a fifth of the readings say", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -500, max: 500 }),
      fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 4, maxLength: 4 }),
      (slope, noise) => {
        const readings = Array.from({ length: 24 }, (_, at) => ({
          runs: at * 100,
          bytes: 10_000_000 + slope * at * 100 + (at % 6 === 5 ? (noise[Math.floor(at / 6)] ?? 0) : 0),
        }));
        const found = theilSenSlope(readings);
        expect(found.bytesPerRun).toBeCloseTo(slope, 6);
        expect(found.low).toBeLessThanOrEqual(slope);
        expect(found.high).toBeGreaterThanOrEqual(slope);
      },
    ),
    { seed: 42, numRuns: 50 },
  );
});

/** Readings whose noise is the sum of so much of the one before and of something new; the same for the same seed. */
function noisy(seed: number, carried: number, slope = 0): MemoryReading[] {
  const next = randomFrom(seed);
  let noise = 0;
  return Array.from({ length: 40 }, (_, at) => {
    noise = carried * noise + (next() - 0.5) * 40_000;
    return { runs: at * 250, bytes: 10_000_000 + noise + slope * at * 250 };
  });
}

const TRIALS = 200;
const share = (carried: number, is: (readings: MemoryReading[]) => boolean, slope = 0): number =>
  Array.from({ length: TRIALS }, (_, seed) => noisy(seed + 1, carried, slope)).filter(is).length / TRIALS;

test("readings that hang together are not taken for a slope as often as their own interval would", () => {
  const isShown = (readings: MemoryReading[]): boolean => theilSenSlope(readings).low > 0;
  // 2.5 in 100 by the interval. Of neighbours that share 0.7 it is 10 in 100, and without the widening it is 18.
  expect(share(0, isShown)).toBeLessThan(0.06);
  expect(share(0.7, isShown)).toBeLessThan(0.13);
});

test("the leak that would have been seen in steady readings is seen when it is there", () => {
  const steady = Array.from({ length: TRIALS }, (_, seed) => seed + 1).filter((seed) =>
    wouldShowLeak(theilSenSlope(noisy(seed, 0.3))),
  );
  expect(steady.length).toBeGreaterThan(TRIALS * 0.9);
  for (const seed of steady) expect(isGrowing(theilSenSlope(noisy(seed, 0.3, LEAK_BYTES)))).toBe(true);
});

test("readings too noisy for a leak of 64 bytes a run are said to be", () => {
  const readings = noisy(1, 0).map(({ runs, bytes }) => ({ runs: runs / 100, bytes }));
  const slope = theilSenSlope(readings);
  expect([isGrowing(slope), wouldShowLeak(slope)]).toEqual([false, false]);
});

test("too few readings are no slope", () => {
  expect(() => theilSenSlope([{ runs: 0, bytes: 1 }])).toThrow(/needs 8/);
});
