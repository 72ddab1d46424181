import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileInputSchema } from "./input-schema.ts";
import { boundPattern } from "./pattern.ts";

const fits = (schema: Record<string, unknown>, args: Record<string, unknown>): boolean => {
  const compiled = compileInputSchema(schema);
  if (!compiled.ok) throw new Error(compiled.error);
  return compiled.value(args) === null;
};

test("an empty schema takes anything, and a schema means what JSON Schema says", () => {
  expect(fits({}, { a: [1, { b: null }] })).toBe(true);
  const schema = {
    type: "object",
    properties: {
      to: { type: "string", minLength: 1 },
      cc: { type: "array", items: { $ref: "#/$defs/mail" } },
    },
    required: ["to"],
    additionalProperties: false,
    $defs: { mail: { type: "string", pattern: "^[^@]+@[^@]+$" } },
  };
  expect(fits(schema, { to: "x" })).toBe(true);
  expect(fits(schema, { to: "x", cc: ["a@b"] })).toBe(true);
  for (const args of [{}, { to: "" }, { to: 1 }, { to: "x", other: 1 }, { to: "x", cc: ["a"] }])
    expect([args, fits(schema, args)]).toEqual([args, false]);
});

test("members that are named like keywords are members", () => {
  const properties = { pattern: { type: "string" }, $ref: { type: "string" }, enum: { type: "integer" } };
  const schema = { type: "object", properties, additionalProperties: false };
  expect(fits(schema, { pattern: "(", $ref: "http://x", enum: 1 })).toBe(true);
  expect(fits(schema, { enum: "1" })).toBe(false);
});

test("a schema never leaves its ids behind: the next one may have the same", () => {
  for (const type of ["string", "number"])
    expect(
      compileInputSchema({ $id: "Run", id: "Run", type: "object", properties: { a: { type } } }).ok,
    ).toBe(true);
});

describe("cost is bounded before anything is compiled", () => {
  const chain = (levels: number, uses: number): Record<string, unknown> => ({
    $ref: "#/$defs/d0",
    $defs: Object.fromEntries(
      Array.from({ length: levels }, (_, level) => [
        `d${level}`,
        level === levels - 1
          ? {}
          : { allOf: Array.from({ length: uses }, () => ({ $ref: `#/$defs/d${level + 1}` })) },
      ]),
    ),
  });
  test.each([
    ["references that double", chain(30, 2)],
    ["a reference to itself", { $defs: { a: { items: { $ref: "#/$defs/a" } } }, $ref: "#/$defs/a" }],
    ["the root in itself", { properties: { a: { $ref: "#" } } }],
    ["a file", { $ref: "other.json#/$defs/a" }],
    ["a definition hidden in a member that is called enum", { properties: { enum: chain(30, 2) } }],
    ["a pattern that is none", { properties: { a: { pattern: "[" } } }],
    ["conditions, which are not known", { if: {}, else: {} }],
  ])("refused: %s", (_name, schema) => {
    expect(compileInputSchema(schema).ok).toBe(false);
  });
  test("references that do not grow are fine", () => {
    expect(compileInputSchema(chain(12, 1)).ok).toBe(true);
  });
});

describe("patterns", () => {
  const bounded = (source: string): string | null => {
    const result = boundPattern(source);
    if (!result.ok) throw new Error(result.error);
    return result.value;
  };
  test.each([
    "(a+)+$",
    "(a|a)*",
    "^(\\w+\\s?)*$",
    "(a)\\1",
    "(?=a+)b",
    "a*a*a*b",
    "^a*a*a*a*b",
    "(?:x{1,9}){2}",
  ])("%s is not tried", (source) => {
    expect(bounded(source)).toBeNull();
  });
  test.each(["^\\d{4}-\\d{2}-\\d{2}$", "^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$", "^(a|b)$", "[+*]", "\\+\\*\\)+x"])(
    "%s is",
    (source) => {
      expect(bounded(source)).not.toBeNull();
    },
  );
  test("a bounded pattern answers as the plain one does on short text, and no to long text", () => {
    const sources = ["^\\d{4}-\\d{2}$", "b+", "^a|b$", "x.y", "", "[^a]{2,3}$"];
    fc.assert(
      fc.property(
        fc.constantFrom(...sources),
        fc.string({ unit: fc.constantFrom("a", "b", "0", "x", "y", "-", "\n", "1", "4") }),
        (source, text) => {
          expect(new RegExp(bounded(source) ?? "").test(text)).toBe(new RegExp(source).test(text));
        },
      ),
      { seed: 42 },
    );
    expect(new RegExp(bounded("b") ?? "").test(`b${"a".repeat(499)}`)).toBe(true);
    expect(new RegExp(bounded("b") ?? "").test(`b${"a".repeat(500)}`)).toBe(false);
  });
});
