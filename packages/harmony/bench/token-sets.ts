// Token sets of a known make: a Zipf vocabulary, as in code, and copies changed by a known share of their tokens.

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

const VOCABULARY = 5_000;

/** A rank drawn with probability falling as 1/rank: few words are everywhere, most are rare. */
function drawWord(random: () => number): string {
  return `w${Math.floor(VOCABULARY ** random())}`;
}

function freshSet(random: () => number): string[] {
  const size = 20 + Math.floor(random() * 60);
  return Array.from({ length: size }, () => drawWord(random));
}

/** Half of the sets are fresh, half are earlier ones with up to 60% of their tokens drawn anew. */
export function tokenSets(count: number, seed: number): string[][] {
  const random = randomOf(seed);
  const sets: string[][] = [];
  for (let index = 0; index < count; index += 1) {
    const origin = random() < 0.5 ? sets[Math.floor(random() * sets.length)] : undefined;
    const changed = random() * 0.6;
    sets.push(origin?.map((word) => (random() < changed ? drawWord(random) : word)) ?? freshSet(random));
  }
  return sets;
}

/** A query as it comes in life: a remembered set with up to 40% of its tokens changed. */
export function queriesOf(sets: readonly (readonly string[])[], count: number, seed: number): string[][] {
  const random = randomOf(seed);
  return Array.from({ length: count }, () => {
    const origin = sets[Math.floor(random() * sets.length)] ?? [];
    const changed = random() * 0.4;
    return origin.map((word) => (random() < changed ? drawWord(random) : word));
  });
}
