import { idFromUuid } from "@assent/contract";
import { expect, test } from "vitest";
import { COVER_WAIT_MS_MAX, waitForCover } from "./cover-wait.ts";

const tenant = idFromUuid("ten", "00000000-0000-7000-8000-000000000001");

type Step = (at: { readonly ring: () => void; readonly set: (ms: number) => void }) => void;

/** Waits with a clock of its own; `steps` are what happens during each of its sleeps. @returns what it did, in order */
async function waiting(
  {
    holds = true,
    isNew = false,
    foundAt = Infinity,
  }: Partial<{ holds: boolean; isNew: boolean; foundAt: number }>,
  ...steps: Step[]
): Promise<readonly (string | number | null)[]> {
  const did: (string | number | null)[] = [];
  const listeners = new Set<() => void>();
  let nowMs = 1_000_000;
  let looks = 0;
  const clock = {
    now: () => new Date(nowMs),
    sleep: async (ms: number, signal: AbortSignal): Promise<void> => {
      did.push(ms);
      nowMs += ms;
      steps.shift()?.({
        ring: () => {
          for (const listener of listeners) listener();
          if (!signal.aborted) throw new Error("the sleep goes on");
        },
        set: (to) => {
          nowMs += to;
        },
      });
      await Promise.resolve();
    },
  };
  const found = await waitForCover(
    {
      clock,
      wake: async () => {
        did.push("wake");
        await Promise.resolve();
      },
      holds: () => holds,
      onCheckpoint: (_, listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    tenant,
    async () => {
      did.push("look");
      looks += 1;
      return await Promise.resolve(looks >= foundAt ? "found" : null);
    },
    isNew,
  );
  expect(listeners.size).toBe(0);
  return [...did, found];
}

const pairs = (ms: number, count: number): readonly (string | number)[] =>
  Array.from({ length: count }, () => [ms, "look"]).flat();

test("what is older is looked for at once, and then at each checkpoint, or after a second", async () => {
  expect(await waiting({ foundAt: 1 })).toEqual(["wake", "look", "found"]);
  expect(await waiting({ foundAt: 3 }, ({ ring }) => ring())).toEqual([
    "wake",
    "look",
    ...pairs(1_000, 2),
    "found",
  ]);
});

test("what is new is looked for at the next checkpoint, and soon where that had been made before anybody waited", async () => {
  expect(await waiting({ isNew: true, foundAt: 1 })).toEqual(["wake", 150, "look", "found"]);
  expect(await waiting({ isNew: true, foundAt: 2 })).toEqual(["wake", 150, "look", 1_000, "look", "found"]);
  expect(await waiting({ isNew: true, foundAt: 1 }, ({ ring }) => ring())).toEqual([
    "wake",
    150,
    "look",
    "found",
  ]);
});

test("where another process keeps the logs, whose checkpoints nobody hears of, it is looked for all the time", async () => {
  expect(await waiting({ holds: false, isNew: true, foundAt: 3 })).toEqual([
    "wake",
    ...pairs(50, 3),
    "found",
  ]);
});

test("past the time there is none, also where the clock was set meanwhile", async () => {
  const rounds = COVER_WAIT_MS_MAX / 1_000;
  expect(await waiting({})).toEqual(["wake", "look", ...pairs(1_000, rounds), null]);
  for (const hours of [-7, 7])
    expect(await waiting({}, ({ set }) => set(hours * 3_600_000))).toEqual([
      "wake",
      "look",
      1_000,
      "look",
      null,
    ]);
});
