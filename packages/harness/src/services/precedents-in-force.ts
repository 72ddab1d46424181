// Which answers to a question hold at a time, and for what is asked of it by then. A remembered yes holds for the rules that
// asked when it was given, each until its own day; whatever asks beside them asks a person.

import { type Advice, type Decision, REMEMBER_DAYS_DEFAULT } from "@assent/contract";
import { confidenceOf, type HarmonyStore, type Resolution, ResolutionStrategy } from "@assent/harmony";
import { askingRules, nameOfRule, noteOfRule, wantedBeyondOne } from "../core/decide/asking-rules.ts";
import type { Assent, PolicyRule } from "../core/decide/policy-annotations.ts";
import type { PrecedentTerm, StoreTx } from "../ports.ts";

type Terms = ReadonlyMap<string, PrecedentTerm>;
type Reasons = Decision["reasons"];

/** What is wanted of an answer: by whom, and because of which rules. */
export type Wanted = {
  readonly requirement: Assent;
  readonly reasons: Reasons;
  /** The rules that have just been asked. */
  readonly rules: readonly PolicyRule[];
};

const DAY_MS = 86_400_000;

/** An answer of before there were terms ends when it would have with the usual one. */
export const usualExpiry = ({ resolvedAt }: Resolution): Date =>
  new Date(Date.parse(resolvedAt) + REMEMBER_DAYS_DEFAULT * DAY_MS);

export const expiryOf = (resolution: Resolution, terms: Terms): Date =>
  terms.get(resolution.resolutionId)?.expiresAt ?? usualExpiry(resolution);

export const isStanding = ({ revokedAt }: Resolution): boolean => revokedAt === null;

export type InForce = {
  /** The memory without answers to this question that do not hold: they answer nothing, and contradict nothing either. */
  readonly store: HarmonyStore;
  /** What those said, for whoever is asked. */
  readonly over: readonly Advice[];
  /** Why a yes that was to be given again is not, beside the rules' own reasons. */
  readonly reasons: Reasons;
};

/** @returns what holds of the answers to this question */
export async function inForce(tx: StoreTx, patternId: string, at: Date, wanted: Wanted): Promise<InForce> {
  const terms = await tx.precedentTerms.list(patternId);
  const given = await tx.memory.listResolutions(patternId);
  const out = given.filter(isStanding).flatMap((resolution) => {
    const why = whyNot(resolution, terms, at, wanted);
    return why === null ? [] : [{ resolution, ...why }];
  });
  const gone = new Set(
    [
      ...out.map(({ resolution }) => resolution),
      // Neither does one that was taken back contradict any more.
      ...given.filter((resolution) => !isStanding(resolution) && expiryOf(resolution, terms) <= at),
    ].map(({ resolutionId }) => resolutionId),
  );
  const store: HarmonyStore = {
    ...tx.memory,
    // Asking adds no answer to the question, so what was read above is read once.
    listResolutions: async (id) =>
      id === patternId
        ? given.filter(({ resolutionId }) => !gone.has(resolutionId))
        : await tx.memory.listResolutions(id),
  };
  return {
    store,
    over: out.map(({ resolution, explanation }) => adviceOver(resolution, explanation)),
    reasons: out.flatMap(({ resolution, isEnded, explanation }) =>
      isEnded || !resolution.humanVerified
        ? []
        : [{ code: "precedent_not_enough", policy: resolution.resolutionId, detail: explanation }],
    ),
  };
}

type WhyNot = { readonly isEnded: boolean; readonly explanation: string };

/** Null: it holds. A no holds whatever asks: who has said that a thing is never to be done is not asked until they give in. */
function whyNot(
  resolution: Resolution,
  terms: Terms,
  at: Date,
  { requirement, reasons, rules: present }: Wanted,
): WhyNot | null {
  const expired = expiryOf(resolution, terms);
  if (expired <= at) return { isEnded: true, explanation: endedOn(expired) };
  if (resolution.strategy !== ResolutionStrategy.APPROVE) return null;
  const wanted = wantedBeyondOne(requirement);
  if (wanted !== null)
    return {
      isEnded: false,
      explanation: `A yes was given for good before, by one person. The rules want ${wanted} now, which no remembered answer is: decide it each time.`,
    };
  const rules = terms.get(resolution.resolutionId)?.rules ?? null;
  // A program's own yes answers nothing, with whatever rules: the engine shows it.
  if (!resolution.humanVerified) return null;
  if (rules === null)
    return {
      isEnded: false,
      explanation: `A yes was given for good before, and which rules had asked was not kept with it: approve it with "remember" to have it given again.`,
    };
  const asking = askingRules(reasons);
  // So also where the row's day is none: what cannot be read covers nothing.
  const ended = asking.filter((rule) => !((rules.get(noteOfRule(rule, present) ?? "") ?? at) > at));
  // What nobody names as asking nobody can have answered.
  if (asking.length > 0 && ended.length === 0) return null;
  return {
    isEnded: false,
    explanation: `A yes was given for good before, and not to what asks now (${ended.map(nameOfRule).join(", ")}): approve it with "remember" to have it given again.`,
  };
}

const endedOn = (expired: Date): string =>
  `This was answered for good before; the answer ended on ${expired.toISOString().slice(0, 10)}.`;

const adviceOver = (resolution: Resolution, explanation: string): Advice => ({
  precedent_id: resolution.resolutionId,
  decision: resolution.strategy,
  decided_by: resolution.resolvedBy.principalId ?? resolution.resolvedBy.agentId,
  decided_at: resolution.resolvedAt,
  explanation,
  confidence: confidenceOf(resolution),
});
