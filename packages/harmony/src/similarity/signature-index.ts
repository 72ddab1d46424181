// Sub-linear similarity search in bounded memory: of each token set only its MinHash signature is kept, one byte a
// position (b-bit minwise hashing, Li and König 2010), and one link for each band: 340 bytes a set, however long it is.
// A million sets fit into 340 MB. What the sets hold is asked from whoever owns them, for the few that look alike.

import { BANDS, ROWS, signatureOfTokens } from "./bands.ts";
import { hashToken, scatter } from "./minhash.ts";

const SIGNATURE_BYTES = BANDS * ROWS;
/** One chain a band, and one for what has the same shape whatever its tokens. */
const CHAINS = BANDS + 1;
const SHAPE_CHAIN = BANDS;
/** Two unlike positions agree in their last byte by chance. */
const CHANCE = 1 / 256;

/** Entries looked at in one band. Bounds a query when very many remembered sets are equal; the newest are seen first. */
const VISITS_PER_BAND_MAX = 512;
/** Links followed in one chain, those of other keys counted: bounds what sets made to collide can cost. */
const LINKS_PER_BAND_MAX = 8_192;
/** Sets asked for exactly, for each that is wanted: the signature's order is off by a place or two, not by eight. */
const ASKED_PER_ANSWER_MAX = 8;
/** Sets that turn out to be no answer when they are asked for; more, and the search ends. */
const REFUSED_MAX = 512;
/** Three standard errors of a similarity estimated from 96 positions. */
const ESTIMATE_ERROR = 0.15;
const CAPACITY_INITIAL = 64;
/** Dead entries are swept once they outnumber the living, so that removing stays O(1) on average. */
const DEAD_MIN = 1_024;

/** What is compared. Only sets of one group meet; equal shapes meet whatever their tokens. */
export type Described = {
  readonly group: number;
  readonly tokens: readonly string[];
  readonly shape: string | null;
};

export type Search = {
  readonly count: number;
  /** 0 to 1. */
  readonly similarityMin?: number;
  /** Whether an owner is looked at at all; to be told cheaply, of very many. Left out: all are. */
  readonly isMeant?: (owner: number) => boolean;
  /** Compares with an owner exactly; null: it is no answer. */
  readonly exact: (owner: number) => number | null;
  /** The last word on an owner that is among the best; seldom asked, so it may cost something. Left out: all are. */
  readonly accepts?: (owner: number) => boolean;
  /** Negative where `a` is older than `b`, where that is not the order of their adding. */
  readonly older?: (a: number, b: number) => number;
};

const noOrder = (): number => 0;
const everybody = (): boolean => true;

type Candidate = { readonly owner: number; readonly estimate: number };
export type Found = { readonly owner: number; readonly similarity: number };

const DEAD = -1;
const HAS_TOKENS = 1;
const HAS_SHAPE = 2;

/**
 * An index of token sets by similarity, each under its owner's number. Pure and deterministic: the same calls in the same
 * order give the same answers. It holds nothing that cannot be rebuilt by adding the same sets again.
 */
export class SignatureIndex {
  readonly #entries: Map<number, number> = new Map();
  #count = 0;
  #linked = 0;
  #headCount = 0;
  #signatures: Uint8Array = new Uint8Array(CAPACITY_INITIAL * SIGNATURE_BYTES);
  #owners: Int32Array = new Int32Array(CAPACITY_INITIAL);
  #groups: Int32Array = new Int32Array(CAPACITY_INITIAL);
  #shapes: Uint32Array = new Uint32Array(CAPACITY_INITIAL);
  #flags: Uint8Array = new Uint8Array(CAPACITY_INITIAL);
  /** Entries in the order in which they were linked. */
  #order: Int32Array = new Int32Array(0);
  #heads: Int32Array = new Int32Array(0);
  #next: Int32Array = new Int32Array(0);

  get size(): number {
    return this.#entries.size;
  }

