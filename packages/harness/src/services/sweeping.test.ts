import { expect, test } from "vitest";
import { removeEach, startSweeping } from "./sweeping.ts";

test("a sweep that fails is logged and comes again; stopped, it is ended and comes no more", async () => {
  const logged: unknown[] = [];
  const pauses: number[] = [];
  const thrice = Promise.withResolvers<undefined>();
  let sweeps = 0;
  const sweeping = startSweeping(
    {
      clock: {
        now: () => new Date(0),
        sleep: async (ms, signal) => {
          pauses.push(ms);
          if (sweeps < 3) return;
          thrice.resolve(undefined);
          await new Promise((resolve) => {
            signal.addEventListener("abort", resolve);
          });
        },
      },
      log: (level, message, details) => void logged.push([level, message, details]),
    },
    7_200,
    "could not be swept",
    async () => {
      sweeps += 1;
      if (sweeps === 2) throw new Error("no disk");
      await Promise.resolve();
    },
  );
  await thrice.promise;
  await sweeping.stop();
  expect(sweeps).toBe(3);
  expect(pauses).toEqual([7_200_000, 7_200_000, 7_200_000]);
  expect(logged).toEqual([["warn", "could not be swept", { error: "no disk" }]]);
});

async function* some(count: number): AsyncIterable<number> {
  for (let one = 0; one < count; one += 1) yield await Promise.resolve(one);
}

test("one that cannot be removed keeps no other from it, and is told of after them", async () => {
  const tried: number[] = [];
  const told: number[] = [];
  const removing = removeEach(
    some(4),
    new AbortController().signal,
    async (one) => {
      tried.push(one);
      if (one === 1) throw new Error("no rights");
      return await Promise.resolve(one !== 2);
    },
    (count) => void told.push(count),
  );
  await expect(removing).rejects.toThrow("no rights");
  expect([tried, told]).toEqual([[0, 1, 2, 3], [2]]);
});

test("where all fail it ends early, and where it is stopped at once", async () => {
  let tried = 0;
  const failing = async (): Promise<boolean> => {
    tried += 1;
    return await Promise.reject(new Error("no disk"));
  };
  const { signal } = new AbortController();
  await expect(removeEach(some(1_000), signal, failing, () => undefined)).rejects.toThrow("no disk");
  expect(tried).toBe(20);
  expect(await removeEach(some(3), AbortSignal.abort(), failing, () => undefined)).toBe(0);
  expect(tried).toBe(20);
});
