// The memory check is held to a planted leak, with a real heap and a real collector.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type HeapReading, isGrowing, theilSenSlope } from "./slope.ts";

setFlagsFromString("--expose-gc");
const gc: unknown = runInNewContext("gc");
const collect = (): void => {
  if (typeof gc !== "function") throw new Error("the collector cannot be called");
  Reflect.apply(gc, undefined, []);
};

const BATCHES = 24;
const RUNS = 2_000;

/** Work that makes garbage, and keeps so many bytes a run. */
function readHeap(leakBytes: number): HeapReading[] {
  const kept: unknown[] = [];
  const readings: HeapReading[] = [];
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
    if (batch >= 0) readings.push({ runs: batch * RUNS, heapBytes: process.memoryUsage().heapUsed });
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
          heapBytes: 10_000_000 + slope * at * 100 + (at % 6 === 5 ? (noise[Math.floor(at / 6)] ?? 0) : 0),
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

test("too few readings are no slope", () => {
  expect(() => theilSenSlope([{ runs: 0, heapBytes: 1 }])).toThrow(/needs 8/);
});
