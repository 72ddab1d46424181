import { expect, test } from "vitest";
import type { PolicyRule } from "./policy-annotations.ts";
import { type CedarAnswer, policyVerdict } from "./policy-verdict.ts";

const rule = (id: string, effect: "permit" | "forbid", isLiftable = false): [string, PolicyRule] => [
  id,
  {
    id,
    effect,
    description: null,
    assent: isLiftable ? { quorum: 1, separateDuties: false, timeoutMs: 1, onTimeout: "deny" } : null,
  },
];

const RULES = new Map([rule("yes", "permit"), rule("no", "forbid"), rule("ask", "forbid", true)]);

const answer = (decision: "allow" | "deny", ...reasons: string[]): CedarAnswer => ({
  kind: "answer",
  decision,
  reasons,
  errors: [],
});

const ERROR: CedarAnswer = {
  kind: "answer",
  decision: "allow",
  reasons: ["yes"],
  errors: [{ policy: "no", detail: "overflow" }],
};
const FAILURE: CedarAnswer = { kind: "failure", details: [] };

// What no sound Cedar would say is here too: the decision does not rest on its being sound.
test.each([
  ["a permit", answer("allow", "yes"), "permit", "permit"],
  ["no permit", answer("deny"), "deny", "no_permit"],
  ["a plain forbid", answer("deny", "no"), "deny", "forbidden"],
  ["a liftable forbid over a permit", answer("allow", "ask", "yes"), "needs_approval", "needs_approval"],
  ["a liftable forbid over nothing", answer("allow", "ask"), "deny", "no_permit"],
  ["an error beside a permit", ERROR, "deny", "policy_error"],
  ["a failure", FAILURE, "deny", "policy_failure"],
  ["allowed without a reason", answer("allow"), "deny", "policy_failure"],
  ["allowed by a forbid", answer("allow", "no"), "deny", "policy_failure"],
  ["allowed by a forbid beside a permit", answer("allow", "no", "yes"), "deny", "policy_failure"],
  ["denied by a permit", answer("deny", "yes"), "deny", "policy_failure"],
  ["denied by what an approval lifts", answer("deny", "ask"), "deny", "policy_failure"],
  ["decided by a stranger", answer("allow", "yes", "who"), "deny", "policy_failure"],
] as const)("%s", (_name, given, verdict, code) => {
  const found = policyVerdict(RULES, true, given);
  expect([found.verdict, found.reasons[0]?.code]).toEqual([verdict, code]);
  expect(found.assent === null).toBe(verdict !== "needs_approval");
});

test("with nobody to ask, what would need approval is a deny that names the rule", () => {
  const found = policyVerdict(RULES, false, answer("allow", "ask", "yes"));
  expect(found).toEqual({
    verdict: "deny",
    reasons: [
      {
        code: "nobody_to_ask",
        policy: "ask",
        detail: "A person would have to agree, and nobody can be asked.",
      },
    ],
    assent: null,
  });
});
