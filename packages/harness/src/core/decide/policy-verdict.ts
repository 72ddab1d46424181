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
 * `ask(lifted)`: Cedar's answer over the whole set, or over the set without the rules that an approval lifts.
 *
 * 1. Anything that could not be evaluated: deny.
 * 2. A plain forbid matches: deny, by every plain forbid that does.
 * 3. Forbids match and all of them can be lifted: what is left without them has to permit, else deny. Then
 *    needs_approval with the strictest of their requirements; deny where nobody can be asked or could fulfil them.
 * 4. A permit matches: permit, by every permit that does. None does: deny.
 */
export function policyVerdict(
  rules: ReadonlyMap<string, PolicyRule>,
  askable: boolean,
  ask: (lifted: boolean) => CedarAnswer,
): PolicyVerdict {
  const whole = ask(false);
  const broken = failureOf(whole);
  if (broken !== null) return deny(broken);
  if (whole.kind === "failure") return deny([{ code: "policy_failure", detail: "no answer" }]);
  const named = whole.reasons.map((id) => rules.get(id));
  if (named.includes(undefined))
    return deny([{ code: "policy_failure", detail: "A rule that was not loaded decided." }]);
  const deciding = named.filter((rule) => rule !== undefined).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  if (whole.decision === "allow")
    return deciding.length > 0 && deciding.every(({ effect }) => effect === "permit")
      ? { verdict: "permit", reasons: deciding.map((rule) => reason("permit", rule)), assent: null }
      : deny([{ code: "policy_failure", detail: "Cedar allowed what no permit was named for." }]);
  if (deciding.length === 0) return deny([NO_PERMIT]);
  const plain = deciding.filter(({ assent }) => assent === null);
  if (plain.length > 0) return deny(plain.map((rule) => reason("forbidden", rule)));
  return lift(deciding, askable, ask(true));
}

function lift(liftable: readonly PolicyRule[], askable: boolean, rest: CedarAnswer): PolicyVerdict {
  const broken = failureOf(rest);
  if (broken !== null) return deny(broken);
  if (rest.kind === "failure" || rest.decision !== "allow") return deny([NO_PERMIT]);
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

const SENTENCES: Readonly<Record<string, string>> = {
  permit: "The rule permits it.",
  forbidden: "The rule forbids it.",
  needs_approval: "A person has to agree.",
  nobody_to_ask: "A person would have to agree, and nobody can be asked.",
  nobody_may_approve: "The rules that want assent leave nobody who could give it.",
};

function reason(code: string, rule: PolicyRule): Reason {
  const sentence = SENTENCES[code] ?? "";
  const why = rule.description ?? sentence;
  const asked = code === "nobody_to_ask" || code === "nobody_may_approve";
  return { code, policy: rule.id, detail: asked && why !== sentence ? `${why} ${sentence}` : why };
}

function failureOf(answer: CedarAnswer): Reason[] | null {
  if (answer.kind === "failure") {
    const details = answer.details.length === 0 ? ["no answer"] : answer.details;
    return details.map((detail) => ({ code: "policy_failure", detail }));
  }
  if (answer.errors.length === 0) return null;
  return answer.errors
    .toSorted((a, b) => (a.policy < b.policy ? -1 : 1))
    .map(({ policy, detail }) => ({ code: "policy_error", policy, detail }));
}

function deny(reasons: Reason[]): PolicyVerdict {
  return { verdict: "deny", reasons, assent: null };
}
