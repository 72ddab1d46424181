import { expect, test } from "vitest";
import { ATTEMPTS_MAX, messagePauseMs, receiverPauseMs } from "./schedule.ts";

test("ten attempts at a message, over three days", () => {
  const pauses = Array.from({ length: ATTEMPTS_MAX }, (_, at) => messagePauseMs(at + 1, 0, null));
  expect(pauses.slice(0, 3)).toEqual([5_000, 300_000, 1_800_000]);
  expect(pauses.at(-1)).toBeNull();
  const hours = pauses.reduce<number>((sum, pause) => sum + (pause ?? 0), 0) / 3_600_000;
  expect(hours).toBeGreaterThan(72);
  expect(hours).toBeLessThan(80);
});

test("never earlier than the receiver asked for, and a tenth later by chance", () => {
  expect(messagePauseMs(1, 0, 60_000)).toBe(60_000);
  expect(messagePauseMs(2, 0, 60_000)).toBe(300_000);
  expect(messagePauseMs(2, 0.999_9, null)).toBeLessThanOrEqual(330_000);
  expect(messagePauseMs(ATTEMPTS_MAX, 0, 60_000)).toBeNull();
});

test("a receiver is left alone for twice as long with each failure, up to five minutes", () => {
  expect([1, 2, 3, 6, 7, 8, 1_000_000].map((failures) => receiverPauseMs(failures, 0, null))).toEqual([
    5_000, 10_000, 20_000, 160_000, 300_000, 300_000, 300_000,
  ]);
  expect(receiverPauseMs(1, 0, 3_600_000)).toBe(3_600_000);
});
