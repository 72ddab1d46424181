import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { findOccurrences } from "./literal-search.ts";

function naive(text: string, wanted: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + 1)) found.push(at);
  return found;
}

test("finds what indexOf finds, overlaps included", () => {
  const few = fc.string({ unit: fc.constantFrom("a", "b", "\n", "é", "👍"), maxLength: 60 });
  let hits = 0;
  fc.assert(
    fc.property(
      few,
      few.filter((text) => text.length > 0 && text.length < 6),
      (text, wanted) => {
        const expected = naive(text, wanted);
        hits += expected.length;
        expect(findOccurrences(text, wanted, Infinity)).toEqual(expected);
        expect(findOccurrences(text, wanted, 2)).toEqual(expected.slice(0, 2));
      },
    ),
    { seed: 42, numRuns: 5_000 },
  );
  expect(hits).toBeGreaterThan(1_000);
});

test("nothing is found in nothing, nor nothing in anything", () => {
  expect([findOccurrences("", "a", 9), findOccurrences("a", "", 9), findOccurrences("a", "ab", 9)]).toEqual([
    [],
    [],
    [],
  ]);
});

test("a million characters against half a million, the worst there is, in linear work", () => {
  const text = "a".repeat(1_000_000);
  expect(findOccurrences(text, `${"a".repeat(500_000)}b`, 9)).toEqual([]);
  expect(findOccurrences(text, `b${"a".repeat(500_000)}`, 9)).toEqual([]);
});

test("line by line it costs what the lines hold, however long what is wanted is", () => {
  const looks = vi.spyOn(String.prototype, "charCodeAt");
  const wanted = `${"a".repeat(999)}b`;
  for (const line of ["", "a", "a".repeat(999)])
    for (let count = 0; count < 100; count += 1) expect(findOccurrences(line, wanted, 1)).toEqual([]);
  expect(looks).toHaveBeenCalledTimes(0);
  expect(findOccurrences(wanted, wanted, 1)).toEqual([0]);
  expect(looks.mock.calls.length).toBeGreaterThan(1_000);
  looks.mockRestore();
});
