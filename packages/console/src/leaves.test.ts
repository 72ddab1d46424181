import type { Approval } from "@assent/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isGrave, isYesMemorable, leavesOf } from "./leaves.ts";

type Label = Approval["labels"][string];

const at = (value: unknown, pointer: string): unknown =>
  pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>((held, name) => Object.getOwnPropertyDescriptor(held, name)?.value, value);

test("every value of a call is one row, under the pointer that leads to it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      const value: unknown = JSON.parse(JSON.stringify(json));
      const leaves = leavesOf(value, {});
      expect(new Set(leaves.map(({ pointer }) => pointer)).size).toBe(leaves.length);
      for (const { pointer, text, isText } of leaves) {
        const found = at(value, pointer);
        expect(isText ? text : JSON.parse(text)).toEqual(found);
        expect(isText).toBe(typeof found === "string");
      }
      // Nothing is left out: what the rows say, put together, is as much as there is.
      expect(leaves.length).toBe(countLeaves(value));
    }),
    { seed: 1122, numRuns: 100 },
  );
});

function countLeaves(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  const held = Object.values(value);
  return held.length === 0 ? 1 : held.reduce<number>((sum, one) => sum + countLeaves(one), 0);
}

test("a value has the label of its place, else of the nearest one that holds it, else none", () => {
  const untrusted: Label = { origin: "untrusted", sources: [{ source: "step:2", start: 0, end: 4 }] };
  const trusted: Label = { origin: "trusted", sources: [] };
  const leaves = leavesOf(
    { a: { b: "x", "c/d": ["y"] }, constructor: "z" },
    { "/a": trusted, "/a/c~1d": untrusted },
  );
  expect(leaves.map(({ pointer, origin, sources }) => [pointer, origin, sources])).toEqual([
    ["/a/b", "trusted", []],
    ["/a/c~1d/0", "untrusted", ["step:2"]],
    ["/constructor", null, []],
  ]);
});

const action = {
  tool: "t",
  tool_version: "1",
  manifest_digest: `sha256:${"0".repeat(64)}`,
  arguments: {},
} as const;

test("what happens once, or is more than a change of a file, is grave", () => {
  for (const [effect, harm, expected] of [
    ["idempotent", ["write"], false],
    ["none", [], false],
    ["once", ["write"], true],
    ["idempotent", ["egress"], true],
    ["idempotent", ["write", "destructive"], true],
  ] as const)
    expect(isGrave({ action: { ...action, effect, harm: [...harm] } })).toBe(expected);
});

test("a yes that spends, destroys, or rests on untrusted text is said to be good once", () => {
  const label = (origin: "trusted" | "untrusted") => ({ "/a": { origin, sources: [] } });
  const memorable = (harm: "write" | "money" | "destructive", origin: "trusted" | "untrusted"): boolean =>
    isYesMemorable({ action: { ...action, effect: "once", harm: [harm] }, labels: label(origin) });
  expect(memorable("write", "trusted")).toBe(true);
  expect(memorable("write", "untrusted")).toBe(false);
  expect(memorable("money", "trusted")).toBe(false);
  expect(memorable("destructive", "trusted")).toBe(false);
});
