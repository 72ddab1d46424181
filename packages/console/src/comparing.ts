// An earlier answer beside the call that waits: which of them is shown in the table, and where two texts part.

import type { Advice, ComparedArgument, Comparison } from "@assent/contract";

/** The closest answer whose question is kept; the memory names the closest first. */
export const closestOf = (advice: readonly Advice[]): Comparison | null =>
  advice.flatMap(({ comparison }) =>
    comparison === undefined || comparison.approval_id === null ? [] : [comparison],
  )[0] ?? null;

/** Null: it was the same; undefined: that is not known. */
export function comparedAt(comparison: Comparison, pointer: string): ComparedArgument | null | undefined {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
    const found = comparison.arguments.find((one) => one.pointer === at && one.difference !== "left_out");
    if (found !== undefined) return found;
    if (at === "") return comparison.arguments_more === 0 ? null : undefined;
  }
}

export type Parted = { readonly head: string; readonly other: string; readonly tail: string };

/** The text in three: what both begin with, where it is another than the second, and what both end with. Words stay whole. */
export function partedFrom(text: string, second: string): Parted {
  const [words, others] = [wordsOf(text), wordsOf(second)];
  const most = Math.min(words.length, others.length);
  let head = 0;
  while (head < most && words[head] === others[head]) head += 1;
  let tail = 0;
  while (tail < most - head && words.at(-1 - tail) === others.at(-1 - tail)) tail += 1;
  const end = words.length - tail;
  return {
    head: words.slice(0, head).join(""),
    other: words.slice(head, end).join(""),
    tail: words.slice(end).join(""),
  };
}

const wordsOf = (text: string): readonly string[] => text.match(/\s+|\S+/gu) ?? [];
