// MinHash signatures cut into bands: two sets meet when one whole band is equal. A pair of Jaccard similarity s meets
// with probability 1 - (1 - s^rows)^bands; the tests measure it against brute force.

import { bandKeysOf, hashToken, seedsOf, signatureOf } from "./minhash.ts";

/** 32 bands of 3 rows: a pair of similarity 0.5 meets with 98.6%, one of 0.7 always, one of 0.05 in 0.4%. */
export const BANDS = 32;
export const ROWS = 3;

const SEEDS = seedsOf(BANDS * ROWS);

/** The signature of a token set (repetitions do not count): BANDS times ROWS numbers of 32 bits. */
export function signatureOfTokens(tokens: Iterable<string>): Uint32Array {
  return signatureOf([...new Set(tokens)].map(hashToken), SEEDS);
}

/**
 * The band keys of a token set, each with its band's number in front: two sets that share one are worth comparing. For
 * stores that keep their own index; none for the empty set. Whole numbers below 2^37.
 */
export function similarityKeysOf(tokens: Iterable<string>): readonly number[] {
  const unique = [...new Set(tokens)];
  if (unique.length === 0) return [];
  const keys = bandKeysOf(signatureOfTokens(unique), ROWS);
  return Array.from(keys, (key, band) => band * 2 ** 32 + key);
}
