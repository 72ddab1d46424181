import fc from "fast-check";
import { expect, test } from "vitest";
import { parseTimestamp } from "./timestamps.ts";

const text = (micros: number): string => {
  const whole = new Date(Math.floor(micros / 1_000)).toISOString().slice(0, 23);
  return `${whole}${String(micros % 1_000).padStart(3, "0")}Z`;
};
const invalid: unknown = expect.objectContaining({ code: "invalid_timestamp" });

test.each([
  ["2026-01-02T03:04:05.123456+00:00", "2026-01-02T03:04:05.123456+00:00"],
  ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000+00:00"],
  ["2026-01-02 03:04:05.1Z", "2026-01-02T03:04:05.100000+00:00"],
  ["2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456+00:00"],
  ["2026-01-01T23:04:05.000001-04:30", "2026-01-02T03:34:05.000001+00:00"],
  ["2026-03-01T00:30:00.5+01:00", "2026-02-28T23:30:00.500000+00:00"],
])("%s is %s", (given, canonical) => {
  expect(parseTimestamp(given)).toBe(canonical);
});

test("a Date is kept to its millisecond", () => {
  expect(parseTimestamp(new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6)))).toBe("2026-01-02T03:04:05.006000+00:00");
});

test.each([
  "2026-01-02T03:04:05", // a different moment on every machine
  "2026-02-30T00:00:00Z",
  "2026-13-01T00:00:00Z",
  "2026-01-02T24:00:00Z",
  "2026-01-02",
  "0000-01-02T03:04:05Z",
  "0001-01-01T00:00:00+01:00",
  "2026-01-02T03:04:05+24:00",
  "+02026-01-02T03:04:05Z",
  "now",
  "",
])("%s is refused", (given) => {
  expect(() => parseTimestamp(given)).toThrow(invalid);
});

test("an invalid Date is refused", () => {
  expect(() => parseTimestamp(new Date(Number.NaN))).toThrow(invalid);
});

test("the order of the texts is the order of the moments, and reading again changes nothing", () => {
  const micros = fc.integer({ min: 0, max: 4_000_000_000_000_000 });
  fc.assert(
    fc.property(micros, micros, (a, b) => {
      const [x, y] = [parseTimestamp(text(a)), parseTimestamp(text(b))];
      expect(x < y).toBe(a < b);
      expect(parseTimestamp(x)).toBe(x);
    }),
    { seed: 42, numRuns: 1_000 },
  );
});

test("what is written in the canonical form is read like the same moment written otherwise, also where there is none", () => {
  const number = (min: number, max: number, digits: number): fc.Arbitrary<string> =>
    fc.integer({ min, max }).map((n) => String(n).padStart(digits, "0"));
  const parts = fc.tuple(
    fc.oneof(number(0, 9_999, 4), fc.constantFrom("0000", "0001", "1900", "2000", "2024", "2026")),
    number(0, 13, 2),
    number(0, 32, 2),
    number(0, 25, 2),
    number(0, 61, 2),
    number(0, 61, 2),
    number(0, 999_999, 6),
  );
  const read = (given: string): string => {
    try {
      return parseTimestamp(given);
    } catch {
      return "refused";
    }
  };
  fc.assert(
    fc.property(parts, ([year, month, day, hour, minute, second, micros]) => {
      const moment = `${year}-${month}-${day}T${hour}:${minute}:${second}.${micros}`;
      expect(read(`${moment}+00:00`)).toBe(read(`${moment}Z`));
    }),
    { seed: 42, numRuns: 5_000 },
  );
});
