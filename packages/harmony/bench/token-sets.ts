// Token sets of a known make: a Zipf vocabulary, as in code, and copies changed by a known share of their tokens. Each is
// made from its number alone, so that a million of them need no memory.

/** Mulberry32: a small seeded generator; numbers in [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x = (x + Math.imul(x ^ (x >>> 7), x | 61)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

const WORDS = Array.from({ length: 5_000 }, (_, rank) => `w${rank}`);

/** A rank drawn with probability falling as 1/rank: few words are everywhere, most are rare. */
const drawWord = (random: () => number): string => WORDS[Math.floor(WORDS.length ** random())] ?? "w0";

/** A set's own generator: neighbouring numbers must not begin alike. */
const randomFor = (index: number, seed: number): (() => number) =>
  randomOf(Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b));

/** Half of the sets are fresh, half are earlier ones with up to 60% of their tokens drawn anew. */
export function tokenSet(index: number, seed: number): string[] {
  const random = randomFor(index, seed);
  if (index > 0 && random() < 0.5) {
    const origin = tokenSet(Math.floor(random() * index), seed);
    const changed = random() * 0.6;
    return origin.map((word) => (random() < changed ? drawWord(random) : word));
  }
  return Array.from({ length: 20 + Math.floor(random() * 60) }, () => drawWord(random));
}

/** A query as it comes in life: one of `count` remembered sets (`origin`) with up to 40% of its tokens changed. */
export function queryOf(
  index: number,
  count: number,
  seed: number,
): { readonly origin: number; readonly tokens: string[] } {
  const random = randomFor(index, seed + 1);
  const origin = Math.floor(random() * count);
  const changed = random() * 0.4;
  const tokens = tokenSet(origin, seed).map((word) => (random() < changed ? drawWord(random) : word));
  return { origin, tokens };
}
