// A text's embedding as it is kept: of length one, so that nearness is a sum of products, and with a signature by which
// far ones are passed over without computing it.

/** Bits of a signature: enough that the nearest of thousands are among its nearest few hundred. */
export const SIGNATURE_BITS = 256;

/** Among this many of the nearest signatures the nearest embeddings are looked for. */
export const CANDIDATES = 300;

export type Meaning = {
  /** Of length one. */
  readonly vector: readonly number[];
  /** `0` and `1`: on which side of each of SIGNATURE_BITS fixed planes it lies (Charikar 2002, SimHash). */
  readonly signature: string;
};

/** @param embedding not all zeros */
export function meaningOf(embedding: readonly number[]): Meaning {
  const length = Math.hypot(...embedding);
  const vector = embedding.map((part) => part / length);
  const planes = planesOf(vector.length);
  let signature = "";
  for (let bit = 0; bit < SIGNATURE_BITS; bit += 1) {
    let side = 0;
    const offset = bit * vector.length;
    for (const [at, part] of vector.entries()) side += part * (planes[offset + at] ?? 0);
    signature += side >= 0 ? "1" : "0";
  }
  return { vector, signature };
}

const known = new Map<number, Float64Array>();

// The same planes in every process and for ever: what is stored was signed by them. Entries of plus and minus one do
// as well as normal ones (Achlioptas 2003).
function planesOf(dimensions: number): Float64Array {
  const there = known.get(dimensions);
  if (there !== undefined) return there;
  const planes = new Float64Array(SIGNATURE_BITS * dimensions);
  let state = 0x9e3779b9 ^ dimensions;
  for (let at = 0; at < planes.length; at += 1) {
    // xorshift32 (Marsaglia 2003)
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    planes[at] = (state & 0x4_0000) === 0 ? -1 : 1;
  }
  known.set(dimensions, planes);
  return planes;
}
