// The makers of the first version: the strategies, exact memory, and memory of conflicts of the same shape or like it.

import type { Candidate, Maker, MergeContext, MergeMemory, Precedent } from "./candidate.ts";
import type { ConflictTexts } from "./fingerprint.ts";
import { explainFirst, STRATEGIES, STRATEGY_NAMES, type StrategyName } from "./strategies.ts";
import { liftConflict, transplant } from "./template.ts";
import { mergeTokens } from "./three-way.ts";

const IN_WORDS: Readonly<Record<StrategyName, string>> = {
  ours: "keeps our side",
  theirs: "keeps their side",
  base: "goes back to the common base",
  nothing: "removes both sides",
  ours_theirs: "our side, then theirs",
  theirs_ours: "their side, then ours",
  union: "our lines, then those of theirs that are new",
  sorted_union: "the lines of both sides, sorted",
  line_merge: "merges the two changes line by line",
  token_merge: "merges the two changes word by word",
};

const makeStrategies: Maker = (conflict) =>
  STRATEGY_NAMES.flatMap((maker) => {
    const text = STRATEGIES[maker](conflict);
    return text === null ? [] : [{ maker, text, reason: IN_WORDS[maker], precedent: null }];
  });

/** Who decided it, where and when, for a person to judge by. */
function cite({ path, resolution }: Precedent): string {
  const { type, principalId, agentId } = resolution.resolvedBy;
  const who = principalId ?? agentId ?? (type === "human" ? "a person" : "an agent");
  return `${who}, ${resolution.resolvedAt.slice(0, 10)}${path === "" ? "" : `, ${path}`}`;
}

function textOf(precedent: Precedent, conflict: ConflictTexts): string | null {
  const { strategy, result } = precedent.resolution;
  if (strategy === "text") return result;
  const name = STRATEGY_NAMES.find((known) => known === strategy);
  return name === undefined ? null : STRATEGIES[name](conflict);
}

const makeExact: Maker = (conflict, _context, memory) =>
  memory.exact.flatMap((precedent): Candidate[] => {
    const text = textOf(precedent, conflict);
    const what = precedent.sameBase
      ? "this very conflict was"
      : "the same two sides, their base unknown, were";
    const reason = `${what} decided so (${cite(precedent)})`;
    return text === null ? [] : [{ maker: "exact", text, reason, precedent }];
  });

const makeTemplate: Maker = (conflict, _context, memory) => {
  const shaped = memory.similar.filter(({ sameShape }) => sameShape);
  const here = shaped.length === 0 ? null : liftConflict(conflict);
  if (here === null) return [];
  return shaped.flatMap((precedent): Candidate[] => {
    const there = precedent.texts === null ? null : liftConflict(precedent.texts);
    const answer = precedent.resolution.result;
    if (there === null || there.shape !== here.shape || answer === null) return [];
    const text = transplant(answer, there.names, here.names);
    const reason = `the same conflict with other names was decided so (${cite(precedent)})`;
    return text === null ? [] : [{ maker: "template", text, reason, precedent }];
  });
};

function makeFromSimilar(conflict: ConflictTexts, precedent: Precedent): Candidate[] {
  const { texts, similarity, resolution } = precedent;
  if (texts === null || resolution.result === null) return [];
  const answer = resolution.result;
  const like = `a conflict ${Math.round(similarity * 100)}% like this one`;
  const name = explainFirst(answer, texts);
  const text = name === undefined ? null : STRATEGIES[name](conflict);
  if (name !== undefined && text !== null) {
    const reason = `${like}: there the answer ${IN_WORDS[name]} (${cite(precedent)})`;
    return [{ maker: "similar", text, reason, precedent }];
  }
  // Carries the edit from a past side to its answer over to the side at hand, as `git rerere` does with whole files.
  return [
    mergeTokens(texts.ours, answer, conflict.ours),
    mergeTokens(texts.theirs, answer, conflict.theirs),
  ].flatMap((carried): Candidate[] => {
    const reason = `${like}: the same edit made here (${cite(precedent)})`;
    return carried === null ? [] : [{ maker: "similar", text: carried, reason, precedent }];
  });
}

const makeSimilar: Maker = (conflict, _context, memory) =>
  memory.similar.flatMap((precedent) => makeFromSimilar(conflict, precedent));

/** In no order that matters: the ranker alone orders. */
export const MAKERS: readonly Maker[] = [makeExact, makeTemplate, makeSimilar, makeStrategies];

/** Every candidate of every maker. */
export function makeCandidates(
  conflict: ConflictTexts,
  context: MergeContext,
  memory: MergeMemory,
  makers: readonly Maker[] = MAKERS,
): Candidate[] {
  return makers.flatMap((make) => [...make(conflict, context, memory)]);
}
