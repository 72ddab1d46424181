import { expect, test } from "vitest";
import type { Fence } from "../ports.ts";
import { createHolds } from "./holds.ts";

const one: Fence = { tenant: "ten_1", run: "run_1", token: 1 };
const other: Fence = { ...one, run: "run_2" };

/** Ends when it is woken. */
async function asleep(woken: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  woken.addEventListener("abort", () => resolve(undefined));
  await promise;
}

test("who is told of a run wakes whoever holds it, and nobody else", async () => {
  const holds = createHolds();
  const [first, second] = [holds.begin(one), holds.begin(one)];
  const stranger = holds.begin(other);
  let woken = 0;
  const waiting = [first, second].map(async (hold) => {
    await hold.pause(asleep);
    woken += 1;
  });
  void stranger.pause(asleep).then(() => (woken += 100));
  expect(holds.check(one.run)).toBe(true);
  await Promise.all(waiting);
  expect(woken).toBe(2);
});

test("what is said between two pauses is not lost, and counts once", async () => {
  const holds = createHolds();
  const hold = holds.begin(one);
  holds.check(null);
  let slept = 0;
  const count = async (): Promise<void> => {
    slept += 1;
    await Promise.resolve();
  };
  await hold.pause(count);
  expect(slept).toBe(0);
  await hold.pause(count);
  expect(slept).toBe(1);
});

test("a run is held under the lease that it was taken by, and no other", () => {
  const holds = createHolds();
  const hold = holds.begin(one);
  expect([holds.has(one), holds.has({ ...one, token: 2 }), holds.has(other)]).toEqual([true, false, false]);
  hold.end();
  expect(holds.has(one)).toBe(false);
});

test("what has ended is not held any more", () => {
  const holds = createHolds();
  const [old, fresh] = [holds.begin(one), holds.begin(one)];
  old.end();
  expect(holds.check(one.run)).toBe(true);
  fresh.end();
  expect([holds.check(one.run), holds.check(null)]).toEqual([false, false]);
});
