import type { RunId, TenantId } from "@assent/contract";
import { expect, test } from "vitest";
import { createEventWatch, type EventWatch } from "./event-watch.ts";
import { createRunNews } from "./run-news.ts";

const TENANT: TenantId = `ten_${"1".repeat(32)}`;
const RUN: RunId = `run_${"2".repeat(32)}`;
const OTHER: RunId = `run_${"3".repeat(32)}`;

type Watched = {
  readonly watch: EventWatch;
  readonly hint: (run?: RunId | null) => void;
  /** Answers the look that is under way, and resolves when what comes of it has come. */
  readonly answer: (version: number) => Promise<void>;
  /** Of which runs it was looked, look by look. */
  readonly looks: readonly (readonly RunId[])[];
};

const settled = async (): Promise<void> => {
  await new Promise<void>((resolve) => setImmediate(resolve));
};

/** It looks when told to, since its clock stands still. */
function openWatch(): Watched {
  const news = createRunNews();
  const asked: ((versions: ReadonlyMap<RunId, number>) => void)[] = [];
  const looks: (readonly RunId[])[] = [];
  const versions = async (_: TenantId, runs: readonly RunId[]): Promise<ReadonlyMap<RunId, number>> => {
    looks.push(runs);
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
    hint: (run = RUN) => {
      news.hint(run);
    },
    answer: async (version) => {
      asked.shift()?.(
        new Map([
          [RUN, version],
          [OTHER, version],
        ]),
      );
      await settled();
    },
    looks,
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
  expect([looks.length, isWoken]).toEqual([1, false]);
  hint();
  await settled();
  expect(looks.length).toBe(2);
  await answer(3);
  expect([looks.length, isWoken]).toEqual([2, false]);
  hint();
  await settled();
  await answer(4);
  await waiting;
  expect(looks.length).toBe(3);
});

test("what is said while it looks is looked into afterwards", async () => {
  const { watch, hint, answer, looks } = openWatch();
  const waiting = watch.wait(TENANT, RUN, 3, new AbortController().signal, "driver");
  await settled();
  expect(looks.length).toBe(1);
  // The answer to this look was read before.
  hint();
  await answer(3);
  expect(looks.length).toBe(2);
  await answer(4);
  await waiting;
});

test("only the runs of which something was said are looked at, all that were said meanwhile in one look", async () => {
  const { watch, hint, answer, looks } = openWatch();
  const stop = new AbortController();
  const waits = [RUN, OTHER].map(async (run) => await watch.wait(TENANT, run, 3, stop.signal, "driver"));
  await answer(3);
  expect(looks).toEqual([[RUN]]);
  hint(OTHER);
  await settled();
  // Said a thousand times while it looks, of both: one look more.
  for (let nth = 0; nth < 500; nth += 1) for (const run of [OTHER, RUN]) hint(run);
  await settled();
  expect(looks).toHaveLength(2);
  await answer(3);
  await answer(3);
  // Nobody waits for it.
  hint(`run_${"4".repeat(32)}`);
  await settled();
  // It may have been any.
  hint(null);
  await answer(3);
  expect(looks).toEqual([[RUN], [OTHER], [RUN, OTHER], [RUN, OTHER]]);
  stop.abort();
  await Promise.all(waits);
});
