import { expect, test } from "vitest";
import type { Assent, PolicyRule } from "./policy-annotations.ts";
import { type CedarAnswer, policyVerdict } from "./policy-verdict.ts";

const PLAIN: Assent = { quorum: 1, separateDuties: false, timeoutMs: 1, onTimeout: "deny" };

const MEANING = `sha256:${"0".repeat(64)}` as const;
const rule = (id: string, effect: "permit" | "forbid", isLiftable = false): [string, PolicyRule] => [
  id,
  {
    id,
    meaning: MEANING,
    text: "",
    effect,
    description: null,
    assent: isLiftable ? PLAIN : null,
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

const ids = ({
  reasons,
}: {
  readonly reasons: readonly { readonly policy?: string | undefined }[];
}): readonly unknown[] => reasons.map(({ policy }) => policy);
const MANY = new Map([
  ...["p2", "p1", "p3"].map((id) => rule(id, "permit")),
  ...["f2", "f1", "f3"].map((id) => rule(id, "forbid")),
]);

test("every rule that decided is named, in the order of names, whatever the order of Cedar's answer", () => {
  for (const order of [
    ["p3", "p1", "p2"],
    ["p1", "p2", "p3"],
    ["p3", "p2", "p1"],
  ])
    expect(ids(policyVerdict(MANY, true, answer("allow", ...order)))).toEqual(["p1", "p2", "p3"]);
  for (const order of [
    ["f3", "f1", "f2"],
    ["f2", "f3", "f1"],
  ])
    expect(ids(policyVerdict(MANY, true, answer("deny", ...order)))).toEqual(["f1", "f2", "f3"]);
});

test("rules that could not be evaluated are told in the order of names, each with what Cedar said of it", () => {
  const error = (policy: string): { policy: string; detail: string } => ({
    policy,
    detail: `${policy} broke`,
  });
  for (const order of [
    ["c", "a", "b"],
    ["a", "b", "c"],
    ["c", "b", "a"],
  ])
    expect(policyVerdict(RULES, true, { ...ERROR, errors: order.map(error) })).toEqual({
      verdict: "deny",
      reasons: ["a", "b", "c"].map((policy) => ({ code: "policy_error", policy, detail: `${policy} broke` })),
      assent: null,
    });
});

const said = (
  rules: ReadonlyMap<string, PolicyRule>,
  isAskable: boolean,
  given: CedarAnswer,
): readonly string[] => policyVerdict(rules, isAskable, given).reasons.map(({ detail }) => detail);

test.each<[string, CedarAnswer, readonly string[]]>([
  ["a permit", answer("allow", "yes"), ["The rule permits it."]],
  ["no permit", answer("deny"), ["No rule permits this."]],
  ["a plain forbid", answer("deny", "no"), ["The rule forbids it."]],
  ["a rule that an approval lifts", answer("allow", "ask", "yes"), ["A person has to agree."]],
  ["a stranger", answer("allow", "who"), ["A rule that was not loaded decided."]],
  ["denied by a permit", answer("deny", "yes"), ["Cedar denied by what forbids nothing."]],
  ["allowed by a forbid", answer("allow", "no"), ["Cedar allowed what no permit was named for."]],
  ["no answer at all", FAILURE, ["no answer"]],
  ["a failure that says why", { kind: "failure", details: ["one", "two"] }, ["one", "two"]],
])("%s says why", (_name, given, details) => {
  expect(said(RULES, true, given)).toEqual(details);
});

/** The rules with these in place of `ask`: each wants an approval of its own kind. */
const asking = (
  ...wanted: readonly (readonly [id: string, description: string | null, more: Partial<Assent>])[]
): ReadonlyMap<string, PolicyRule> =>
  new Map([
    ...RULES,
    ...wanted.map(([id, description, more]): [string, PolicyRule] => [
      id,
      { id, meaning: MEANING, text: "", effect: "forbid", description, assent: { ...PLAIN, ...more } },
    ]),
  ]);

test("a rule's own words stand for the general ones, and what cannot be done about it comes after them", () => {
  const asked = answer("allow", "ask", "yes");
  const paying = asking(["ask", "It pays.", {}]);
  expect(said(paying, true, asked)).toEqual(["It pays."]);
  expect(said(paying, false, asked)).toEqual([
    "It pays. A person would have to agree, and nobody can be asked.",
  ]);
  const nobody = "The rules that want assent leave nobody who could give it.";
  const contradicting = asking(
    ["ask", "It pays.", { approvers: ["anna"] }],
    ["else", null, { approvers: ["ben"] }],
  );
  expect(policyVerdict(contradicting, true, answer("allow", "yes", "ask", "else"))).toEqual({
    verdict: "deny",
    reasons: [
      { code: "nobody_may_approve", policy: "ask", detail: `It pays. ${nobody}` },
      { code: "nobody_may_approve", policy: "else", detail: nobody },
    ],
    assent: null,
  });
});

test("an approval has to fulfil the strictest of all rules that want one", () => {
  const rules = asking(
    ["ask", null, { quorum: 2, timeoutMs: 5_000 }],
    ["else", null, { separateDuties: true, timeoutMs: 900 }],
  );
  const found = policyVerdict(rules, true, answer("allow", "yes", "else", "ask"));
  expect(found.assent).toEqual({ quorum: 2, separateDuties: true, timeoutMs: 900, onTimeout: "deny" });
  expect(found.reasons.map(({ code, policy }) => [code, policy])).toEqual([
    ["needs_approval", "ask"],
    ["needs_approval", "else"],
  ]);
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
