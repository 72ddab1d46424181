import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { queriesOf, tokenSets } from "../../bench/token-sets.ts";
import { jaccardOf, SimilarityIndex } from "./similarity-index.ts";

// Only a hang is to fail here; a busy machine may take its time.
vi.setConfig({ testTimeout: 120_000 });

const SETS = tokenSets(2_000, 7);
const QUERIES = queriesOf(SETS, 200, 11);

function filled(sets: readonly (readonly string[])[]): SimilarityIndex {
  const index = new SimilarityIndex();
  for (const [at, set] of sets.entries()) index.add(`s${at}`, set);
  return index;
}

function bruteForce(query: readonly string[], similarityMin: number): string[] {
  return SETS.flatMap((set, at) => (jaccardOf(set, query) >= similarityMin ? [`s${at}`] : []));
}

test.each([
  [0.5, 0.98],
  [0.7, 0.999],
])("recall against brute force at similarity %f is at least %f", (similarityMin, floor) => {
  const index = filled(SETS);
  let expected = 0;
  let found = 0;
  for (const query of QUERIES) {
    const truth = new Set(bruteForce(query, similarityMin));
    const answered = index.query(query, SETS.length, similarityMin).map(({ id }) => id);
    expect(answered.filter((id) => !truth.has(id))).toEqual([]);
    expected += truth.size;
    found += answered.length;
  }
  expect(expected).toBeGreaterThan(100);
  expect(found / expected).toBeGreaterThanOrEqual(floor);
});

test("every similarity told is the exact Jaccard similarity, best first", () => {
  const index = filled(SETS);
  for (const query of QUERIES.slice(0, 50)) {
    const neighbours = index.query(query, 20);
    for (const { id, similarity } of neighbours) {
      expect(similarity).toBe(jaccardOf(SETS[Number(id.slice(1))] ?? [], query));
    }
    expect(neighbours.map((n) => n.similarity)).toEqual(
      neighbours.map((n) => n.similarity).toSorted((a, b) => b - a),
    );
  }
});

test("is sub-linear: a query scores a small share of the unlike sets", () => {
  const index = filled(SETS);
  const scored = QUERIES.map((query) => index.query(query, SETS.length).length);
  expect(scored.reduce((sum, n) => sum + n, 0) / scored.length).toBeLessThan(SETS.length * 0.1);
});

test("an equal set is always found, whatever is added and removed around it", () => {
  const set = fc.array(fc.string({ maxLength: 4 }), { maxLength: 12 });
  const move = fc.record({ id: fc.nat({ max: 9 }).map(String), words: fc.option(set) });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
      const index = new SimilarityIndex();
      const model = new Map<string, string[]>();
      for (const { id, words } of moves) {
        if (words === null) expect(index.remove(id)).toBe(model.delete(id));
        else {
          index.add(id, words);
          model.set(id, words);
        }
      }
      expect(index.size).toBe(model.size);
      for (const [id, words] of model) {
        expect(index.query(words, 20, 1).map((n) => n.id)).toContain(id);
      }
      for (const { id } of index.query([...model.values()].flat(), 100)) expect(model.has(id)).toBe(true);
    }),
    { seed: 42 },
  );
});

test("answers stay the same after thousands of removals made it sweep", () => {
  const index = filled(SETS);
  for (let round = 0; round < 3; round += 1) {
    for (const [at, set] of SETS.entries()) index.add(`s${at}`, set);
  }
  const fresh = filled(SETS);
  for (const query of QUERIES.slice(0, 20)) expect(index.query(query, 10)).toEqual(fresh.query(query, 10));
});

test("thousands of equal sets do not make a query look at all of them", () => {
  const index = new SimilarityIndex();
  for (let at = 0; at < 5_000; at += 1) index.add(`s${at}`, ["a", "b", "c"]);
  const found = index.query(["a", "b", "c"], 10_000);
  expect(found.length).toBe(512);
  expect(found[0]).toEqual({ id: "s4488", similarity: 1 });
});
