// Secrets that stand in no one string of a value: in the parts of a list, in a member's name and its value, in a number
// between two strings. The texts of a value are searched as one, in two ways of reading it.

import type { KnownSecrets } from "./known.ts";
import type { Span } from "./span.ts";

/** One string or number of a value, or the name of a member, in the order in which they are written. */
export type Leaf = { readonly text: string; readonly isName: boolean };

/** Spans by the number of the leaf in which each lies. */
export type Joined = ReadonlyMap<number, readonly Span[]>;

const NONE: Joined = new Map();

/** @returns the parts of known secrets, each in its leaf; of a secret that lies in one leaf too */
export function findJoined(leaves: readonly Leaf[], known: KnownSecrets): Joined {
  if (known.count === 0 || leaves.length < 2) return NONE;
  const all = leaves.map((_, at) => at);
  const values = all.filter((at) => leaves[at]?.isName === false);
  const found = new Map<number, Span[]>();
  // `{"postgres": "//user:…"}` was one text until somebody read it; `{"a": "…", "b": "…"}` are two halves of one.
  for (const order of values.length === all.length || values.length < 2 ? [all] : [values, all])
    search(leaves, order, known, found);
  return found;
}

function search(
  leaves: readonly Leaf[],
  order: readonly number[],
  known: KnownSecrets,
  found: Map<number, Span[]>,
): void {
  const texts = order.map((at) => leaves[at]?.text ?? "");
  const ends: number[] = [];
  let length = 0;
  for (const text of texts) ends.push((length += text.length));
  let first = 0;
  for (const { start, end, kind } of known.find(texts.join(""))) {
    while (first < ends.length && (ends[first] ?? 0) <= start) first += 1;
    for (let n = first; n < ends.length && (ends[n - 1] ?? 0) < end; n += 1) {
      const [base, leaf] = [ends[n - 1] ?? 0, order[n]];
      const part = { start: Math.max(0, start - base), end: Math.min(end, ends[n] ?? 0) - base, kind };
      if (leaf !== undefined && part.end > part.start) found.set(leaf, [...(found.get(leaf) ?? []), part]);
    }
  }
}
