import type { RunId, TenantId } from "@assent/contract";
import { expect, test } from "vitest";
import { createEventWatch, type EventWatch } from "./event-watch.ts";
import { createRunNews } from "./run-news.ts";

const TENANT: TenantId = `ten_${"1".repeat(32)}`;
const RUN: RunId = `run_${"2".repeat(32)}`;

type Watched = {
  readonly watch: EventWatch;
  readonly hint: () => void;
  /** Answers the look that is under way, and resolves when what comes of it has come. */
  readonly answer: (version: number) => Promise<void>;
  readonly looks: () => number;
};

const settled = async (): Promise<void> => {
  await new Promise<void>((resolve) => setImmediate(resolve));
};

/** It looks when told to, since its clock stands still. */
function openWatch(): Watched {
  const news = createRunNews();
  const asked: ((versions: ReadonlyMap<RunId, number>) => void)[] = [];
  let looks = 0;
  const versions = async (): Promise<ReadonlyMap<RunId, number>> => {
    looks += 1;
    return await new Promise((resolve) => asked.push(resolve));
  };
  const clock = {
    now: () => new Date(0),
    sleep: async (_: number, signal: AbortSignal) => {
      if (signal.aborted) return;
      await new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    },
  };
  return {
    watch: createEventWatch({ versions, clock, log: () => undefined, news }),
    hint: () => {
      news.hint(RUN);
    },
    answer: async (version) => {
      asked.shift()?.(new Map([[RUN, version]]));
      await settled();
    },
    looks: () => looks,
  };
}

test("a hint is looked into at once, and believed no further than what is found", async () => {
  const { watch, hint, answer, looks } = openWatch();
  let isWoken = false;
  const waiting = (async () => {
    await watch.wait(TENANT, RUN, 3, new AbortController().signal, "driver");
    isWoken = true;
  })();
  await answer(3);
  expect([looks(), isWoken]).toEqual([1, false]);
  hint();
  await settled();
  expect(looks()).toBe(2);
  await answer(3);
  expect([looks(), isWoken]).toEqual([2, false]);
  hint();
  await settled();
  await answer(4);
  await waiting;
  expect(looks()).toBe(3);
});

test("what is said while it looks is looked into afterwards", async () => {
  const { watch, hint, answer, looks } = openWatch();
  const waiting = watch.wait(TENANT, RUN, 3, new AbortController().signal, "driver");
  await settled();
  expect(looks()).toBe(1);
  // The answer to this look was read before.
  hint();
  await answer(3);
  expect(looks()).toBe(2);
  await answer(4);
  await waiting;
});
