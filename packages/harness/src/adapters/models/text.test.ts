import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "../../base/canonical-json.ts";
import { boundWarnings, cleanText, parseArguments } from "./text.ts";

test("arguments are what the model wrote, or nothing; and always what the journal takes", () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: "binary" }), (text) => {
      const value: unknown = JSON.parse(text);
      const args = parseArguments(text);
      if (args === null) return;
      expect(args).toEqual(value);
      expect(() => canonicalJson(args)).not.toThrow();
    }),
    { seed: 42, numRuns: 150 },
  );
});

test.each([
  ["", null],
  ["null", null],
  ["[]", null],
  ['"{}"', null],
  ['{"a":1', null],
  ['{"a":1} {"b":2}', null],
  ['{"a":{"__proto__":{"admin":true}}}', null],
  ['{"a":["\\u0000"]}', null],
  ['{"\\udc00":1}', null],
  ['{"a":-1e999}', null],
  [`{"a":${"[".repeat(31)}${"]".repeat(31)}}`, "kept"],
  [`{"a":${"[".repeat(33)}${"]".repeat(33)}}`, null],
  ["{}", "kept"],
])("%s", (text, expected) => {
  expect(parseArguments(text)).toEqual(expected === null ? null : JSON.parse(text));
});

test("any text becomes one that JSON and Postgres take", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.constantFrom("", "\0", "\uD800", "\uDC00\uD800"),
      (text, bad) => {
        const clean = cleanText(text + bad + text);
        expect(clean.isWellFormed()).toBe(true);
        expect(clean).not.toContain("\0");
      },
    ),
    { seed: 42 },
  );
});

test("warnings are few, short and each said once", () => {
  const warnings = boundWarnings([
    "a",
    "a",
    "x".repeat(10_000),
    ...Array.from({ length: 99 }, (_, at) => `w${at}`),
  ]);
  expect(warnings).toHaveLength(20);
  expect(warnings.slice(0, 2)).toEqual(["a", "x".repeat(300)]);
});
