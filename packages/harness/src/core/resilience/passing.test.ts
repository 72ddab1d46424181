import { expect, test } from "vitest";
import { retryAfterMsOf } from "./passing.ts";

const DATE = "Sat, 21 Nov 2026 12:00:00 GMT";
const at = (time: string): string => DATE.replace("12:00:00", time);

test.each<readonly [string | null, string | null, number | null]>([
  ["7", null, 7_000],
  [" 7 ", null, 7_000],
  ["0", DATE, 0],
  // Nothing that can be read.
  [null, DATE, null],
  ["", DATE, null],
  ["-5", DATE, null],
  ["+5", DATE, null],
  ["1.5", DATE, null],
  ["1e3", DATE, null],
  ["0x10", DATE, null],
  ["Infinity", DATE, null],
  ["7, 8", DATE, null],
  ["2026-11-21T12:00:05Z", DATE, null],
  ["Sat, 99 Foo 2026 12:00:05 GMT", DATE, null],
  // Absurd, and no longer than may be.
  ["99999999999999999999", null, 60_000],
  ["999999999999999999999", null, null],
  // Against the clock that it was said by; past ones are no pause.
  [at("12:00:07"), DATE, 7_000],
  [at("11:59:00"), DATE, 0],
  [at("23:59:59"), DATE, 60_000],
  [at("12:00:07"), null, null],
  [at("12:00:07"), "yesterday", null],
])("%o beside the date %o asks for %o ms", (value, date, ms) => {
  expect(retryAfterMsOf(value, date)).toBe(ms);
});
