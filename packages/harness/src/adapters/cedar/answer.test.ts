import type { AuthorizationAnswer, DetailedError } from "@cedar-policy/cedar-wasm/nodejs";
import { expect, test } from "vitest";
import { answerFrom, sentenceOf } from "./answer.ts";

const error = (message: string, help: string | null = null): DetailedError => ({
  message,
  help,
  code: null,
  url: null,
  severity: null,
});
const success = (
  decision: "allow" | "deny",
  reason: string[],
  errors: { policyId: string; error: DetailedError }[] = [],
): AuthorizationAnswer => ({
  type: "success",
  response: { decision, diagnostics: { reason, errors } },
  warnings: [],
});

test("an answer keeps its decision, and names rules and errors in one order", () => {
  const broke = (policyId: string): { policyId: string; error: DetailedError } => ({
    policyId,
    error: error(`${policyId} broke`),
  });
  for (const order of [
    ["b", "a", "c"],
    ["a", "b", "c"],
    ["c", "b", "a"],
  ])
    expect(answerFrom(() => success("allow", order, order.map(broke)))).toEqual({
      kind: "answer",
      decision: "allow",
      reasons: ["a", "b", "c"],
      errors: ["a", "b", "c"].map((policy) => ({ policy, detail: `${policy} broke` })),
    });
  expect(answerFrom(() => success("deny", []))).toEqual({
    kind: "answer",
    decision: "deny",
    reasons: [],
    errors: [],
  });
});

test("a failure is no answer, and says all that Cedar said", () => {
  expect(
    answerFrom(() => ({ type: "failure", errors: [error("one"), error("two", "try three")], warnings: [] })),
  ).toEqual({ kind: "failure", details: ["one", "two (try three)"] });
});

test.each([
  [new Error("unreachable"), "unreachable"],
  ["a text", "a text"],
])("whatever is thrown is a failure: %s", (thrown, detail) => {
  expect(
    answerFrom(() => {
      throw thrown;
    }),
  ).toEqual({ kind: "failure", details: [detail] });
});

test("help stands behind what went wrong, where there is any", () => {
  expect(sentenceOf(error("It broke"))).toBe("It broke");
  // As older ones of its kind are written.
  const bare: DetailedError = JSON.parse('{"message":"It broke"}');
  expect(sentenceOf(bare)).toBe("It broke");
  expect(sentenceOf(error("It broke", "mend it"))).toBe("It broke (mend it)");
});
