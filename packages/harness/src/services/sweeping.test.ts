import { expect, test } from "vitest";
import { startSweeping } from "./sweeping.ts";

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
    2,
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
