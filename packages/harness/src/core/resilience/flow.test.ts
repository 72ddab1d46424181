import fc from "fast-check";
import { expect, test } from "vitest";
import { afterCall, newWindow, type Window } from "./concurrency.ts";
import { pauseMs } from "./pause.ts";
import { afterFirst, newRetryBudget, retryWaitMs, takeRetry } from "./retry-budget.ts";
import { DEFAULT_PROVIDER_SETTINGS } from "./settings.ts";

const MAX = 8;
let nowMs = 0;
/** A round of calls that use the window up, each taking so long. */
function round(window: Window, ms: number, tokens: number | null = 10): Window {
  const startedAtMs = nowMs;
  nowMs += ms;
  const inFlight = Math.floor(window.limit);
  let after = window;
  for (let at = 0; at < inFlight; at += 1)
    after = afterCall(after, { startedAtMs, endedAtMs: nowMs, inFlight, outputTokens: tokens }, MAX);
  return after;
}

test("grows one by one while it is used and all is well, never past the most", () => {
  let window = newWindow(MAX);
  const limits: number[] = [];
  for (let at = 0; at < 20; at += 1) {
    window = round(window, 100);
    limits.push(window.limit);
  }
  expect(limits[0]).toBeLessThanOrEqual(3);
  expect(limits.at(-1)).toBe(MAX);
  const idle = afterCall(
    { ...window, limit: 4 },
    { startedAtMs: 0, endedAtMs: 50, inFlight: 1, outputTokens: 1 },
    MAX,
  );
  expect(idle.limit).toBe(4);
});

test("twenty times the latency shrinks it to one within a few rounds, and it comes back afterwards", () => {
  let window = newWindow(MAX);
  for (let at = 0; at < 20; at += 1) window = round(window, 100);
  window = round(window, 2_000);
  expect(window.limit).toBe(MAX / 2);
  for (let at = 0; at < 3; at += 1) window = round(window, 2_000);
  expect(window.limit).toBe(1);
  for (let at = 0; at < 30; at += 1) window = round(window, 100);
  expect(window.limit).toBeGreaterThan(MAX / 2);
});

test("a long answer is not a slow one; a failure shrinks", () => {
  let window = newWindow(MAX);
  for (let at = 0; at < 20; at += 1) window = round(window, 100);
  expect(round(window, 1_000, 1_000).limit).toBe(MAX);
  expect(round(window, 10, null).limit).toBe(MAX / 2);
});

test("repetitions add at most their share to the calls, and time gives back a little", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 500 }), (calls) => {
      let budget = newRetryBudget(0);
      let first = 0;
      let repeated = 0;
      for (const isRetry of calls) {
        const taken = isRetry ? takeRetry(budget, 0) : afterFirst(budget, 0.2, 0);
        if (taken === null) continue;
        budget = taken;
        if (isRetry) repeated += 1;
        else first += 1;
      }
      expect(repeated).toBeLessThanOrEqual(3 + first * 0.2);
      const waitMs = retryWaitMs(budget, 0);
      expect(takeRetry(budget, waitMs)).not.toBeNull();
    }),
    { seed: 42 },
  );
});

test("a pause is any time up to a bound that doubles, and never shorter than what was asked for", () => {
  const { retries } = DEFAULT_PROVIDER_SETTINGS;
  expect([1, 2, 3, 20].map((calls) => pauseMs(calls, 0.999_999, null, retries))).toEqual([
    499, 999, 1_999, 59_999,
  ]);
  expect(pauseMs(5, 0, null, retries)).toBe(0);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.integer({ min: 0, max: 3_600_000 }),
      (calls, chance, asked) => {
        const pause = pauseMs(calls, chance, asked, retries);
        expect(pause).toBeGreaterThanOrEqual(asked);
        expect(pause).toBeLessThanOrEqual(asked + retries.base_ms);
      },
    ),
    { seed: 42 },
  );
});

const DAY_MS = 86_400_000;

test("where the clock was set back, repetitions flow in again at once, and not when it is there again", () => {
  let budget = newRetryBudget(DAY_MS);
  for (let left: typeof budget | null = budget; left !== null; left = takeRetry(budget, DAY_MS))
    budget = left;
  expect(takeRetry(budget, 0)).toBeNull();
  budget = afterFirst(budget, 0, 0);
  expect(takeRetry(budget, 20_000)).not.toBeNull();
});

test("a spike shrinks it also where the last one was before the clock was set back", () => {
  const failed = { startedAtMs: DAY_MS, endedAtMs: DAY_MS + 10, inFlight: 8, outputTokens: null };
  const shrunk = afterCall({ ...newWindow(MAX), limit: MAX }, failed, MAX);
  const since = { ...failed, startedAtMs: 0, endedAtMs: 10 };
  expect(afterCall(shrunk, since, MAX)).toMatchObject({ limit: MAX / 4, shrunkAtMs: 10 });
});
