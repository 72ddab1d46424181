// One ranker: equal texts are one candidate, and what speaks for a text is weighed together by experience.

import type { Candidate, MergeContext, RankedCandidate } from "./candidate.ts";
import type { Experience } from "./experience.ts";
import type { ConflictTexts } from "./fingerprint.ts";
import { describe } from "./situation.ts";

/**
 * In: the candidates for one conflict, the conflict, where it stands, and the experience so far.
 * Out: one entry for each text, best first; equally good ones in the order they were made.
 */
export function rank(
  candidates: readonly Candidate[],
  conflict: ConflictTexts,
  context: MergeContext,
  experience: Experience,
): RankedCandidate[] {
  const { situation, texts } = describe(conflict, context, candidates);
  const worths = experience.worthOf(situation);
  const ranked = texts.map((text, place): RankedCandidate => {
    const group = candidates.filter((candidate) => candidate.text === text);
    // Past decisions first: they say more to a person than how else the same text can be had.
    const remembered = group.filter(({ precedent }) => precedent !== null);
    const precedent = remembered[0]?.precedent ?? null;
    return {
      text,
      makers: [...new Set(group.map(({ maker }) => maker))],
      reasons: [...new Set([...remembered, ...group].map(({ reason }) => reason))],
      confidence: worths[place] ?? 0,
      resolutionId: precedent?.resolution.resolutionId ?? null,
      provenance: precedent?.resolution.resolvedBy ?? null,
      resolvedAt: precedent?.resolution.resolvedAt ?? null,
    };
  });
  return ranked.toSorted((a, b) => b.confidence - a.confidence);
}
