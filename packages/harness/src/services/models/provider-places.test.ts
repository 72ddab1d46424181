import { expect, test } from "vitest";
import { leavePlace, newPlaces, takePlace } from "./provider-places.ts";

const DAY_MS = 86_400_000;

test("whoever was turned away before the clock was set back keeps nobody from a place until it is there again", async () => {
  let nowMs = DAY_MS;
  const clock = { now: () => new Date(nowMs), sleep: async () => await Promise.resolve() };
  const places = newPlaces(1);
  const signal = new AbortController().signal;
  const take = async (who: string): Promise<boolean> =>
    await takePlace(clock, places, { who, holdMsMax: 0, signal });
  expect([await take("a"), await take("b")]).toEqual([true, false]);
  leavePlace(clock, places, "a");
  expect(await take("a")).toBe(false);
  nowMs = 0;
  expect(await take("a")).toBe(true);
});
