// The same change with other names: identifiers and numbers are lifted out of a conflict and of its answer, and put
// back with the names of the conflict at hand. Measured right in 78% (spec/harmony.md, 4b): a proposal, never applied.

import { ALIGNED_LENGTH_MAX } from "./limits.ts";
import { isName, tokenise } from "./tokens.ts";

type Texts = { readonly base: string | null; readonly ours: string; readonly theirs: string };

/** A conflict without its names: equal shapes are the same question asked about other things. */
export type LiftedConflict = { readonly shape: string; readonly names: readonly string[] };

function liftInOrder(base: string | null, first: string, second: string): LiftedConflict {
  const places = new Map<string, number>();
  const lift = (text: string): (number | string)[] =>
    tokenise(text).map((token) => {
      if (!isName(token)) return token;
      const place = places.get(token) ?? places.size;
      places.set(token, place);
      return place;
    });
  const shape = JSON.stringify([base === null ? null : lift(base), lift(first), lift(second)]);
  return { shape, names: [...places.keys()] };
}

/** Null when the conflict is too large. Sides are unordered where their shapes differ, else taken ours first. */
export function liftConflict({ base, ours, theirs }: Texts): LiftedConflict | null {
  if ((base?.length ?? 0) + ours.length + theirs.length > ALIGNED_LENGTH_MAX) return null;
  const straight = liftInOrder(base, ours, theirs);
  const swapped = liftInOrder(base, theirs, ours);
  return swapped.shape < straight.shape ? swapped : straight;
}

/**
 * In: the answer to a past conflict, that conflict's names, and the names of one of the same shape.
 * Out: the answer as it reads with those names, or null when a name of the answer stands nowhere in the past conflict
 * (a person's own word, about which the other conflict says nothing).
 */
export function transplant(answer: string, from: readonly string[], to: readonly string[]): string | null {
  if (from.length !== to.length) return null;
  const places = new Map(from.map((name, place) => [name, place]));
  const tokens: string[] = [];
  for (const token of tokenise(answer)) {
    if (!isName(token)) {
      tokens.push(token);
      continue;
    }
    const name = to[places.get(token) ?? -1];
    if (name === undefined) return null;
    tokens.push(name);
  }
  return tokens.join("");
}
