import fc from "fast-check";
import { expect, test } from "vitest";
import { createIntTable } from "./int-table.ts";

test("finds the first place of what was added, and nothing else, however it grew", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer(), fc.nat(1_000_000)), { maxLength: 3_000 }),
      fc.array(fc.integer(), { maxLength: 200 }),
      (added, others) => {
        const table = createIntTable();
        const first = new Map<number, number>();
        for (const [key, place] of added) {
          expect(table.add(key, place)).toBe(true);
          if (!first.has(key)) first.set(key, place);
        }
        for (const key of [...first.keys(), ...others]) expect(table.find(key)).toBe(first.get(key) ?? -1);
      },
    ),
    { seed: 42, numRuns: 60 },
  );
});

test("a large table keeps every key, one bit apart as they may be", () => {
  const table = createIntTable();
  for (let key = 0; key < 40_000; key += 1) expect(table.add(key * 8, key)).toBe(true);
  for (let key = 0; key < 40_000; key += 1) expect(table.find(key * 8)).toBe(key);
  expect(table.find(3)).toBe(-1);
});
