// How like two patterns are: one measure for every store.

import type { ConflictPattern } from "../patterns.ts";
import { jaccardOf } from "./jaccard.ts";

/** Below this two token sets have more that parts them than what they share. */
export const SIMILARITY_MIN = 0.5;

/** 0 to 1. Of the same shape, patterns are the closer the more of their parts are the same. */
export function similarityOf(a: ConflictPattern, b: ConflictPattern): number {
  const isSameShape = a.semanticFingerprint !== null && a.semanticFingerprint === b.semanticFingerprint;
  if (isSameShape) return (1 + jaccardOf(a.tokens, b.tokens)) / 2;
  // Without tokens there is nothing to compare; two empty sets would be equal.
  return a.tokens.length === 0 ? 0 : jaccardOf(a.tokens, b.tokens);
}
