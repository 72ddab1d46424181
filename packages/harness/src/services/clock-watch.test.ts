import { describe, expect, test } from "vitest";
import { createClockWatch, type RunningClockWatch } from "./clock-watch.ts";

const NOON_MS = Date.UTC(2026, 0, 1, 12);

type Scene = AsyncDisposable & {
  readonly watch: RunningClockWatch;
  readonly logged: string[];
  /** As far as each clock is from noon; `steady` cannot be set by anybody. */
  readonly at: { here: number; database: number; steady: number };
  pass(ms: number): void;
  /** What the next question to the database waits for, and how it ends. */
  answer: () => Promise<void>;
};

// Nothing passes by itself: whoever sleeps sleeps until it is stopped.
async function open(): Promise<Scene> {
  const at = { here: 0, database: 0, steady: 0 };
  const logged: string[] = [];
  const scene: Omit<Scene, "watch"> = {
    at,
    logged,
    pass: (ms) => {
      at.here += ms;
      at.database += ms;
      at.steady += ms;
    },
    answer: async () => await Promise.resolve(),
    [Symbol.asyncDispose]: async () => {
      await watch.stop();
    },
  };
  const watch = createClockWatch({
    store: {
      time: async () => {
        const told = new Date(NOON_MS + at.database);
        await scene.answer();
        return told;
      },
    },
    clock: {
      now: () => new Date(NOON_MS + at.here),
      sleep: async (_ms, signal) => {
        const { promise, resolve } = Promise.withResolvers<undefined>();
        signal.addEventListener("abort", () => resolve(undefined));
        if (!signal.aborted) await promise;
      },
    },
    steadyMs: () => at.steady,
    log: (level) => logged.push(level),
  });
  await watch.look();
  return Object.assign(scene, { watch });
}

describe("a clock that tells the database's time", () => {
  test("is trusted, also after hours, and where the two are less than the bound apart", async () => {
    await using scene = await open();
    expect(scene.watch.difference()).toBeNull();
    scene.pass(36_000_000);
    scene.at.database -= 5_000;
    await scene.watch.look();
    expect(scene.watch.difference()).toBeNull();
  });
});

describe("a clock that is astray", () => {
  test.each([
    [60_000, "The clock here is 60 s ahead of that of the database."],
    [-60_000, "The clock here is 60 s behind that of the database."],
  ])("is noticed the moment it is set by %i ms, and trusted again when it is set back", async (ms, said) => {
    await using scene = await open();
    scene.at.here += ms;
    expect(scene.watch.difference()).toBe(said);
    scene.pass(1_000);
    await scene.watch.look();
    expect(scene.watch.difference()).toBe(said);
    scene.at.here -= ms;
    expect(scene.watch.difference()).toBeNull();
  });

  test("is noticed by the next look where the database's was set, or both drift apart", async () => {
    await using scene = await open();
    scene.at.database += 10_000;
    expect(scene.watch.difference()).toBeNull();
    await scene.watch.look();
    expect(scene.watch.difference()).toContain("10 s behind");
    scene.at.database -= 10_000;
    await scene.watch.look();
    expect(scene.watch.difference()).toBeNull();
  });

  test("stays astray where the database says nothing, or says it too late to tell", async () => {
    await using scene = await open();
    scene.at.here -= 60_000;
    scene.answer = async () => await Promise.reject(new Error("away"));
    await scene.watch.look();
    expect(scene.watch.difference()).toContain("60 s behind");
    // The question was put before noon by this clock, and the answer came after it.
    scene.answer = async () => {
      scene.pass(70_000);
      await Promise.resolve();
    };
    await scene.watch.look();
    expect(scene.watch.difference()).toContain("60 s behind");
  });

  test("stays astray where it was set while the database answered", async () => {
    await using scene = await open();
    scene.answer = async () => {
      scene.at.here += 60_000;
      await Promise.resolve();
    };
    await scene.watch.look();
    expect(scene.watch.difference()).toContain("60 s ahead");
  });
});

test("a machine that slept trusts its clock again when the database has been asked", async () => {
  await using scene = await open();
  // What cannot be set stands still meanwhile (CLOCK_MONOTONIC).
  scene.at.here += 3_600_000;
  scene.at.database += 3_600_000;
  expect(scene.watch.difference()).toContain("3600 s ahead");
  await scene.watch.look();
  expect(scene.watch.difference()).toBeNull();
});

test("whoever waits for agreement is let go when there is some, or when it is told to stop", async () => {
  await using scene = await open();
  const never = new AbortController().signal;
  await scene.watch.agreed(never);
  scene.at.here += 60_000;
  const stop = new AbortController();
  const waiting = scene.watch.agreed(stop.signal);
  stop.abort();
  await waiting;
  expect(scene.watch.difference()).not.toBeNull();
});
