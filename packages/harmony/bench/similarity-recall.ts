// Recall of the similarity index against brute force, its memory, and the time of a query without the reading of files.

import { jaccardOf } from "../src/similarity/jaccard.ts";
import { SignatureIndex } from "../src/similarity/signature-index.ts";
import { queryOf, tokenSet } from "./token-sets.ts";

const SEED = 7;
const QUERIES = 100;
/** Brute force compares with this many sets at most; recall is measured on them alone. */
const COMPARED_MAX = 20_000;
const SIMILARITIES = [0.5, 0.6, 0.7];
/** As the engine asks. */
const WANTED = 8;
const SIMILARITY_MIN = 0.5;

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** In: how many sets. Out: lines of figures. */
export function measureSimilarity(size: number): string[] {
  const index = new SignatureIndex();
  const before = process.memoryUsage();
  const begun = performance.now();
  for (let at = 0; at < size; at += 1) index.add(at, { group: 0, tokens: tokenSet(at, SEED), shape: null });
  index.query({ group: 0, tokens: ["w1"], shape: null }, { count: 1, exact: () => null });
  const buildMs = performance.now() - begun;
  const after = process.memoryUsage();
  const bytes = after.arrayBuffers - before.arrayBuffers;
  const timesMs: number[] = [];
  const expected = SIMILARITIES.map(() => 0);
  const found = SIMILARITIES.map(() => 0);
  let asked = 0;
  const compared = Math.min(size, COMPARED_MAX);
  const sample = new Map(
    Array.from({ length: compared }, (_, i) => Math.floor((i * size) / compared)).map((owner) => [
      owner,
      tokenSet(owner, SEED),
    ]),
  );
  for (let q = 0; q < QUERIES; q += 1) {
    const { origin, tokens } = queryOf(q, size, SEED);
    const exact = (owner: number): number => {
      asked += 1;
      return jaccardOf(tokenSet(owner, SEED), tokens);
    };
    const query = { group: 0, tokens, shape: null };
    const start = performance.now();
    index.query(query, { count: WANTED, similarityMin: SIMILARITY_MIN, exact });
    timesMs.push(performance.now() - start);
    const all = index.query(query, { count: size, similarityMin: SIMILARITY_MIN, exact: () => 1 });
    const met = new Set(all.map(({ owner }) => owner));
    // Among a million sets few of the sample are like the query; the one it was made from mostly is.
    for (const [owner, set] of new Map(sample).set(origin, tokenSet(origin, SEED))) {
      const truth = jaccardOf(set, tokens);
      for (const [level, least] of SIMILARITIES.entries()) {
        if (truth < least) continue;
        expected[level] = (expected[level] ?? 0) + 1;
        if (met.has(owner)) found[level] = (found[level] ?? 0) + 1;
      }
    }
  }
  timesMs.sort((a, b) => a - b);
  const recall = SIMILARITIES.map((least, level) => {
    const share = ((100 * (found[level] ?? 0)) / Math.max(1, expected[level] ?? 0)).toFixed(1);
    return `of similarity >= ${least}: ${share}% of ${expected[level]}`;
  });
  return [
    `${size} sets: built in ${(buildMs / 1_000).toFixed(1)} s, ${(bytes / size).toFixed(0)} bytes a set`,
    `  query p50 ${percentile(timesMs, 0.5).toFixed(3)} ms, p99 ${percentile(timesMs, 0.99).toFixed(3)} ms, ` +
      `${(asked / QUERIES).toFixed(0)} sets compared exactly`,
    `  recall against brute force (${compared} sets and the query's origin): ${recall.join("; ")}`,
  ];
}
