import { expect, test } from "vitest";
import type { Clock } from "../ports.ts";
import { createHands, type Hands, type Look } from "./hands.ts";

/** A clock whose sleepers wake when the test says so. */
function stillClock(): Clock & { tick(): Promise<void>; pauses(): readonly number[] } {
  const pauses: number[] = [];
  let wake: (() => void)[] = [];
  return {
    now: () => new Date(0),
    pauses: () => pauses,
    async sleep(ms, signal): Promise<void> {
      pauses.push(ms);
      const { promise, resolve } = Promise.withResolvers<undefined>();
      wake.push(() => resolve(undefined));
      signal.addEventListener("abort", () => resolve(undefined));
      await promise;
    },
    async tick(): Promise<void> {
      const sleepers = wake;
      wake = [];
      for (const each of sleepers) each();
      await settle();
    },
  };
}

/** Everything that is ready to go on has gone on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

type Scene = {
  readonly hands: Hands;
  readonly looks: Look[];
  readonly clock: ReturnType<typeof stillClock>;
  readonly stop: AbortController;
  stopped: number;
};

/** So many free hands, none of which finds anything at first. */
async function scene(count: number): Promise<Scene> {
  const stop = new AbortController();
  const clock = stillClock();
  const hands = createHands(clock, 1_000, stop.signal);
  const made: Scene = { hands, looks: [], clock, stop, stopped: 0 };
  for (let index = 0; index < count; index += 1)
    void (async () => {
      const look = await hands.free();
      if (look === null) made.stopped += 1;
      else made.looks.push(look);
    })();
  await settle();
  return made;
}

test("at the start one hand looks; while it finds something, the next looks too", async () => {
  const made = await scene(3);
  expect(made.looks).toHaveLength(1);
  made.looks[0]?.saw("a run");
  await settle();
  expect(made.looks).toHaveLength(2);
  made.looks[1]?.saw("nothing");
  await settle();
  expect(made.looks).toHaveLength(2);
});

test("as many hands look as runs were queued here, and no more", async () => {
  const made = await scene(4);
  made.looks[0]?.saw("nothing");
  await settle();
  expect([made.hands.hear("here"), made.hands.hear("here")]).toEqual([true, true]);
  await settle();
  expect(made.looks).toHaveLength(3);
});

test("a run that is heard of while somebody looks in vain is looked for again", async () => {
  const made = await scene(2);
  made.hands.hear("elsewhere");
  made.looks[0]?.saw("nothing");
  await settle();
  expect(made.looks).toHaveLength(2);
});

test("without free hands a run is left to others, and looked for when a hand is free", async () => {
  const made = await scene(1);
  made.looks[0]?.saw("nothing");
  expect(made.hands.hear("here")).toBe(false);
  expect(await made.hands.free()).not.toBeNull();
});

test("without any hint somebody looks from time to time", async () => {
  const made = await scene(2);
  made.looks[0]?.saw("nothing");
  await settle();
  await made.clock.tick();
  expect(made.looks).toHaveLength(2);
});

test("what others had locked is looked for again soon, by one hand", async () => {
  const made = await scene(3);
  made.hands.hear("here");
  made.looks[0]?.saw("locked");
  await settle();
  made.looks[1]?.saw("locked");
  await settle();
  expect(made.looks).toHaveLength(2);
  expect(made.clock.pauses()).toEqual([1_000, 100]);
  await made.clock.tick();
  expect(made.looks).toHaveLength(3);
});

test("whoever waits is let go at the end, and nobody waits any more", async () => {
  const made = await scene(3);
  made.stop.abort();
  await settle();
  expect(made.stopped).toBe(2);
  expect(await made.hands.free()).toBeNull();
});
