// What can be said about a conflict and about each text proposed for it, in words that experience can be counted on:
// who proposes the text, on what evidence, and what the sides look like. No text of the conflict itself is in it.

import type { Candidate, MergeContext, Precedent } from "./candidate.ts";
import type { ConflictTexts } from "./fingerprint.ts";
import { SITUATION_TEXTS_MAX } from "./limits.ts";

export type Situation = MergeContext & {
  /** The shape of the three sides, as `traitsOf` says it. */
  readonly traits: string;
  /** For each text what speaks for it: makers by their names, evidence as `maker:what`. */
  readonly texts: readonly (readonly string[])[];
};

/** Above so many characters a side is a rewrite that hardly anybody merges by hand. */
const LARGE_LENGTH = 2_000;

function lengthWord(text: string | null): string {
  if (text === null) return "x";
  if (text === "") return "0";
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  return lines === 1 ? "1" : lines < 6 ? "f" : "m";
}

const flag = (holds: boolean): string => (holds ? "1" : "0");

const solid = (text: string): string => text.replace(/\s+/gu, "");

/** Lines of base, ours, theirs (x none told, 0, 1, few, many); ours in theirs; theirs in ours; but for white space; large. */
function traitsOf({ base, ours, theirs }: ConflictTexts): string {
  return [
    lengthWord(base),
    lengthWord(ours),
    lengthWord(theirs),
    flag(theirs.includes(ours)),
    flag(ours.includes(theirs)),
    flag(solid(ours) === solid(theirs)),
    Math.max(ours.length, theirs.length) > LARGE_LENGTH ? "L" : "s",
  ].join("");
}

const atMost = (most: number, count: number): string => String(Math.min(most, count));

/** What a precedent is worth as evidence, in a few words each of which many precedents share. */
function evidenceOf(maker: string, of: readonly Precedent[]): string[] {
  if (of.length === 0) return [];
  const greatest = (count: (precedent: Precedent) => number): number => Math.max(...of.map(count));
  const overridden = greatest(({ resolution }) => resolution.overriddenCount);
  const now = `${maker}:${of.some(({ sameMerge }) => sameMerge) ? "now" : "before"}`;
  if (maker !== "exact") {
    const similarity = Math.floor(10 * greatest((precedent) => precedent.similarity));
    return [
      now,
      `${maker}:s${similarity}`,
      `${maker}:n${atMost(4, of.length)}`,
      `${maker}:o${atMost(2, overridden)}`,
    ];
  }
  const confirmed = greatest(({ resolution }) => resolution.confirmedCount);
  return [
    now,
    `${maker}:c${atMost(4, confirmed)}o${atMost(3, overridden)}`,
    `${maker}:${of.some(({ samePath }) => samePath) ? "here" : "elsewhere"}`,
    ...(of.every(({ sameBase }) => !sameBase) ? [`${maker}:baseless`] : []),
  ];
}

/**
 * In: a conflict, where it stands, and all candidates for it.
 * Out: what is said of it, and the distinct texts in the order of `situation.texts`, at most SITUATION_TEXTS_MAX.
 */
export function describe(
  conflict: ConflictTexts,
  { path, oursLabel, theirsLabel, merge }: MergeContext,
  candidates: readonly Candidate[],
): { readonly situation: Situation; readonly texts: readonly string[] } {
  const groups = Map.groupBy(candidates, ({ text }) => text);
  const texts = [...groups.keys()].slice(0, SITUATION_TEXTS_MAX);
  const answers = texts.filter((text) => groups.get(text)?.some(({ maker }) => maker === "exact"));
  const words = texts.map((text) => {
    const makers = Map.groupBy(groups.get(text) ?? [], ({ maker }) => maker);
    const evidence = [...makers].flatMap(([maker, of]) =>
      evidenceOf(
        maker,
        of.flatMap(({ precedent }) => precedent ?? []),
      ),
    );
    const contested = answers.length > 1 && answers.includes(text) ? ["exact:contested"] : [];
    return [...makers.keys(), ...evidence, ...contested, `all:${atMost(6, makers.size)}`];
  });
  return {
    situation: { path, oursLabel, theirsLabel, merge, traits: traitsOf(conflict), texts: words },
    texts,
  };
}
