import { expect, test } from "vitest";
import { bothTimes, relativeTime } from "./time.ts";

const NOW = new Date("2026-11-20T12:00:00.400Z");

test.each([
  ["2026-11-20T12:00:00.000Z", "now"],
  ["2026-11-20T11:59:59.000Z", "1 second ago"],
  ["2026-11-20T11:58:01.000Z", "1 minute ago"],
  ["2026-11-20T14:00:01.000Z", "in 2 hours"],
  ["2026-11-18T12:00:00.000Z", "2 days ago"],
])("%s is %s", (iso, words) => {
  expect(relativeTime(iso, NOW)).toBe(words);
});

test("the absolute time stands beside it, in UTC", () => {
  expect(bothTimes("2026-11-20T14:30:00.123+02:00", NOW)).toBe("in 30 minutes (2026-11-20 12:30:00Z)");
});
