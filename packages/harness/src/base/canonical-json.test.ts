import fc from "fast-check";
import { expect, test } from "vitest";
import { AssertionFailed } from "./assert.ts";
import { canonicalJson } from "./canonical-json.ts";

test("equal values give equal bytes, whatever the order of their keys", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const shuffled: unknown = JSON.parse(JSON.stringify(value), (_key, item: unknown) =>
        typeof item === "object" && item !== null && !Array.isArray(item)
          ? Object.fromEntries(Object.entries(item).toReversed())
          : item,
      );
      const plain: unknown = JSON.parse(JSON.stringify(value));
      expect(canonicalJson(shuffled)).toBe(canonicalJson(plain));
    }),
    { seed: 42 },
  );
});

test("what comes back is what went in", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const plain: unknown = JSON.parse(JSON.stringify(value));
      expect(JSON.parse(canonicalJson(plain))).toEqual(plain);
    }),
    { seed: 42 },
  );
});

// RFC 8785, section 3.2.3: the order of its own example.
test("keys are in the order of their UTF-16 code units", () => {
  const keys = ["\u20ac", "\r", "\ufb33", "1", "\ud83d\ude00", "\u0080", "\u00f6"];
  const text = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
  const parsed: Record<string, number> = JSON.parse(text);
  expect(Object.keys(parsed).filter((key) => key !== "1")).toEqual([
    "\r",
    "\u0080",
    "\u00f6",
    "\u20ac",
    "\ud83d\ude00",
    "\ufb33",
  ]);
});

test.each([
  ["undefined", { a: undefined }],
  ["a function", { a: () => 1 }],
  ["a Map", new Map([["a", 1]])],
  ["a Date", { at: new Date(0) }],
  ["NaN", [Number.NaN]],
  ["infinity", [Number.POSITIVE_INFINITY]],
  ["a bigint", 1n],
  ["a lone surrogate", "\ud800"],
  ["a lone surrogate as a key", { "\udc00": 1 }],
])("%s is refused, not dropped: two things would share a digest", (_name, value) => {
  expect(() => canonicalJson(value)).toThrow(AssertionFailed);
});
