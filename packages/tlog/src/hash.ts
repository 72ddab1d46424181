import { hash, timingSafeEqual } from "node:crypto";

/** A SHA-256 hash: 32 bytes, always. What is shorter or longer is refused wherever it comes from outside. */
export type Hash = Uint8Array;

export const HASH_BYTES = 32;

export const sha256 = (data: Uint8Array): Hash => hash("sha256", data, "buffer");

/** In hex; as a text a digest costs less than as bytes of its own. */
export const sha256Hex = (data: Uint8Array): string => hash("sha256", data, "hex");

export const isHash = (value: Uint8Array): boolean => value.byteLength === HASH_BYTES;

/** False for different lengths, else compares in constant time. */
export const isSameHash = (a: Hash, b: Hash): boolean =>
  a.byteLength === b.byteLength && timingSafeEqual(a, b);

// RFC 6962 section 2.1 puts 0x00 before a leaf and 0x01 before a node,
// so that no node can ever be presented as a leaf.

/** The leaf hash of an entry: SHA-256(0x00 || entry). */
export function leafHash(entry: Uint8Array): Hash {
  const input = Buffer.allocUnsafe(entry.byteLength + 1);
  input[0] = 0;
  input.set(entry, 1);
  return sha256(input);
}

/** The hash of an inner node: SHA-256(0x01 || left || right). */
export function nodeHash(left: Hash, right: Hash): Hash {
  const input = Buffer.allocUnsafe(1 + 2 * HASH_BYTES);
  input[0] = 1;
  input.set(left, 1);
  input.set(right, 1 + HASH_BYTES);
  return sha256(input);
}

/** The root of the tree with no entry: the hash of nothing. */
export const EMPTY_ROOT: Hash = sha256(new Uint8Array());

/** The root of the tree over these leaf hashes (RFC 6962 section 2.1, MTH). */
export function treeHash(leaves: readonly Hash[]): Hash {
  let level = leaves;
  const [only] = level;
  if (only === undefined) return EMPTY_ROOT;
  // Pairing from the left and carrying an odd one up gives the same tree as the recursive definition.
  while (level.length > 1) {
    const above: Hash[] = [];
    for (let i = 0; i + 1 < level.length; i += 2) {
      const [left, right] = [level[i], level[i + 1]];
      if (left !== undefined && right !== undefined) above.push(nodeHash(left, right));
    }
    const last = level.at(-1);
    if (level.length % 2 === 1 && last !== undefined) above.push(last);
    level = above;
  }
  return level[0] ?? only;
}
