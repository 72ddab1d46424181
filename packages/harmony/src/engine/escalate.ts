// The two answers that leave the decision to a person, and the escalation that waits for it. Pure.

import { EscalationRecord } from "../escalations.ts";
import { computeEscalationId } from "../ids.ts";
import type { AgentProvenance, Decision, Policy, Proposal, Question, ReasonCode } from "../types.ts";

type Context = { readonly question: Question; readonly policy: Policy | null };

const EXPLANATIONS: { readonly [R in ReasonCode]: string } = {
  policy_strategy: "a policy names the answer",
  policy_manual: "a policy wants a person to decide",
  exact_verified: "a person has answered exactly this",
  exact_unverified: "exactly this was answered before, but never by a person",
  exact_low_confidence: "the answer given before was too often overridden",
  exact_disagreement: "exactly this was answered in different ways",
  exact_unreadable: "an answer to exactly this cannot be read, and may say otherwise",
  similar: "only questions like this one were answered before",
  no_precedent: "No policy or resolution found for pattern",
};

export function explain(reason: ReasonCode): string {
  return EXPLANATIONS[reason];
}

/** Names shown of answers that cannot be read. */
const UNREADABLE_SHOWN_MAX = 3;

/** What a person is to do about answers that cannot be read. */
export function remedyFor(unreadable: readonly string[]): string {
  const more = unreadable.length - UNREADABLE_SHOWN_MAX;
  const names = unreadable.slice(0, UNREADABLE_SHOWN_MAX).join(", ");
  return `restore or remove ${names}${more > 0 ? ` and ${more} more` : ""}`;
}

export function proposed(
  { question, policy }: Context,
  reason: ReasonCode,
  proposals: readonly Proposal[],
): Decision {
  const damaged = reason === "exact_unreadable" ? `: ${remedyFor(question.unreadable ?? [])}` : "";
  return {
    status: "proposed",
    patternId: question.pattern.patternId,
    reason,
    explanation: `${explain(reason)}${damaged}`,
    proposals,
    policyId: policy?.policyId ?? null,
  };
}

export function escalated(
  { question, policy }: Context,
  reason: ReasonCode,
  proposals: readonly Proposal[],
): Decision {
  return {
    status: "escalated",
    patternId: question.pattern.patternId,
    reason,
    explanation: explain(reason),
    proposals,
    policyId: policy?.policyId ?? null,
  };
}

/** The record that waits for a person. One pattern waits for one reason once: its id follows from both. */
export function newEscalation(
  patternId: string,
  reason: string,
  actor: AgentProvenance,
  at: Date | string,
): EscalationRecord {
  return new EscalationRecord({
    escalationId: computeEscalationId(patternId, reason),
    patternId,
    reason,
    escalatedAt: at,
    escalatedBy: actor,
  });
}
