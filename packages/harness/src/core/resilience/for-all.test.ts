import { expect, test } from "vitest";
import { type Breaker, CLOSED } from "./breaker.ts";
import { afterAnswerToAny, afterWord, shutForAllMs } from "./for-all.ts";

const SETTINGS = { failures: 5, open_ms: 5_000, open_ms_max: 60_000 };
const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000);
const hear = (words: readonly (readonly [string, number])[]): Breaker =>
  words.reduce((before, [voice, seconds]) => afterWord(before, voice, at(seconds), SETTINGS), CLOSED);

test("one tenant shuts nothing for others, however often it says so", () => {
  const heard = hear(Array.from({ length: 50 }, (_, word) => ["a", word] as const));
  expect(shutForAllMs(heard, at(50), SETTINGS)).toBe(0);
});

test("two tenants shut it, for longer each time, until anybody has an answer", () => {
  const once = hear([
    ["a", 0],
    ["b", 1],
  ]);
  expect(shutForAllMs(once, at(1), SETTINGS)).toBe(5_000);
  expect(shutForAllMs(once, at(6), SETTINGS)).toBe(0);
  // When its time is over one word does not hold it shut: it takes two again.
  const again = afterWord(once, "a", at(6), SETTINGS);
  expect(shutForAllMs(again, at(6), SETTINGS)).toBe(0);
  // The clock was set back by a day since.
  expect(shutForAllMs(once, at(-86_400), SETTINGS)).toBe(0);
  const twice = afterWord(again, "b", at(7), SETTINGS);
  expect(shutForAllMs(twice, at(7), SETTINGS)).toBe(10_000);
  expect(afterAnswerToAny(twice)).toEqual(CLOSED);
});

test("words that are far apart, or had an answer between them, do not add up", () => {
  expect(
    shutForAllMs(
      hear([
        ["a", 0],
        ["b", 121],
      ]),
      at(121),
      SETTINGS,
    ),
  ).toBe(0);
  const answered = afterAnswerToAny(hear([["a", 0]])) ?? CLOSED;
  expect(shutForAllMs(afterWord(answered, "b", at(1), SETTINGS), at(1), SETTINGS)).toBe(0);
  expect(afterAnswerToAny(CLOSED)).toBeNull();
});

test("while it is shut nothing that is said makes it longer", () => {
  const shut = hear([
    ["a", 0],
    ["b", 1],
  ]);
  expect(afterWord(shut, "c", at(3), SETTINGS)).toBe(shut);
});