  /** Remembers a set under a number from 0; what was remembered under it is replaced. */
  add(owner: number, { group, tokens, shape }: Described): void {
    this.remove(owner);
    if (this.#count === this.#owners.length) this.#grow();
    const entry = this.#count;
    this.#count += 1;
    this.#entries.set(owner, entry);
    this.#owners[entry] = owner;
    this.#groups[entry] = group;
    this.#shapes[entry] = shape === null ? 0 : hashToken(shape);
    this.#flags[entry] = (tokens.length > 0 ? HAS_TOKENS : 0) | (shape === null ? 0 : HAS_SHAPE);
    this.#signatures.set(bytesOf(tokens), entry * SIGNATURE_BYTES);
  }

  /** True when it was there. */
  remove(owner: number): boolean {
    const entry = this.#entries.get(owner);
    if (entry === undefined) return false;
    this.#entries.delete(owner);
    this.#owners[entry] = DEAD;
    if (this.#count - this.#entries.size > Math.max(DEAD_MIN, this.#entries.size)) this.#sweep();
    return true;
  }

  /**
   * Out: at most `count` neighbours, with the similarity that `exact` told, at least `similarityMin`, best first, then
   * those of the same shape, then the newer. Few of those that look alike are asked for.
   */
  query(asked: Described, search: Search): Found[] {
    this.#link(search.older ?? noOrder);
    const first = this.#search(asked, search, search.count + 1);
    // Where some were refused, others of the same shape come after them.
    if (first.refused === 0 || first.found.length === search.count) return first.found;
    return this.#search(asked, search, search.count + REFUSED_MAX).found;
  }

  #search(asked: Described, search: Search, visitsOfShape: number): { found: Found[]; refused: number } {
    const { count, similarityMin = 0, exact, accepts = everybody } = search;
    const found: Found[] = [];
    let left = count * ASKED_PER_ANSWER_MAX;
    let refused = 0;
    for (const { owner, estimate } of this.#candidates(asked, search, visitsOfShape)) {
      const least = found[count - 1]?.similarity ?? similarityMin;
      if (left === 0 || refused === REFUSED_MAX || estimate + ESTIMATE_ERROR < least) break;
      const similarity = exact(owner);
      const isBetter =
        similarity !== null && similarity >= similarityMin && (found.length < count || similarity > least);
      // What is refused takes nobody's place.
      if (isBetter && !accepts(owner)) {
        refused += 1;
        continue;
      }
      left -= 1;
      if (!isBetter) continue;
      found.push({ owner, similarity });
      found.sort((a, b) => b.similarity - a.similarity);
      found.length = Math.min(found.length, count);
    }
    return { found, refused };
  }

  #candidates(
    { group, tokens, shape }: Described,
    { isMeant = everybody }: Search,
    visitsOfShape: number,
  ): Candidate[] {
    const signature = bytesOf(tokens);
    const seen = new Map<number, number>();
    const estimateOf = (entry: number): number => {
      let equal = 0;
      for (let at = 0; at < SIGNATURE_BYTES; at += 1) {
        if (this.#signatures[entry * SIGNATURE_BYTES + at] === signature[at]) equal += 1;
      }
      return Math.max(0, (equal / SIGNATURE_BYTES - CHANCE) / (1 - CHANCE));
    };
    if (shape !== null) {
      const hash = hashToken(shape);
      this.#visit(SHAPE_CHAIN, keyOfShape(group, hash), visitsOfShape, (entry) => {
        if (this.#groups[entry] !== group || this.#shapes[entry] !== hash) return false;
        if (!isMeant(this.#owners[entry] ?? DEAD)) return false;
        seen.set(entry, (1 + estimateOf(entry)) / 2);
        return true;
      });
    }
    for (let band = 0; band < BANDS && tokens.length > 0; band += 1) {
      this.#visit(band, keyOf(band, group, signature, 0), VISITS_PER_BAND_MAX, (entry) => {
        if (this.#groups[entry] !== group || !this.#isEqualBand(entry, band, signature)) return false;
        if (!isMeant(this.#owners[entry] ?? DEAD)) return false;
        if (!seen.has(entry)) seen.set(entry, estimateOf(entry));
        return true;
      });
    }
    return [...seen]
      .map(([entry, estimate]) => ({ owner: this.#owners[entry] ?? DEAD, estimate }))
      .toSorted((a, b) => b.estimate - a.estimate);
  }

  #isEqualBand(entry: number, band: number, signature: Uint8Array): boolean {
    const at = entry * SIGNATURE_BYTES + band * ROWS;
    for (let row = 0; row < ROWS; row += 1) {
      if (this.#signatures[at + row] !== signature[band * ROWS + row]) return false;
    }
    return true;
  }

  /** Newest first; `take` says whether an entry was one of those meant, and at most `visitsMax` of them are taken. */
  #visit(chain: number, key: number, visitsMax: number, take: (entry: number) => boolean): void {
    if (this.#headCount === 0) return;
    let visits = visitsMax;
    let links = LINKS_PER_BAND_MAX;
    let entry = this.#heads[this.#headAt(chain, key)] ?? DEAD;
    while (entry !== DEAD && visits > 0 && links > 0) {
      if (this.#owners[entry] !== DEAD && take(entry)) visits -= 1;
      links -= 1;
      entry = this.#next[entry * CHAINS + chain] ?? DEAD;
    }
  }

  #headAt(chain: number, key: number): number {
    return chain * this.#headCount + (key & (this.#headCount - 1));
  }

  /** Puts what was added since into its chains, oldest first, for a query looks at the newest first. */
  #link(older: (a: number, b: number) => number): void {
    if (this.#linked === this.#count) return;
    const fresh = Int32Array.from({ length: this.#count - this.#linked }, (_, at) => this.#linked + at)
      .filter((entry) => this.#owners[entry] !== DEAD)
      .toSorted((a, b) => older(this.#owners[a] ?? 0, this.#owners[b] ?? 0) || a - b);
    const capacity = this.#owners.length;
    if (this.#order.length !== capacity) {
      const order = new Int32Array(capacity).fill(DEAD);
      order.set(this.#order.subarray(0, this.#linked));
      this.#order = order;
    }
    this.#order.set(fresh, this.#linked);
    const isFull = this.#next.length < capacity * CHAINS;
    if (isFull) {
      // Half as many heads as entries: a link more on the average, a fifth of the memory less.
      this.#headCount = capacity / 2;
      this.#heads = new Int32Array(0);
      this.#next = new Int32Array(0);
      this.#heads = new Int32Array(this.#headCount * CHAINS).fill(DEAD);
      this.#next = new Int32Array(capacity * CHAINS).fill(DEAD);
    }
    for (const entry of isFull ? this.#order : fresh) {
      if (entry !== DEAD && this.#owners[entry] !== DEAD) this.#linkOne(entry);
    }
    this.#linked = this.#count;
  }

  #linkOne(entry: number): void {
    const flags = this.#flags[entry] ?? 0;
    const group = this.#groups[entry] ?? 0;
    const bands = (flags & HAS_TOKENS) === 0 ? 0 : BANDS;
    for (let band = 0; band < bands; band += 1) {
      this.#push(entry, band, keyOf(band, group, this.#signatures, entry * SIGNATURE_BYTES));
    }
    if ((flags & HAS_SHAPE) !== 0) {
      this.#push(entry, SHAPE_CHAIN, keyOfShape(group, this.#shapes[entry] ?? 0));
    }
  }

  #push(entry: number, chain: number, key: number): void {
    const head = this.#headAt(chain, key);
    this.#next[entry * CHAINS + chain] = this.#heads[head] ?? DEAD;
    this.#heads[head] = entry;
  }

  #grow(): void {
    const capacity = 2 * this.#owners.length;
    this.#signatures = larger(new Uint8Array(capacity * SIGNATURE_BYTES), this.#signatures);
    this.#owners = larger(new Int32Array(capacity), this.#owners);
    this.#groups = larger(new Int32Array(capacity), this.#groups);
    this.#shapes = larger(new Uint32Array(capacity), this.#shapes);
    this.#flags = larger(new Uint8Array(capacity), this.#flags);
  }

  /** Moves the living together, in the order in which they were linked, and lets the chains be made anew. */
  #sweep(): void {
    const linked = [...this.#order.subarray(0, this.#linked)];
    const waiting = Array.from({ length: this.#count - this.#linked }, (_, at) => this.#linked + at);
    const living = [...linked, ...waiting].filter((entry) => entry !== DEAD && this.#owners[entry] !== DEAD);
    const { length } = living;
    const capacity = Math.max(CAPACITY_INITIAL, 2 ** Math.ceil(Math.log2(Math.max(1, length))));
    const signatures = new Uint8Array(capacity * SIGNATURE_BYTES);
    for (const [at, entry] of living.entries()) {
      const from = entry * SIGNATURE_BYTES;
      signatures.set(this.#signatures.subarray(from, from + SIGNATURE_BYTES), at * SIGNATURE_BYTES);
      this.#entries.set(this.#owners[entry] ?? DEAD, at);
    }
    const moved = <T extends Column>(fresh: T, old: T): T => {
      for (const [at, entry] of living.entries()) fresh[at] = old[entry] ?? 0;
      return fresh;
    };
    this.#signatures = signatures;
    this.#owners = moved(new Int32Array(capacity), this.#owners);
    this.#groups = moved(new Int32Array(capacity), this.#groups);
    this.#shapes = moved(new Uint32Array(capacity), this.#shapes);
    this.#flags = moved(new Uint8Array(capacity), this.#flags);
    this.#count = length;
    this.#linked = 0;
    this.#order = new Int32Array(0);
    this.#next = new Int32Array(0);
  }
}

type Column = Int32Array | Uint32Array | Uint8Array;

function larger<T extends Column>(fresh: T, old: T): T {
  fresh.set(old);
  return fresh;
}

function bytesOf(tokens: readonly string[]): Uint8Array {
  return Uint8Array.from(signatureOfTokens(tokens), (position) => position & 0xff);
}

/** Of one band of a signature that begins at `from`. The group is part of it: another's sets crowd nobody out. */
function keyOf(band: number, group: number, signature: Uint8Array, from: number): number {
  let key = Math.imul(group + 1, 0x9e3779b1) ^ band;
  for (let row = 0; row < ROWS; row += 1)
    key = Math.imul(scatter(key), 31) ^ (signature[from + band * ROWS + row] ?? 0);
  return scatter(key);
}

const keyOfShape = (group: number, hash: number): number => scatter(Math.imul(group + 1, 0x9e3779b1) ^ hash);
