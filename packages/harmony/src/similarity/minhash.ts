// MinHash (Broder 1997): the share of equal positions in two signatures estimates the Jaccard similarity of the sets.
// Every constant is fixed: the same set has the same signature on every machine, so an index can be rebuilt anywhere.

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const GOLDEN_RATIO_32 = 0x9e3779b9;

/** Murmur3's finaliser: spreads every input bit over the whole word, so that `x ^ seed` acts as an own hash function. */
export function scatter(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A 32-bit hash of a token (FNV-1a over UTF-16 units, then scattered). */
export function hashToken(token: string): number {
  let hash = FNV_OFFSET;
  for (let index = 0; index < token.length; index += 1) {
    hash = Math.imul(hash ^ token.charCodeAt(index), FNV_PRIME);
  }
  return scatter(hash);
}

/** The seeds of `count` hash functions; fixed, since a signature made under other seeds cannot be compared. */
export function seedsOf(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, index) => scatter(Math.imul(index + 1, GOLDEN_RATIO_32)));
}

/** In: hashes of a set's tokens. Out: for each seed the least scattered hash (all ones for the empty set). */
export function signatureOf(tokenHashes: Iterable<number>, seeds: Uint32Array): Uint32Array {
  const signature = new Uint32Array(seeds.length).fill(0xffffffff);
  for (const hash of tokenHashes) {
    for (let index = 0; index < seeds.length; index += 1) {
      const value = scatter(hash ^ (seeds[index] ?? 0));
      if (value < (signature[index] ?? 0)) signature[index] = value;
    }
  }
  return signature;
}

/** One 32-bit key for each band of `rows` signature positions: equal bands have equal keys. */
export function bandKeysOf(signature: Uint32Array, rows: number): Uint32Array {
  const keys = new Uint32Array(Math.floor(signature.length / rows));
  for (let band = 0; band < keys.length; band += 1) {
    let key = scatter(band + 1);
    for (let row = 0; row < rows; row += 1) {
      key = scatter(Math.imul(key, FNV_PRIME) ^ (signature[band * rows + row] ?? 0));
    }
    keys[band] = key;
  }
  return keys;
}
