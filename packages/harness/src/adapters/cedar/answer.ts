// Cedar's answers as ours: one shape, sorted, and nothing that goes wrong passes for an answer.

import type { AuthorizationAnswer, DetailedError } from "@cedar-policy/cedar-wasm/nodejs";
import type { CedarAnswer } from "../../core/decide/policy-verdict.ts";

/**
 * Runs one call into Cedar. It throws for input that is not of its shape and when its WebAssembly traps; to whoever
 * waits for a decision that is a failure like any other.
 */
export function answerFrom(call: () => AuthorizationAnswer): CedarAnswer {
  let answer: AuthorizationAnswer;
  try {
    answer = call();
  } catch (error) {
    return { kind: "failure", details: [error instanceof Error ? error.message : String(error)] };
  }
  if (answer.type !== "success") return { kind: "failure", details: answer.errors.map(sentenceOf) };
  const { decision, diagnostics } = answer.response;
  return {
    kind: "answer",
    decision,
    reasons: diagnostics.reason.toSorted(),
    errors: diagnostics.errors
      .map(({ policyId, error }) => ({ policy: policyId, detail: sentenceOf(error) }))
      .toSorted((a, b) => (a.policy < b.policy ? -1 : 1)),
  };
}

export function sentenceOf(error: DetailedError): string {
  return error.help === null || error.help === undefined ? error.message : `${error.message} (${error.help})`;
}
