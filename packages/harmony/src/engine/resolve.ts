// The engine: policy, then exact replay, then similar, then escalate. Pure: the same question gives the same decision.
// What applies by itself is a written policy, or an answer that a person verified to exactly this question, that nobody
// answered otherwise, and whose experience is good enough. Everything else is at most proposed.

import { confidenceOf, type Resolution } from "../resolutions.ts";
import type { Decision, Policy, Proposal, Question, SimilarResolution } from "../types.ts";
import { PolicyAction, ReasonCode } from "../vocabulary.ts";
import { escalated, proposed } from "./escalate.ts";
import { confidenceAmong, leastConfidence, matchPolicy, ranked } from "./match.ts";

/** The least confidence at which an exact precedent applies by itself: one uncontradicted answer of a person has 0.83. */
export const AUTO_CONFIDENCE_MIN = 0.8;
/** Proposals shown; the right text was among the first three for 83% of conflicts measured. */
export const PROPOSALS_MAX = 3;

const percent = (share: number): string => `${Math.round(100 * share)}%`;
const times = (count: number): string => (count === 1 ? "once" : `${count} times`);
const who = ({ resolvedBy }: Resolution): string =>
  resolvedBy.type === "human"
    ? (resolvedBy.principalId ?? "a person")
    : `${resolvedBy.agentId ?? "an agent"}${resolvedBy.modelId === null ? "" : ` (${resolvedBy.modelId})`}`;

/** Two answers agree when they would leave the same thing behind. */
const sameAnswer = (a: Resolution, b: Resolution): boolean =>
  a.strategy === b.strategy && a.result === b.result;

function exactProposal(resolution: Resolution, all: readonly Resolution[], reason: ReasonCode): Proposal {
  const confidence = confidenceAmong(resolution, all);
  return {
    strategy: resolution.strategy,
    result: resolution.result,
    confidence,
    reason,
    explanation: `${who(resolution)} answered exactly this on ${resolution.resolvedAt.slice(0, 10)}; confirmed ${times(
      resolution.confirmedCount,
    )}, overridden ${times(resolution.overriddenCount)}`,
    resolutionId: resolution.resolutionId,
    provenance: resolution.resolvedBy,
    resolvedAt: resolution.resolvedAt,
  };
}

function similarProposal({ resolution, similarity, pattern }: SimilarResolution): Proposal {
  return {
    strategy: resolution.strategy,
    result: resolution.result,
    // Likeness discounts experience: what was right there is right here only as far as the questions are alike.
    confidence: confidenceOf(resolution) * similarity,
    reason: ReasonCode.SIMILAR,
    explanation: `${who(resolution)} answered a question ${percent(similarity)} like this one${
      pattern.path === "" ? "" : ` (${pattern.path})`
    } on ${resolution.resolvedAt.slice(0, 10)}`,
    resolutionId: resolution.resolutionId,
    provenance: resolution.resolvedBy,
    resolvedAt: resolution.resolvedAt,
  };
}

function similarProposals(question: Question): readonly Proposal[] {
  const { scope, domain, patternId } = question.pattern;
  return (
    question.similar
      // The store filters as well; here it holds even when a store forgets.
      .filter(({ pattern }) => pattern.scope === scope && pattern.domain === domain)
      .filter(({ pattern, resolution }) => pattern.patternId !== patternId && resolution.revokedAt === null)
      .map(similarProposal)
      .toSorted((a, b) => b.confidence - a.confidence || compareIds(a, b))
  );
}

const compareIds = (a: Proposal, b: Proposal): number =>
  (a.resolutionId ?? "") < (b.resolutionId ?? "") ? -1 : 1;

function applyPolicy(question: Question, policy: Policy): Decision {
  return {
    status: "applied",
    patternId: question.pattern.patternId,
    reason: ReasonCode.POLICY_STRATEGY,
    explanation: `policy ${policy.policyId.slice(7, 19)} of scope ${policy.scope} says ${policy.action}${
      policy.comment === "" ? "" : `: ${policy.comment}`
    }`,
    strategy: policy.action,
    result: null,
    confidence: 1,
    provenance: policy.createdBy,
    resolutionId: null,
    policyId: policy.policyId,
  };
}

function replay(question: Question, best: Resolution, confidence: number, policy: Policy | null): Decision {
  return {
    status: "applied",
    patternId: question.pattern.patternId,
    reason: ReasonCode.EXACT_VERIFIED,
    explanation: exactProposal(best, [best], ReasonCode.EXACT_VERIFIED).explanation,
    strategy: best.strategy,
    result: best.result,
    confidence,
    provenance: best.resolvedBy,
    resolutionId: best.resolutionId,
    policyId: policy?.policyId ?? null,
  };
}

/** Why the best exact answer may not be given without asking; null when it may. */
function doubt(
  best: Resolution,
  exact: readonly Resolution[],
  confidence: number,
  least: number,
  unreadable: readonly string[],
): ReasonCode | null {
  // A newer no that a disk or a hand has damaged must not leave an older yes uncontradicted.
  if (unreadable.length > 0) return ReasonCode.EXACT_UNREADABLE;
  if (exact.some((other) => !sameAnswer(other, best))) return ReasonCode.EXACT_DISAGREEMENT;
  if (!best.humanVerified) return ReasonCode.EXACT_UNVERIFIED;
  if (confidence < least) return ReasonCode.EXACT_LOW_CONFIDENCE;
  return null;
}

/**
 * Answers of people that a program took out of force. They are not given again, but they still contradict: else a program
 * could choose between two people by revoking the one.
 */
const takenByPrograms = ({ exact, pattern }: Question): readonly Resolution[] =>
  exact.filter(
    ({ patternId, humanVerified, revokedAt, revokedBy }) =>
      patternId === pattern.patternId && humanVerified && revokedAt !== null && revokedBy?.type === "agent",
  );

/** Answers a question from policies and precedents. Pure; decides nothing by itself that its inputs do not say. */
export function decide(question: Question): Decision {
  // A record of another question or scope has no voice here, whatever the caller passed.
  const exact = ranked(question.exact.filter(({ patternId }) => patternId === question.pattern.patternId));
  const best = exact[0];
  const confidence = best === undefined ? null : confidenceAmong(best, exact);
  const policy = matchPolicy(question.policies, question.pattern, confidence);
  const similar = similarProposals(question);
  const context = { question, policy };
  if (policy !== null && policy.action === PolicyAction.MANUAL) {
    const known = exact.map((resolution) => exactProposal(resolution, exact, ReasonCode.POLICY_MANUAL));
    return escalated(context, ReasonCode.POLICY_MANUAL, [...known, ...similar].slice(0, PROPOSALS_MAX));
  }
  if (policy !== null && policy.action !== PolicyAction.AUTO) return applyPolicy(question, policy);
  if (best !== undefined && confidence !== null) {
    // A policy of action `auto` may ask for more confidence than the house does, or for less.
    const least =
      policy?.condition.confidenceMin ??
      leastConfidence(question.policies, question.pattern, AUTO_CONFIDENCE_MIN);
    const all = [...exact, ...takenByPrograms(question)];
    const reason = doubt(best, all, confidence, least, question.unreadable ?? []);
    if (reason === null) return replay(question, best, confidence, policy);
    const known = exact.map((resolution) => exactProposal(resolution, exact, reason));
    return proposed(context, reason, [...known, ...similar].slice(0, PROPOSALS_MAX));
  }
  if (similar.length > 0) return proposed(context, ReasonCode.SIMILAR, similar.slice(0, PROPOSALS_MAX));
  return escalated(context, ReasonCode.NO_PRECEDENT, []);
}
