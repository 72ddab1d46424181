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
  ["a permit", answer("allow", "yes"), FAILURE, "permit", "permit"],
  ["no permit", answer("deny"), FAILURE, "deny", "no_permit"],
  [
    "a plain forbid beside a liftable one",
    answer("deny", "ask", "no"),
    answer("allow", "yes"),
    "deny",
    "forbidden",
  ],
  [
    "a liftable forbid over a permit",
    answer("deny", "ask"),
    answer("allow", "yes"),
    "needs_approval",
    "needs_approval",
  ],
  ["a liftable forbid over nothing", answer("deny", "ask"), answer("deny"), "deny", "no_permit"],
  ["an error beside a permit", ERROR, FAILURE, "deny", "policy_error"],
  ["a failure", FAILURE, answer("allow", "yes"), "deny", "policy_failure"],
  ["a failure of the second question", answer("deny", "ask"), FAILURE, "deny", "policy_failure"],
  ["an error in the second question", answer("deny", "ask"), ERROR, "deny", "policy_error"],
  ["allowed without a reason", answer("allow"), FAILURE, "deny", "policy_failure"],
  ["allowed by a forbid", answer("allow", "no"), FAILURE, "deny", "policy_failure"],
  ["decided by a stranger", answer("allow", "yes", "who"), FAILURE, "deny", "policy_failure"],
] as const)("%s", (_name, whole, rest, verdict, code) => {
  const found = policyVerdict(RULES, true, (lifted) => (lifted ? rest : whole));
  expect([found.verdict, found.reasons[0]?.code]).toEqual([verdict, code]);
  expect(found.assent === null).toBe(verdict !== "needs_approval");
});

test("with nobody to ask, what would need approval is a deny that names the rule", () => {
  const found = policyVerdict(RULES, false, (lifted) =>
    lifted ? answer("allow", "yes") : answer("deny", "ask"),
  );
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
