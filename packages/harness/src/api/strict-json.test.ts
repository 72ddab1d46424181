import fc from "fast-check";
import { describe, expect, inject, test } from "vitest";
import { parseStrictJson } from "./strict-json.ts";

const DEPTH = 8;
const RUNS = inject("everyBreak") ? 3_000 : 1_000;
const faultOf = (text: string): string | null => {
  const result = parseStrictJson(text, DEPTH);
  return result.ok ? null : result.error;
};

describe("each refused class is refused", () => {
  test.each([
    ['{"a":1,"a":2}', "duplicate_key"],
    ['{"a":1,"\\u0061":1}', "duplicate_key"],
    ['[{"x":{"k":[],"b":{},"k":null}}]', "duplicate_key"],
    ['{"a":{"b":1},"b":2,"a":3}', "duplicate_key"],
    ['{"":1,"":2}', "duplicate_key"],
    ['{"__proto__":{"admin":true}}', "forbidden_key"],
    ['{"a":[{"\\u005f_proto__":1}]}', "forbidden_key"],
    ['{"constructor":{"prototype":{"x":1}}}', "forbidden_key"],
    ['{"a":"\\ud800"}', "bad_text"],
    ['{"\\udc00":1}', "bad_text"],
    ['["\\ude00\\ud83d"]', "bad_text"],
    ['"\\u0000"', "bad_text"],
    ["1e999", "number_out_of_range"],
    ['{"a":[-1e309]}', "number_out_of_range"],
    ["[".repeat(DEPTH + 1) + "]".repeat(DEPTH + 1), "too_deep"],
    ['{"a":'.repeat(DEPTH + 1) + "1" + "}".repeat(DEPTH + 1), "too_deep"],
    ['{"a":1} x', "not_json"],
    ['{"a":1}{"a":1}', "not_json"],
    ['\uFEFF{"a":1}', "not_json"],
    ["", "not_json"],
    ["{'a':1}", "not_json"],
    ['{"a":1,}', "not_json"],
    ["[1,]", "not_json"],
    ["NaN", "not_json"],
    ["01", "not_json"],
    ["// x\n1", "not_json"],
    ['"\u0000"', "not_json"],
    ['"\t"', "not_json"],
  ])("%s", (text, fault) => {
    expect(faultOf(text)).toBe(fault);
  });
});

test("what only looks like a refused class is accepted", () => {
  for (const text of [
    '{"a":"b","b":"a"}',
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"a":"a,\\"a\\":{[","b":"}"}',
    '{"constructor":"prototype"}',
    '{"constructor":[{"prototype":1}]}',
    '{"prototype":{"constructor":1}}',
    '["__proto__"]',
    '{"a":"\\ud83d\\ude00 😀","n":-0.5e-7}',
    "[".repeat(DEPTH) + "]".repeat(DEPTH),
    " \t\r\n{ } \n",
    "null",
  ])
    expect(parseStrictJson(text, DEPTH)).toEqual({ ok: true, value: JSON.parse(text) });
});

// The other way to the same answer: from the value that was spelled, not from the text.
function refusedByValue(value: unknown, depth: number): boolean {
  if (typeof value === "string") return !value.isWellFormed() || value.includes("\0");
  if (typeof value !== "object" || value === null) return false;
  if (depth === DEPTH) return true;
  return Object.entries(value).some(
    ([key, item]) =>
      key === "__proto__" ||
      refusedByValue(key, 0) ||
      (key === "constructor" &&
        typeof item === "object" &&
        item !== null &&
        !Array.isArray(item) &&
        Object.hasOwn(item, "prototype")) ||
      refusedByValue(item, depth + 1),
  );
}

// Every letter of every string as an escape: the same value, spelled as an evader would.
const escaped = (text: string): string =>
  text.replaceAll(/"(?:[^"\\]|\\.)*"/g, (literal) =>
    literal.replaceAll(/\\.|[a-z_]/g, (part) =>
      part.length === 1 ? `\\u00${part.charCodeAt(0).toString(16)}` : part,
    ),
  );

test("accepts and reads exactly what JSON.parse does, less the refused classes", () => {
  const value = fc.jsonValue({ maxDepth: DEPTH + 2, stringUnit: "binary" });
  const dangerous = fc.object({
    key: fc.constantFrom("a", "constructor", "prototype", "__proto__", "\0", "\ud800", '"', "\\"),
    maxDepth: DEPTH + 2,
    values: [fc.constant(1), fc.constant("x"), fc.constant(null)],
  });
  const seen = { accepted: 0, refused: 0 };
  fc.assert(
    fc.property(fc.oneof(value, dangerous), fc.boolean(), (input, escape) => {
      const plain = JSON.stringify(input, null, 1);
      const result = parseStrictJson(escape && !plain.includes("\\u") ? escaped(plain) : plain, DEPTH);
      expect(result.ok).toBe(!refusedByValue(input, 0));
      seen[result.ok ? "accepted" : "refused"] += 1;
      if (result.ok) expect(JSON.stringify(result.value, null, 1)).toBe(plain);
    }),
    { seed: 42, numRuns: RUNS },
  );
  expect(seen.accepted).toBeGreaterThan(RUNS / 6);
  expect(seen.refused).toBeGreaterThan(RUNS / 6);
});

test("what was parsed before does not change what a key means (V8 13.6 fails this)", () => {
  for (let times = 0; times < 10; times += 1) JSON.parse('{"before":1,"\\\\":2}');
  expect(parseStrictJson('{"before":1,"\\u0041":2}', DEPTH)).toEqual({
    ok: true,
    value: { before: 1, A: 2 },
  });
});

test("never throws, and never accepts what JSON.parse refuses", () => {
  const noise = fc.string({
    unit: fc.constantFrom("{", "}", "[", "]", '"', "\\", ":", ",", "1", "e", "-", "u", "0", "t", " ", "null"),
    maxLength: 40,
  });
  fc.assert(
    fc.property(noise, (text) => {
      const result = parseStrictJson(text, DEPTH);
      if (result.ok) expect(result.value).toEqual(JSON.parse(text));
    }),
    { seed: 42, numRuns: 5_000 },
  );
});

test("a duplicate is found wherever it stands among many keys", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ unit: "grapheme" }), { minLength: 2, maxLength: 30 }),
      fc.nat(),
      fc.nat(),
      (keys, from, to) => {
        const usable = keys.filter((key) => key !== "__proto__" && !key.includes("\0"));
        fc.pre(usable.length >= 2);
        const members = usable.map((key) => `${JSON.stringify(key)}:{"x":[{"y":1}]}`);
        expect(faultOf(`{${members.join(",")}}`)).toBeNull();
        members.splice(to % members.length, 0, members[from % members.length] ?? "");
        expect(faultOf(`{${members.join(",")}}`)).toBe("duplicate_key");
      },
    ),
    { seed: 42 },
  );
});

test("very deep and very wide texts do not overflow", () => {
  const open = "[".repeat(100_000);
  expect(parseStrictJson(open + "]".repeat(100_000), DEPTH)).toEqual({ ok: false, error: "too_deep" });
  const wide = `{${Array.from({ length: 20_000 }, (_, n) => `"k${n}":${n}`).join(",")}}`;
  expect(parseStrictJson(wide, DEPTH).ok).toBe(true);
});
