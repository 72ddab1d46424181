// RFC 6962 sections 2.1.1 and 2.1.2: proofs of inclusion and of consistency, made and checked. Checking follows RFC
// 9162 sections 2.1.3.2 and 2.1.4.2, which spell out what a verifier must compare. Sizes are halved by division:
// bit operations of this language end at 32 bits.

import { EMPTY_ROOT, type Hash, isHash, isSameHash, nodeHash } from "./hash.ts";

/** Enough for a tree of 2^63 entries; the witness protocol names the same limit. */
export const PROOF_HASHES_MAX = 63;

/**
 * Hashes of complete subtrees: the one at height `level` (0: a leaf) whose place among those of its height is `index`.
 * Whoever implements it may read tiles, rows or memory; every subtree asked for is complete in the tree in question.
 */
export type HashReader = (level: number, index: number) => Hash;

const isSize = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const half = (value: number): number => Math.floor(value / 2);
const isOdd = (value: number): boolean => value % 2 === 1;

/** The complete subtrees, largest first, that the tree of this size is made of. */
export function peaksOf(size: number): { readonly level: number; readonly index: number }[] {
  const peaks: { level: number; index: number }[] = [];
  let level = 0;
  for (let rest = size; rest > 0; rest = half(rest), level += 1) {
    if (isOdd(rest)) peaks.unshift({ level, index: rest - 1 });
  }
  return peaks;
}

/** The root of the tree of this size. */
export function rootFrom(read: HashReader, size: number): Hash {
  return rangeHash(read, 0, size);
}

// The hash of leaves [from, to) where the range is one that RFC 6962 splits into: it begins at a multiple of the
// largest power of two below its length, so that it is made of complete subtrees.
function rangeHash(read: HashReader, from: number, to: number): Hash {
  const parts: Hash[] = [];
  let start = from;
  for (const peak of peaksOf(to - from)) {
    const width = 2 ** peak.level;
    parts.push(read(peak.level, start / width));
    start += width;
  }
  let root = parts.pop();
  if (root === undefined) return EMPTY_ROOT;
  for (let left = parts.pop(); left !== undefined; left = parts.pop()) root = nodeHash(left, root);
  return root;
}

const splitOf = (length: number): number => {
  let width = 1;
  while (width * 2 < length) width *= 2;
  return width;
};

/**
 * The proof that entry `index` is in the tree of `size`, from the leaf's sibling up.
 * @throws RangeError when there is no such entry
 */
export function proveInclusion(read: HashReader, index: number, size: number): Hash[] {
  if (!isSize(index) || !isSize(size) || index >= size) throw new RangeError("the entry is not in the tree");
  const proof: Hash[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      proof.push(rangeHash(read, middle, to));
      to = middle;
    } else {
      proof.push(rangeHash(read, from, middle));
      from = middle;
    }
  }
  return proof.toReversed();
}

/**
 * The proof that the tree of `size` only adds to the one of `oldSize`. Empty for equal sizes and for an old size of 0.
 * @throws RangeError when the old tree is the larger one
 */
export function proveConsistency(read: HashReader, oldSize: number, size: number): Hash[] {
  if (!isSize(oldSize) || !isSize(size) || oldSize > size) throw new RangeError("the old tree is not a part");
  if (oldSize === 0 || oldSize === size) return [];
  const proof: Hash[] = [];
  let [from, to] = [0, size];
  while (oldSize < to) {
    const middle = from + splitOf(to - from);
    if (oldSize <= middle) {
      proof.push(rangeHash(read, middle, to));
      to = middle;
    } else {
      proof.push(rangeHash(read, from, middle));
      from = middle;
    }
  }
  // The old root itself is known to whoever checks, unless it is only a part of the old tree.
  if (from !== 0) proof.push(rangeHash(read, from, to));
  return proof.toReversed();
}

export type InclusionClaim = {
  /** Place of the entry, from 0. */
  readonly index: number;
  /** Entries of the tree that the root is of. */
  readonly size: number;
  readonly leafHash: Hash;
  readonly root: Hash;
  /** From the leaf's sibling up, as RFC 6962 has it. */
  readonly proof: readonly Hash[];
};

/** Whether the proof shows that the leaf stands at this place of the tree with this root. Never throws. */
export function verifyInclusion({ index, size, leafHash, root, proof }: InclusionClaim): boolean {
  if (!isSize(index) || !isSize(size) || index >= size) return false;
  if (proof.length > PROOF_HASHES_MAX || ![leafHash, root, ...proof].every(isHash)) return false;
  let [place, last] = [index, size - 1];
  let computed = leafHash;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(place) || place === last) {
      computed = nodeHash(sibling, computed);
      while (!isOdd(place) && place !== 0) [place, last] = [half(place), half(last)];
    } else computed = nodeHash(computed, sibling);
    [place, last] = [half(place), half(last)];
  }
  return last === 0 && isSameHash(computed, root);
}

export type ConsistencyClaim = {
  readonly oldSize: number;
  readonly size: number;
  readonly oldRoot: Hash;
  readonly root: Hash;
  readonly proof: readonly Hash[];
};

/**
 * Whether the proof shows that the new tree begins with the whole old one. Never throws. An old size of 0 is refused:
 * everything is consistent with nothing, so such a proof proves nothing.
 */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { oldSize, size, oldRoot, root, proof } = claim;
  if (!isSize(oldSize) || !isSize(size) || oldSize === 0 || oldSize > size) return false;
  if (proof.length > PROOF_HASHES_MAX || ![oldRoot, root, ...proof].every(isHash)) return false;
  if (oldSize === size) return proof.length === 0 && isSameHash(oldRoot, root);
  let [place, last] = [oldSize - 1, size - 1];
  while (isOdd(place)) [place, last] = [half(place), half(last)];
  // An old size that is a power of two: its root is where both computations begin.
  const path = place === 0 ? [oldRoot, ...proof] : proof;
  const [first, ...rest] = path;
  if (first === undefined || rest.length === 0) return false;
  let [oldComputed, computed] = [first, first];
  for (const hash of rest) {
    if (last === 0) return false;
    if (isOdd(place) || place === last) {
      oldComputed = nodeHash(hash, oldComputed);
      computed = nodeHash(hash, computed);
      while (!isOdd(place) && place !== 0) [place, last] = [half(place), half(last)];
    } else computed = nodeHash(computed, hash);
    [place, last] = [half(place), half(last)];
  }
  return last === 0 && isSameHash(oldComputed, oldRoot) && isSameHash(computed, root);
}
