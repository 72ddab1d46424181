import type { Advice, Comparison } from "@assent/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { closestOf, comparedAt, partedFrom } from "./comparing.ts";

const comparison = (change: Partial<Comparison>): Comparison => ({
  differs: "",
  rationale: "",
  revoked_at: null,
  approval_id: `apr_${"0".repeat(32)}`,
  run_id: null,
  arguments: [],
  arguments_more: 0,
  circumstances: [],
  ...change,
});

const value = (pointer: string, difference: Comparison["arguments"][number]["difference"] = "value") => ({
  pointer,
  difference,
  value: "then",
  is_text: true,
  length_chars: 4,
  origin: null,
});

test("a value is compared by its own place or by the one that holds it, and never taken for the same unseen", () => {
  const whole = comparison({ arguments: [value("/to"), value("/rows/2"), value("/gone", "left_out")] });
  expect(comparedAt(whole, "/to")?.difference).toBe("value");
  expect(comparedAt(whole, "/rows/2/name")?.pointer).toBe("/rows/2");
  expect(comparedAt(whole, "/rows/1/name")).toBeNull();
  expect(comparedAt(whole, "/gone")).toBeNull();
  expect(comparedAt({ ...whole, arguments_more: 1 }, "/rows/1/name")).toBeUndefined();
});

test("the closest is the first whose question is kept", () => {
  const advice = (one?: Comparison): Advice => ({
    precedent_id: `sha256:${"0".repeat(64)}`,
    decision: "approve",
    decided_by: null,
    decided_at: null,
    explanation: "",
    confidence: 1,
    ...(one === undefined ? {} : { comparison: one }),
  });
  const kept = comparison({ differs: "this" });
  expect(closestOf([advice(), advice(comparison({ approval_id: null })), advice(kept)])).toBe(kept);
  expect(closestOf([advice()])).toBeNull();
});

test("two texts part between words", () => {
  expect(partedFrom("pay 20 to Ann today", "pay 30 to Ann today")).toEqual({
    head: "pay ",
    other: "20",
    tail: " to Ann today",
  });
  expect(partedFrom("a a", "a a a")).toEqual({ head: "a a", other: "", tail: "" });
  expect(partedFrom("", "x")).toEqual({ head: "", other: "", tail: "" });
});

test("whatever two texts are, the parts of one put together are it", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", " ", "\n", "\u202E", "😀") });
  fc.assert(
    fc.property(text, text, (a, b) => {
      const { head, other, tail } = partedFrom(a, b);
      expect(head + other + tail).toBe(a);
      expect(b.startsWith(head) && b.endsWith(tail)).toBe(true);
    }),
  );
});
