// Recall of the similarity index against brute force, and the time of a query.

import { jaccardOf, SimilarityIndex } from "../src/similarity/similarity-index.ts";
import { queriesOf, tokenSets } from "./token-sets.ts";

const QUERIES = 200;
/** Brute force compares with this many sets at most; recall is measured on them alone. */
const COMPARED_MAX = 20_000;
const SIMILARITIES = [0.3, 0.4, 0.5, 0.7];

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** In: how many sets. Out: one line of figures. */
export function measureSimilarity(size: number): string {
  const sets = tokenSets(size, 7);
  const index = new SimilarityIndex();
  const begun = performance.now();
  for (const [at, set] of sets.entries()) index.add(String(at), set);
  const addMicros = ((performance.now() - begun) * 1000) / size;
  const timesMs: number[] = [];
  const expected = SIMILARITIES.map(() => 0);
  const found = SIMILARITIES.map(() => 0);
  let scored = 0;
  for (const query of queriesOf(sets, QUERIES, 11)) {
    const start = performance.now();
    index.query(query, 3, 0.5);
    timesMs.push(performance.now() - start);
    const answer = new Map(index.query(query, size).map(({ id, similarity }) => [id, similarity]));
    scored += answer.size;
    for (const [at, set] of sets.slice(0, COMPARED_MAX).entries()) {
      const truth = jaccardOf(set, query);
      for (const [level, least] of SIMILARITIES.entries()) {
        if (truth < least) continue;
        expected[level] = (expected[level] ?? 0) + 1;
        if (answer.has(String(at))) found[level] = (found[level] ?? 0) + 1;
      }
    }
  }
  timesMs.sort((a, b) => a - b);
  const recall = SIMILARITIES.map((least, level) => {
    return `>=${least}: ${((100 * (found[level] ?? 0)) / (expected[level] ?? 1)).toFixed(1)}% of ${expected[level]}`;
  });
  return [
    `${size} sets  add ${addMicros.toFixed(0)} us`,
    `query p50 ${percentile(timesMs, 0.5).toFixed(3)} ms p99 ${percentile(timesMs, 0.99).toFixed(3)} ms`,
    `scored ${(scored / QUERIES).toFixed(0)} a query`,
    `recall ${recall.join("  ")}`,
  ].join(" | ");
}
