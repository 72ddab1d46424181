// Finds remembered patterns of the same shape: by equal semantic fingerprint at once, by common tokens through the
// similarity index. One index for each scope, domain and conflict type, so that another tenant's patterns neither
// answer nor crowd out the own ones. Rebuilt from the files, never written.

import { computeId } from "../ids.ts";
import type { ConflictPattern } from "../patterns.ts";
import { SIMILARITY_MIN, similarityOf } from "../similarity/likeness.ts";
import { SimilarityIndex } from "../similarity/similarity-index.ts";

export type Neighbour = { readonly pattern: ConflictPattern; readonly similarity: number };

const bucketOf = (pattern: ConflictPattern): string =>
  computeId("bucket", [pattern.scope, pattern.domain, pattern.conflictType]);

type Bucket = { tokens: SimilarityIndex; shapes: Map<string, Set<string>> };

export class Neighbours {
  readonly #buckets = new Map<string, Bucket>();
  readonly #known = new Map<string, ConflictPattern>();
  #current: readonly ConflictPattern[] = [];

  /** At most `count` patterns like this one, without itself, best first. `all` is what the folder holds now. */
  of(pattern: ConflictPattern, all: readonly ConflictPattern[], count: number): readonly Neighbour[] {
    this.#update(all);
    const bucket = this.#buckets.get(bucketOf(pattern));
    if (bucket === undefined) return [];
    const found = new Map<string, number>();
    if (pattern.tokens.length > 0) {
      for (const { id, similarity } of bucket.tokens.query(pattern.tokens, count + 1, SIMILARITY_MIN)) {
        found.set(id, similarity);
      }
    }
    for (const id of this.#sameShape(bucket, pattern).slice(-(count + 1))) {
      const other = this.#known.get(id);
      if (other !== undefined) found.set(id, similarityOf(pattern, other));
    }
    found.delete(pattern.patternId);
    return [...found]
      .toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
      .slice(0, count)
      .flatMap(([id, similarity]) => {
        const other = this.#known.get(id);
        return other === undefined ? [] : [{ pattern: other, similarity }];
      });
  }

  #sameShape(bucket: Bucket, pattern: ConflictPattern): string[] {
    return pattern.semanticFingerprint === null
      ? []
      : [...(bucket.shapes.get(pattern.semanticFingerprint) ?? [])];
  }

  #update(all: readonly ConflictPattern[]): void {
    if (all === this.#current) return;
    const now = new Set(all.map((pattern) => pattern.patternId));
    for (const [id, pattern] of this.#known) if (!now.has(pattern.patternId)) this.#remove(id, pattern);
    // Oldest first, for the index looks at the newest first.
    for (const pattern of all.toReversed()) if (!this.#known.has(pattern.patternId)) this.#add(pattern);
    this.#current = all;
  }

  #add(pattern: ConflictPattern): void {
    const key = bucketOf(pattern);
    const bucket = this.#buckets.get(key) ?? { tokens: new SimilarityIndex(), shapes: new Map() };
    this.#buckets.set(key, bucket);
    this.#known.set(pattern.patternId, pattern);
    if (pattern.tokens.length > 0) bucket.tokens.add(pattern.patternId, pattern.tokens);
    const shape = pattern.semanticFingerprint;
    if (shape === null) return;
    const ids = bucket.shapes.get(shape) ?? new Set();
    bucket.shapes.set(shape, ids.add(pattern.patternId));
  }

  #remove(id: string, pattern: ConflictPattern): void {
    const bucket = this.#buckets.get(bucketOf(pattern));
    this.#known.delete(id);
    bucket?.tokens.remove(id);
    if (pattern.semanticFingerprint !== null) bucket?.shapes.get(pattern.semanticFingerprint)?.delete(id);
  }
}
