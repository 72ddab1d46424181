import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "../../base/canonical-json.ts";
import { describeHandle, type HandleUse, resolveHandles, usesLeft } from "./handles.ts";
import { HANDLE_USES_MAX, RESOLVED_CHARS_MAX } from "./limits.ts";

const MAIL =
  "Pay 1,234.50 EUR to anna@corp.example by 2026-11-20, see https://corp.example/bill. Or ask ben@corp.example. 01/02/2026";
const KEPT = new Map([
  [3, MAIL],
  [5, ""],
]);
const resolved = (value: unknown): unknown => {
  const made = resolveHandles({ value }, KEPT);
  return made.ok ? made.value.args["value"] : made.error;
};

test("a handle is what its step returned, or one typed field of it", () => {
  expect(resolved("$v3")).toBe(MAIL);
  expect(resolved("$v5")).toBe("");
  expect(resolved("$v3.amount")).toBe(1234.5);
  expect(resolved("$v3.url")).toBe("https://corp.example/bill");
  expect(resolved("$v3.email.2")).toBe("ben@corp.example");
  expect(resolved({ to: ["$v3.email.1", { cc: "$v3.email.2" }], no: null })).toEqual({
    to: ["anna@corp.example", { cc: "ben@corp.example" }],
    no: null,
  });
});

test("its use names leaf, step, type and place", () => {
  const made = resolveHandles({ "a/b": [{ c: "$v3.email.2" }] }, KEPT);
  if (!made.ok) throw new Error(made.error);
  const start = MAIL.indexOf("ben@");
  expect(made.value.uses).toEqual([
    { pointer: "/a~1b/0/c", step: 3, type: "email", start, end: start + "ben@corp.example".length },
  ]);
});

test.each([
  ["$v3.email", "say which"],
  ["$v3.email.3", "no such email"],
  ["$v3.date.2", "no such date"],
  ["$v5.email", "no such email"],
  ["$v4", "no $v4"],
  ["to $v3", "whole value"],
  ["$v3.phone", "whole value"],
  ["$v03", "whole value"],
  ["$v3 ", "whole value"],
])("%s is refused: %s", (text, why) => {
  expect(resolved(text)).toContain(why);
});

test("an argument called __proto__ stays one, and shapes nothing", () => {
  const args: unknown = JSON.parse(
    '{"__proto__": {"to": "eve"}, "to": "$v3.email.1", "in": {"__proto__": [1]}}',
  );
  const made = resolveHandles(Object(args), KEPT);
  if (!made.ok) throw new Error(made.error);
  expect(JSON.stringify(made.value.args)).toBe(
    '{"__proto__":{"to":"eve"},"to":"anna@corp.example","in":{"__proto__":[1]}}',
  );
  expect(canonicalJson(made.value.args)).toContain("eve");
});

test("a handle is no member's name, and depth has an end", () => {
  expect(resolved({ $v3: 1 })).toContain("member");
  let deep: unknown = "$v3";
  for (let level = 0; level < 40; level += 1) deep = [deep];
  expect(resolved(deep)).toContain("too deep");
});

test("what the model reads of a kept text holds none of it", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{9,20}$/), (word) => {
      const shown = describeHandle(7, `${word} ${word}@${word}.example https://${word}.example 5 EUR`);
      expect(shown).not.toContain(word);
      expect(shown).toContain("$v7.email: 1");
    }),
    { seed: 42, numRuns: 100 },
  );
});

test("without a handle the arguments stay as they are", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (args) => {
      fc.pre(!/\$v\d/.test(JSON.stringify(args)) && !Object.hasOwn(args, "__proto__"));
      fc.pre(!JSON.stringify(args).includes("__proto__"));
      const made = resolveHandles(args, KEPT);
      expect(made).toEqual({ ok: true, value: { args, uses: [] } });
    }),
    { seed: 42, numRuns: 200 },
  );
});

test("a short call cannot become an endless one by naming a long text often", () => {
  const kept = new Map([[1, "x".repeat(RESOLVED_CHARS_MAX / 2)]]);
  const of = (count: number): boolean =>
    resolveHandles({ all: Array.from({ length: count }, () => "$v1") }, kept).ok;
  expect([of(1), of(2), of(3)]).toEqual([true, true, false]);
  const few = new Map([[1, "a@b.example"]]);
  const uses = (count: number): boolean =>
    resolveHandles({ all: Array.from({ length: count }, () => "$v1.email") }, few).ok;
  expect([uses(HANDLE_USES_MAX), uses(HANDLE_USES_MAX + 1)]).toEqual([true, false]);
});

test("what an edit leaves as it was still came by its handle, and nothing else does", () => {
  const before = { to: "a@b.example", list: [{ "x/y": "c@d.example" }], note: "n" };
  const use = (pointer: string): HandleUse => ({ pointer, step: 1, type: "email", start: 0, end: 1 });
  const uses = [use("/to"), use("/list/0/x~1y"), use("/gone")];
  const left = (now: Record<string, unknown>): readonly string[] =>
    usesLeft(uses, before, now).map(({ pointer }) => pointer);
  expect(left({ ...before, note: "other" })).toEqual(["/to", "/list/0/x~1y"]);
  expect(left({ ...before, to: "e@f.example" })).toEqual(["/list/0/x~1y"]);
  expect(left({ to: "a@b.example" })).toEqual(["/to"]);
});
