// Sub-linear similarity search: MinHash signatures cut into bands; two sets meet when one whole band is equal.
// A pair of Jaccard similarity s meets with probability 1 - (1 - s^rows)^bands; the test measures it against brute force.

import { BandTable } from "./band-table.ts";
import { bandKeysOf, hashToken, seedsOf, signatureOf } from "./minhash.ts";

/** 32 bands of 3 rows: a pair of similarity 0.5 meets with 98.6%, one of 0.7 always, one of 0.05 in 0.4%. */
const BANDS = 32;
const ROWS = 3;

/** Entries looked at in one band. Bounds a query when very many remembered sets are equal; the newest are seen first. */
const VISITS_PER_BAND_MAX = 512;

/** Dead entries are swept once they outnumber the living, so that removing stays O(1) on average. */
const DEAD_MIN = 1024;

export type Neighbour = { readonly id: string; readonly similarity: number };

type Entry = { readonly id: string; readonly tokens: ReadonlySet<number>; alive: boolean };

/**
 * An index of token sets by similarity. Pure and deterministic: the same calls in the same order give the same answers.
 * It holds nothing that cannot be rebuilt by adding the same sets again, so it is never written to disk.
 */
export class SimilarityIndex {
  readonly #seeds: Uint32Array = seedsOf(BANDS * ROWS);
  readonly #words: Map<string, number> = new Map();
  #bands: BandTable[] = newBands();
  #entries: Entry[] = [];
  #living: Map<string, Entry> = new Map();

  get size(): number {
    return this.#living.size;
  }

  /** Remembers `tokens` (a set: repetitions do not count) under `id`; what stood there before is replaced. */
  add(id: string, tokens: Iterable<string>): void {
    this.remove(id);
    const unique = new Set(tokens);
    this.#append({ id, tokens: new Set([...unique].map((word) => this.#intern(word))), alive: true }, unique);
  }

  /** True when `id` was there. */
  remove(id: string): boolean {
    const entry = this.#living.get(id);
    if (entry === undefined) return false;
    entry.alive = false;
    this.#living.delete(id);
    if (this.#entries.length - this.#living.size > Math.max(DEAD_MIN, this.#living.size)) this.#sweep();
    return true;
  }

  /**
   * In: a token set, how many neighbours at most, and the least Jaccard similarity (0 to 1).
   * Out: neighbours found by the bands, each with its exact Jaccard similarity, best first, then by id.
   */
  query(tokens: Iterable<string>, count: number, similarityMin: number = 0): Neighbour[] {
    const unique = new Set(tokens);
    const known = new Set([...unique].flatMap((word) => this.#words.get(word) ?? []));
    const seen = new Set<number>();
    const keys = bandKeysOf(signatureOf([...unique].map(hashToken), this.#seeds), ROWS);
    for (const [band, table] of this.#bands.entries()) {
      table.visit(keys[band] ?? 0, VISITS_PER_BAND_MAX, (entry) => seen.add(entry));
    }
    return [...seen]
      .flatMap((index) => {
        const entry = this.#entries[index];
        if (entry === undefined || !entry.alive) return [];
        return [{ id: entry.id, similarity: jaccard(known, unique.size, entry.tokens) }];
      })
      .filter(({ similarity }) => similarity >= similarityMin)
      .toSorted((a, b) => b.similarity - a.similarity || (a.id < b.id ? -1 : 1))
      .slice(0, count);
  }

  #intern(word: string): number {
    const known = this.#words.get(word);
    if (known !== undefined) return known;
    const fresh = this.#words.size;
    this.#words.set(word, fresh);
    return fresh;
  }

  #append(entry: Entry, words: Iterable<string>): void {
    const keys = bandKeysOf(signatureOf([...words].map(hashToken), this.#seeds), ROWS);
    for (const [band, table] of this.#bands.entries()) table.push(keys[band] ?? 0);
    this.#entries.push(entry);
    this.#living.set(entry.id, entry);
  }

  #sweep(): void {
    const words = [...this.#words.keys()];
    const living = [...this.#living.values()];
    this.#words.clear();
    this.#bands = newBands();
    this.#entries = [];
    this.#living = new Map();
    for (const { id, tokens } of living) {
      this.add(
        id,
        [...tokens].flatMap((word) => words[word] ?? []),
      );
    }
  }
}

/**
 * The band keys of a token set, each with its band's number in front: two sets that share one are worth comparing. For
 * stores that keep their own index; none for the empty set. Whole numbers below 2^37.
 */
export function similarityKeysOf(tokens: Iterable<string>): readonly number[] {
  const unique = [...new Set(tokens)];
  if (unique.length === 0) return [];
  const keys = bandKeysOf(signatureOf(unique.map(hashToken), seedsOf(BANDS * ROWS)), ROWS);
  return Array.from(keys, (key, band) => band * 2 ** 32 + key);
}

function newBands(): BandTable[] {
  return Array.from({ length: BANDS }, () => new BandTable());
}

/** `known` holds the query's words that the index has seen; the others (in `size` only) can be in no entry. */
function jaccard(known: ReadonlySet<number>, size: number, other: ReadonlySet<number>): number {
  let shared = 0;
  const [small, large] = known.size < other.size ? [known, other] : [other, known];
  for (const word of small) if (large.has(word)) shared += 1;
  const union = size + other.size - shared;
  return union === 0 ? 1 : shared / union;
}

/** Exact Jaccard similarity of two token sets, 0 to 1; two empty sets are equal. */
export function jaccardOf(a: Iterable<string>, b: Iterable<string>): number {
  const left = new Set(a);
  const right = new Set(b);
  const shared = [...left].filter((word) => right.has(word)).length;
  const union = left.size + right.size - shared;
  return union === 0 ? 1 : shared / union;
}
