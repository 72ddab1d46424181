import fc from "fast-check";
import { expect, test } from "vitest";
import { alignSequences } from "./align.ts";
import { mergeSequences } from "./three-way.ts";
import { featuresOf, tokenise } from "./tokens.ts";

// Only a hang is to fail here; a busy machine may take its time.

const letters = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 14 });

const words = (text: string): string[] => text.split(" ");

/** The textbook table: the length of a longest common subsequence, against which Myers is held. */
function lcsLength(left: readonly string[], right: readonly string[]): number {
  let row = right.map(() => 0);
  for (const item of left) {
    let corner = 0;
    let before = 0;
    row = row.map((above, index) => {
      const value = item === right[index] ? corner + 1 : Math.max(above, before);
      corner = above;
      before = value;
      return value;
    });
  }
  return row.at(-1) ?? 0;
}

/** Any characters of the first 8,192, control characters among them. */
const anyText: fc.Arbitrary<string> = fc
  .array(fc.integer({ min: 0, max: 0x1_fff }), { maxLength: 40 })
  .map((points) => String.fromCodePoint(...points));

test("an alignment is a longest common subsequence, in order", () => {
  fc.assert(
    fc.property(letters, letters, (left, right) => {
      const matches = alignSequences(left, right) ?? [];
      let [x, y, total] = [0, 0, 0];
      for (const { leftStart, rightStart, length } of matches) {
        expect(leftStart).toBeGreaterThanOrEqual(x);
        expect(rightStart).toBeGreaterThanOrEqual(y);
        expect(left.slice(leftStart, leftStart + length)).toEqual(
          right.slice(rightStart, rightStart + length),
        );
        [x, y, total] = [leftStart + length, rightStart + length, total + length];
      }
      expect(total).toBe(lcsLength(left, right));
    }),
    { seed: 42, numRuns: 2000 },
  );
});

test("sequences past the bounds get no alignment", () => {
  const left = Array.from({ length: 1_500 }, (_, index) => `l${index}`);
  const right = Array.from({ length: 1_500 }, (_, index) => `r${index}`);
  expect(alignSequences(left, right)).toBeUndefined();
  expect(
    alignSequences(
      Array.from({ length: 50_001 }, () => "x"),
      ["x"],
    ),
  ).toBeUndefined();
});

test("a three-way merge knows one side's change, both sides' same change, and is fair to both", () => {
  fc.assert(
    fc.property(letters, letters, letters, (base, ours, theirs) => {
      expect(mergeSequences(base, ours, base)).toEqual(ours);
      expect(mergeSequences(base, base, theirs)).toEqual(theirs);
      expect(mergeSequences(base, ours, ours)).toEqual(ours);
      expect(mergeSequences(base, ours, theirs)).toEqual(mergeSequences(base, theirs, ours));
    }),
    { seed: 42, numRuns: 1000 },
  );
});

test.each([
  ["a b c d e", "A b c d e", "a b c d E", "A b c d E"],
  ["a b c", "a c", "a b c d", "a c d"],
  ["a b c", "a x c", "a y c", undefined],
  ["a", "x a", "y a", undefined],
])("base %s, ours %s, theirs %s give %s", (base, ours, theirs, merged) => {
  expect(mergeSequences(words(base), words(ours), words(theirs))?.join(" ")).toBe(merged);
});

test("tokens lose nothing", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(tokenise(text).join("")).toBe(text);
    }),
    { seed: 42, numRuns: 1000 },
  );
  expect(tokenise("let x_1 = 12.5;\r\n")).toEqual([
    "let",
    " ",
    "x_1",
    " ",
    "=",
    " ",
    "12",
    ".",
    "5",
    ";",
    "\r\n",
  ]);
  expect(featuresOf("a  b\n")).toEqual(new Set(["a", "a\u0000b", "b"]));
});
