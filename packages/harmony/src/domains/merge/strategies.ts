// What can be computed from the three texts alone, without memory. Ordered sides: `ours` is the side merged into.

import { splitLines } from "./conflict.ts";
import type { ConflictTexts } from "./fingerprint.ts";
import { mergeSequences, mergeTokens } from "./three-way.ts";

/** Lines of `first`, then those of `second` that are not in it; both keep their order and nothing stands twice. */
function uniteLines(first: string, second: string): string {
  const lines = splitLines(endLine(first, second));
  const seen = new Set(lines);
  return [...lines, ...splitLines(second).filter((line) => !seen.has(line))].join("");
}

/** A text without a last line end gets one when more text follows it, so that two lines never become one. */
function endLine(text: string, next: string): string {
  if (text === "" || next === "" || text.endsWith("\n")) return text;
  return `${text}${next.includes("\r\n") ? "\r\n" : "\n"}`;
}

/** In the order of code units: the same on every machine, whatever its locale. */
function sortLines(text: string): string {
  return [...new Set(splitLines(endLine(text, text)))].toSorted().join("");
}

function mergeLines({ base, ours, theirs }: ConflictTexts): string | null {
  if (base === null) return null;
  return mergeSequences(splitLines(base), splitLines(ours), splitLines(theirs))?.join("") ?? null;
}

/** Null where the strategy has no answer: no base is told, or both sides changed the same place. */
export const STRATEGIES: {
  readonly ours: (texts: ConflictTexts) => string | null;
  readonly theirs: (texts: ConflictTexts) => string | null;
  readonly base: (texts: ConflictTexts) => string | null;
  readonly nothing: (texts: ConflictTexts) => string | null;
  readonly ours_theirs: (texts: ConflictTexts) => string | null;
  readonly theirs_ours: (texts: ConflictTexts) => string | null;
  readonly union: (texts: ConflictTexts) => string | null;
  readonly sorted_union: (texts: ConflictTexts) => string | null;
  readonly line_merge: (texts: ConflictTexts) => string | null;
  readonly token_merge: (texts: ConflictTexts) => string | null;
} = {
  ours: ({ ours }) => ours,
  theirs: ({ theirs }) => theirs,
  base: ({ base }) => base,
  nothing: () => "",
  ours_theirs: ({ ours, theirs }) => endLine(ours, theirs) + theirs,
  theirs_ours: ({ ours, theirs }) => endLine(theirs, ours) + ours,
  union: ({ ours, theirs }) => uniteLines(ours, theirs),
  sorted_union: ({ ours, theirs }) => sortLines(uniteLines(ours, theirs)),
  line_merge: mergeLines,
  token_merge: ({ base, ours, theirs }) => (base === null ? null : mergeTokens(base, ours, theirs)),
};

export type StrategyName = keyof typeof STRATEGIES;

export const STRATEGY_NAMES: readonly StrategyName[] = [
  "ours",
  "theirs",
  "base",
  "nothing",
  "ours_theirs",
  "theirs_ours",
  "union",
  "sorted_union",
  "line_merge",
  "token_merge",
];

/** Strategies whose answer is the same with the sides swapped: only these may be replayed as strategies. */
export const SIDELESS: readonly string[] = ["base", "nothing", "sorted_union"];

/** The strategies that explain an answer: those that give exactly this text for this conflict. */
export function explain(answer: string, texts: ConflictTexts): StrategyName[] {
  return STRATEGY_NAMES.filter((name) => STRATEGIES[name](texts) === answer);
}

/** The first strategy that explains an answer, plain ones before merges: most answers need no alignment to explain. */
export function explainFirst(answer: string, texts: ConflictTexts): StrategyName | undefined {
  return STRATEGY_NAMES.find((name) => STRATEGIES[name](texts) === answer);
}
