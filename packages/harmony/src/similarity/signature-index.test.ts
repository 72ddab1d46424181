import fc from "fast-check";
import { expect, test } from "vitest";
import { queryOf, tokenSet } from "../../bench/token-sets.ts";
import { jaccardOf } from "./jaccard.ts";
import { SignatureIndex, type Described, type Found } from "./signature-index.ts";

// Only a hang is to fail here; a busy machine may take its time.

const SETS = Array.from({ length: 2_000 }, (_, at) => tokenSet(at, 7));
const QUERIES = Array.from({ length: 200 }, (_, at) => queryOf(at, SETS.length, 7).tokens);

const described = (tokens: readonly string[], group = 0, shape: string | null = null): Described => ({
  group,
  tokens,
  shape,
});

function filled(sets: readonly (readonly string[])[]): SignatureIndex {
  const index = new SignatureIndex();
  for (const [at, set] of sets.entries()) index.add(at, described(set));
  return index;
}

function ask(index: SignatureIndex, query: readonly string[], count: number, similarityMin = 0): Found[] {
  const exact = (owner: number): number => jaccardOf(SETS[owner] ?? [], query);
  return index.query(described(query), { count, similarityMin, exact });
}

const LIKENESS = QUERIES.map((query) => SETS.map((set) => jaccardOf(set, query)));

test.each([
  [0.5, 0.98],
  [0.7, 0.999],
])("recall against brute force at similarity %f is at least %f", (similarityMin, floor) => {
  const index = filled(SETS);
  let expected = 0;
  let found = 0;
  for (const [at, query] of QUERIES.entries()) {
    const truth = new Set(SETS.keys().filter((owner) => (LIKENESS[at]?.[owner] ?? 0) >= similarityMin));
    const answered = ask(index, query, SETS.length, similarityMin).map(({ owner }) => owner);
    expect(answered.filter((owner) => !truth.has(owner))).toEqual([]);
    expected += truth.size;
    found += answered.length;
  }
  expect(expected).toBeGreaterThan(100);
  expect(found / expected).toBeGreaterThanOrEqual(floor);
});

test("the best eight, asking for few, are those of brute force in 98 of 100", () => {
  const index = filled(SETS);
  let expected = 0;
  let found = 0;
  for (const [at, query] of QUERIES.entries()) {
    const alike = LIKENESS[at]?.filter((similarity) => similarity >= 0.5) ?? [];
    const best = alike.toSorted((a, b) => b - a).slice(0, 8);
    const answered = ask(index, query, 8, 0.5);
    expected += best.length;
    // By similarity, for of equally like ones any will do.
    found += answered.filter(({ similarity }) => similarity >= (best.at(-1) ?? 1)).length;
  }
  expect(expected).toBeGreaterThan(100);
  expect(found / expected).toBeGreaterThanOrEqual(0.98);
});

test("every similarity told is the exact one, best first", () => {
  const index = filled(SETS);
  for (const query of QUERIES.slice(0, 50)) {
    const neighbours = ask(index, query, 20);
    for (const { owner, similarity } of neighbours) {
      expect(similarity).toBe(jaccardOf(SETS[owner] ?? [], query));
    }
    expect(neighbours.map((n) => n.similarity)).toEqual(
      neighbours.map((n) => n.similarity).toSorted((a, b) => b - a),
    );
  }
});

test("is sub-linear: a query asks for few sets, however many are wanted", () => {
  const index = filled(SETS);
  let asked = 0;
  for (const query of QUERIES) {
    index.query(described(query), {
      count: SETS.length,
      exact: () => {
        asked += 1;
        return 0;
      },
    });
  }
  expect(asked / QUERIES.length).toBeLessThan(SETS.length * 0.1);
});

test("an equal set is always found, whatever is added and removed around it, and never one of another group", () => {
  const set = fc.array(fc.string({ maxLength: 4 }), { minLength: 1, maxLength: 12 });
  const move = fc.record({ owner: fc.nat({ max: 9 }), group: fc.nat({ max: 1 }), words: fc.option(set) });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
      const index = new SignatureIndex();
      const model = new Map<number, Described>();
      const foundBy = ({ group, tokens, shape }: Described): number[] => {
        const exact = (owner: number): number => jaccardOf(model.get(owner)?.tokens ?? [], tokens);
        return index
          .query({ group, tokens, shape }, { count: 20, similarityMin: 1, exact })
          .map((n) => n.owner);
      };
      for (const { owner, group, words } of moves) {
        if (words === null) expect(index.remove(owner)).toBe(model.delete(owner));
        else {
          const one = described(words, group);
          index.add(owner, one);
          model.set(owner, one);
          // Now and then, so that chains are made while sets still come and go.
          if (owner === 0) expect(foundBy(one)).toContain(owner);
        }
      }
      expect(index.size).toBe(model.size);
      for (const [owner, one] of model) expect(foundBy(one)).toContain(owner);
      for (const one of model.values()) {
        for (const owner of foundBy(one)) expect(model.get(owner)?.group).toBe(one.group);
      }
    }),
    { seed: 42 },
  );
});

test("equal shapes meet whatever their tokens, the newest of them, within their group", () => {
  const index = new SignatureIndex();
  for (let owner = 0; owner < 100; owner += 1) {
    index.add(owner, described([`only ${owner}`], owner % 2, owner < 90 ? "square" : "round"));
  }
  const exact = (owner: number): number => (owner < 90 ? 0.5 : 0);
  const search = { count: 3, similarityMin: 0.5, exact };
  expect(index.query(described([], 0, "square"), search).map(({ owner }) => owner)).toEqual([88, 86, 84]);
  expect(index.query(described([], 1, "oval"), search)).toEqual([]);
  const older = (a: number, b: number): number => b - a;
  const other = new SignatureIndex();
  for (let owner = 0; owner < 10; owner += 1) other.add(owner, described([], 0, "square"));
  const oldest = other.query(described([], 0, "square"), { ...search, older }).map(({ owner }) => owner);
  expect(oldest).toEqual([0, 1, 2]);
});

test("answers stay the same after thousands of removals made it sweep", () => {
  const index = filled(SETS);
  for (let round = 0; round < 3; round += 1) {
    for (const [at, set] of SETS.entries()) index.add(at, described(set));
    ask(index, SETS[0] ?? [], 1);
  }
  const fresh = filled(SETS);
  for (const query of QUERIES.slice(0, 20)) expect(ask(index, query, 10)).toEqual(ask(fresh, query, 10));
});

test("thousands of equal sets do not make a query look at all of them; the newest are looked at", () => {
  const index = new SignatureIndex();
  for (let at = 0; at < 5_000; at += 1) index.add(at, described(["a", "b", "c"]));
  const found = index.query(described(["a", "b", "c"]), { count: 10_000, exact: () => 1 });
  expect(found.length).toBe(512);
  expect(found[0]).toEqual({ owner: 4_999, similarity: 1 });
});

test.each([
  ["shape", { group: 0, tokens: [], shape: "a" }],
  ["tokens", { group: 0, tokens: ["a", "b", "c", "d"], shape: null }],
])("however many of one %s are not meant, one that is meant is found among them", (_, set) => {
  const index = new SignatureIndex();
  for (let owner = 0; owner < 2_000; owner += 1) index.add(owner, set);
  const only = (owner: number): boolean => owner === 0;
  const found = index.query(set, { count: 3, exact: () => 1, isMeant: only, accepts: only });
  expect(found).toEqual([{ owner: 0, similarity: 1 }]);
});
