// One ranker: equal texts are one candidate, its worth is that of its best maker, a little more for each further one.

import { confidenceOf } from "../../resolutions.ts";
import type { Candidate, MergeContext, RankedCandidate } from "./candidate.ts";
import type { Experience } from "./experience.ts";

/**
 * Share of the remaining doubt that another maker of the same text takes away. Small: makers are far from independent
 * (where ours holds all of theirs, four of them say the same), and a confidence that promises too much is worse than none.
 */
const AGREEMENT_SHARE = 0.1;

function worthOf(candidate: Candidate, context: MergeContext, experience: Experience): number {
  const { maker, precedent } = candidate;
  if (precedent === null) return experience.worthOf(maker, context);
  const own = confidenceOf(precedent.resolution);
  // An exact precedent is worth what happened to itself; the others also what became of their kind.
  if (maker === "exact") return own;
  return experience.worthOf(maker, context) * own * precedent.similarity;
}

type Weighed = { readonly candidate: Candidate; readonly worth: number };

const isRemembered = ({ candidate }: Weighed): boolean => candidate.precedent !== null;

/**
 * In: the candidates for one conflict, where it stands, and the experience so far.
 * Out: one entry for each text, best first; equally good ones in the order they were made.
 * Past answers to this very conflict that differ take half of each other's worth: measured right in 68% only.
 */
export function rank(
  candidates: readonly Candidate[],
  context: MergeContext,
  experience: Experience,
): RankedCandidate[] {
  const groups = new Map<string, Weighed[]>();
  for (const candidate of candidates) {
    const group = groups.get(candidate.text) ?? [];
    group.push({ candidate, worth: worthOf(candidate, context, experience) });
    groups.set(candidate.text, group);
  }
  const answers = new Set(candidates.flatMap(({ maker, text }) => (maker === "exact" ? [text] : [])));
  const ranked = [...groups].map(([text, group]): RankedCandidate => {
    const best = group.toSorted((a, b) => b.worth - a.worth);
    const makers = [...new Set(best.map(({ candidate }) => candidate.maker))];
    const doubt = (1 - (best[0]?.worth ?? 0)) * (1 - AGREEMENT_SHARE) ** (makers.length - 1);
    const contested = answers.size > 1 && answers.has(text);
    const precedent = best.find(isRemembered)?.candidate.precedent ?? null;
    return {
      text,
      makers,
      // Past decisions first: they say more to a person than how else the same text can be had.
      reasons: [...new Set([...best.filter(isRemembered), ...best].map(({ candidate }) => candidate.reason))],
      confidence: (1 - doubt) / (contested ? 2 : 1),
      resolutionId: precedent?.resolution.resolutionId ?? null,
      provenance: precedent?.resolution.resolvedBy ?? null,
      resolvedAt: precedent?.resolution.resolvedAt ?? null,
    };
  });
  return ranked.toSorted((a, b) => b.confidence - a.confidence);
}
