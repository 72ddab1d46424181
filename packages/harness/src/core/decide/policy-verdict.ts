// From Cedar's answers to the harness's decision. Deny wins, no permit is a deny, and whatever goes wrong is a deny
// (DESIGN.md section 4, invariant 4).

import type { Decision } from "@assent/contract";
import { type Assent, type PolicyRule, strictestAssent } from "./policy-annotations.ts";

/** What Cedar said: an answer, or why there is none. */
export type CedarAnswer =
  | {
      readonly kind: "answer";
      readonly decision: "allow" | "deny";
      /** Ids of the rules that determined it. */
      readonly reasons: readonly string[];
      readonly errors: readonly { readonly policy: string; readonly detail: string }[];
    }
  | { readonly kind: "failure"; readonly details: readonly string[] };

export type PolicyVerdict = Decision & {
  /** What an approval has to fulfil; set exactly when the verdict is `needs_approval`. */
  readonly assent: Assent | null;
};

type Reason = Decision["reasons"][number];

/**
 * From Cedar's one answer over the set in which every forbid that an approval lifts stands as a permit: it then names
 * the rules that want a person beside those that permit, and a plain forbid still wins over all of them.
 *
 * 1. Anything that could not be evaluated: deny.
 * 2. A plain forbid matches: deny, by every plain forbid that does.
 * 3. No permit matches: deny. An approval lifts a forbid; it never replaces a permit.
 * 4. Rules that an approval lifts match: needs_approval with the strictest of their requirements; deny where nobody can
 *    be asked or could fulfil them.
 * 5. Else permit, by every permit that matches.
 */
export function policyVerdict(
  rules: ReadonlyMap<string, PolicyRule>,
  askable: boolean,
  answer: CedarAnswer,
): PolicyVerdict {
  if (answer.kind === "failure") return deny(failureOf(answer.details));
  if (answer.errors.length > 0) return deny(errorsOf(answer.errors));
  const deciding: PolicyRule[] = [];
  for (const id of answer.reasons.toSorted()) {
    const rule = rules.get(id);
    if (rule === undefined)
      return deny([{ code: "policy_failure", detail: "A rule that was not loaded decided." }]);
    deciding.push(rule);
  }
  const plain = deciding.filter(({ effect, assent }) => effect === "forbid" && assent === null);
  if (answer.decision === "deny") {
    if (plain.length < deciding.length)
      return deny([{ code: "policy_failure", detail: "Cedar denied by what forbids nothing." }]);
    return deny(plain.length === 0 ? [NO_PERMIT] : plain.map((rule) => reason("forbidden", rule)));
  }
  if (deciding.length === 0 || plain.length > 0)
    return deny([{ code: "policy_failure", detail: "Cedar allowed what no permit was named for." }]);
  const permits = deciding.filter(({ effect }) => effect === "permit");
  if (permits.length === 0) return deny([NO_PERMIT]);
  const liftable = deciding.filter(({ effect }) => effect === "forbid");
  return liftable.length === 0
    ? { verdict: "permit", reasons: permits.map((rule) => reason("permit", rule)), assent: null }
    : lift(liftable, askable);
}

function lift(liftable: readonly PolicyRule[], askable: boolean): PolicyVerdict {
  if (!askable) return deny(liftable.map((rule) => reason("nobody_to_ask", rule)));
  const assent = strictestAssent(liftable.flatMap((rule) => (rule.assent === null ? [] : [rule.assent])));
  if (assent === null) return deny(liftable.map((rule) => reason("nobody_may_approve", rule)));
  return {
    verdict: "needs_approval",
    reasons: liftable.map((rule) => reason("needs_approval", rule)),
    assent,
  };
}

const NO_PERMIT: Reason = { code: "no_permit", detail: "No rule permits this." };

const SENTENCES = {
  permit: "The rule permits it.",
  forbidden: "The rule forbids it.",
  needs_approval: "A person has to agree.",
  nobody_to_ask: "A person would have to agree, and nobody can be asked.",
  nobody_may_approve: "The rules that want assent leave nobody who could give it.",
};

function reason(code: keyof typeof SENTENCES, rule: PolicyRule): Reason {
  const sentence = SENTENCES[code];
  const why = rule.description ?? sentence;
  const asked = code === "nobody_to_ask" || code === "nobody_may_approve";
  return { code, policy: rule.id, detail: asked && why !== sentence ? `${why} ${sentence}` : why };
}

const failureOf = (details: readonly string[]): Reason[] =>
  (details.length === 0 ? ["no answer"] : details).map((detail) => ({ code: "policy_failure", detail }));

const errorsOf = (errors: Extract<CedarAnswer, { kind: "answer" }>["errors"]): Reason[] =>
  errors
    .toSorted((a, b) => (a.policy < b.policy ? -1 : 1))
    .map(({ policy, detail }) => ({ code: "policy_error", policy, detail }));

function deny(reasons: Reason[]): PolicyVerdict {
  return { verdict: "deny", reasons, assent: null };
}
