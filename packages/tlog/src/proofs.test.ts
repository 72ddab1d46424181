import fc from "fast-check";
import { expect, test } from "vitest";
import { type Hash, leafHash, nodeHash, treeHash } from "./hash.ts";
import {
  type ConsistencyClaim,
  type HashReader,
  type InclusionClaim,
  peaksOf,
  proveConsistency,
  proveInclusion,
  rootFrom,
  verifyConsistency,
  verifyInclusion,
} from "./proofs.ts";

const hex = (hash: Hash): string => Buffer.from(hash).toString("hex");

// The eight entries on which implementations of RFC 6962 agree since Certificate Transparency's first, and the roots
// of the trees over the first n of them (certificate-transparency/cpp/merkletree, golang/mod ct_test.go).
const ENTRIES = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
].map((text) => Buffer.from(text, "hex"));
const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

// RFC 6962 section 2.1 word by word, to hold the faster form to.
function mth(leaves: readonly Hash[]): Hash {
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return only;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return nodeHash(mth(leaves.slice(0, split)), mth(leaves.slice(split)));
}

const readerOf =
  (leaves: readonly Hash[]): HashReader =>
  (level, index) =>
    mth(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));

const leavesOf = (count: number): Hash[] =>
  Array.from({ length: count }, (_, i) => leafHash(Buffer.from(`entry ${i}`)));

test("agrees with the known roots of the first eight entries", () => {
  const leaves = ENTRIES.map(leafHash);
  expect(ROOTS.map((_, i) => hex(treeHash(leaves.slice(0, i + 1))))).toEqual(ROOTS);
  expect(ROOTS.map((_, i) => hex(rootFrom(readerOf(leaves), i + 1)))).toEqual(ROOTS);
  expect(hex(treeHash([]))).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
});

test("gives the known paths of RFC 6962 section 2.1.3", () => {
  const read = readerOf(leavesOf(7));
  const node = (level: number, index: number): string => hex(read(level, index));
  const right = hex(rootFrom((level, index) => read(level, index + (level === 1 ? 2 : 6)), 0));
  expect(right).toBe(hex(treeHash([])));
  expect(proveInclusion(read, 0, 7).map(hex)).toEqual([
    node(0, 1),
    node(1, 1),
    hex(mth(leavesOf(7).slice(4))),
  ]);
  expect(proveInclusion(read, 3, 7).map(hex)).toEqual([
    node(0, 2),
    node(1, 0),
    hex(mth(leavesOf(7).slice(4))),
  ]);
  expect(proveInclusion(read, 4, 7).map(hex)).toEqual([node(0, 5), node(0, 6), node(2, 0)]);
  expect(proveInclusion(read, 6, 7).map(hex)).toEqual([node(1, 2), node(2, 0)]);
  expect(proveConsistency(read, 3, 7).map(hex)).toEqual([
    node(0, 2),
    node(0, 3),
    node(1, 0),
    hex(mth(leavesOf(7).slice(4))),
  ]);
  expect(proveConsistency(read, 4, 7).map(hex)).toEqual([hex(mth(leavesOf(7).slice(4)))]);
  expect(proveConsistency(read, 6, 7).map(hex)).toEqual([node(1, 2), node(0, 6), node(2, 0)]);
});

const SIZE_MAX = 40;
const LEAVES = leavesOf(SIZE_MAX);
const READ = readerOf(LEAVES);
const root = (size: number): Hash => treeHash(LEAVES.slice(0, size));
const leafAt = (index: number): Hash => LEAVES[index] ?? expect.unreachable();

test("the root is the one of the definition, for every size", () => {
  for (let size = 1; size <= SIZE_MAX; size += 1)
    expect(hex(root(size))).toBe(hex(mth(LEAVES.slice(0, size))));
});

test("every entry of every tree has its proof, and it proves no other place, size, leaf or root", () => {
  for (let size = 1; size <= SIZE_MAX; size += 1) {
    for (let index = 0; index < size; index += 1) {
      const proof = proveInclusion(READ, index, size);
      const claim: InclusionClaim = { index, size, leafHash: leafAt(index), root: root(size), proof };
      expect(verifyInclusion(claim)).toBe(true);
      expect(verifyInclusion({ ...claim, index: index === 0 ? size : index - 1 })).toBe(false);
      expect(verifyInclusion({ ...claim, index: index + 1 })).toBe(false);
      // A tree of another size can have the same path, as the last of 3 and of 2; then its root is another.
      expect(verifyInclusion({ ...claim, root: root(size === 1 ? 2 : size - 1) })).toBe(false);
      expect(verifyInclusion({ ...claim, leafHash: claim.root })).toBe(size === 1);
    }
  }
});

test("every tree is consistent with each before it, and with no other", () => {
  for (let size = 1; size <= SIZE_MAX; size += 1) {
    for (let oldSize = 1; oldSize <= size; oldSize += 1) {
      const proof = proveConsistency(READ, oldSize, size);
      const claim: ConsistencyClaim = { oldSize, size, oldRoot: root(oldSize), root: root(size), proof };
      expect(verifyConsistency(claim)).toBe(true);
      expect(verifyConsistency({ ...claim, oldRoot: root(oldSize + 1 > SIZE_MAX ? 1 : oldSize + 1) })).toBe(
        false,
      );
      if (oldSize < size) {
        expect(verifyConsistency({ ...claim, oldSize: size, size: oldSize })).toBe(false);
        expect(verifyConsistency({ ...claim, oldRoot: claim.root, root: claim.oldRoot })).toBe(false);
      }
    }
  }
});

const at = (proof: readonly Hash[], place: number): Hash =>
  proof[place % proof.length] ?? expect.unreachable();

// What an attacker or a broken network does to a proof; each must make it worthless.
const damages: ((proof: readonly Hash[], place: number) => readonly Hash[])[] = [
  (proof, place) => proof.map((hash, i) => (i === place % proof.length ? flipped(hash, place) : hash)),
  (proof) => proof.slice(1),
  (proof) => proof.slice(0, -1),
  (proof, place) => [...proof, at(proof, place)],
  (proof, place) => [at(proof, place), ...proof],
  (proof) => [...proof, new Uint8Array(32)],
  (proof) => [...proof, new Uint8Array()],
  (proof, place) => proof.map((hash, i) => (i === place % proof.length ? hash.subarray(1) : hash)),
  (proof, place) =>
    proof.map((hash, i) => (i === place % proof.length ? Buffer.concat([hash, Buffer.alloc(1)]) : hash)),
];

function flipped(hash: Hash, bit: number): Hash {
  const copy = Buffer.from(hash);
  const byte = bit % copy.byteLength;
  copy[byte] = (copy[byte] ?? 0) ^ (1 << (bit % 8));
  return copy;
}

test("a damaged proof proves nothing", () => {
  const sizes = fc.integer({ min: 2, max: SIZE_MAX });
  const inputs = fc.tuple(sizes, fc.nat(), fc.nat(), fc.integer({ min: 0, max: damages.length - 1 }));
  fc.assert(
    fc.property(inputs, ([size, pick, place, which]) => {
      const damage = damages[which] ?? expect.unreachable();
      const index = pick % size;
      const inclusion = proveInclusion(READ, index, size);
      const claim = { index, size, leafHash: leafAt(index), root: root(size) };
      expect(verifyInclusion({ ...claim, proof: damage(inclusion, place) })).toBe(false);
      const oldSize = 1 + (pick % (size - 1));
      const consistency = proveConsistency(READ, oldSize, size);
      const grown = { oldSize, size, oldRoot: root(oldSize), root: root(size) };
      expect(verifyConsistency({ ...grown, proof: damage(consistency, place) })).toBe(false);
    }),
    { seed: 42, numRuns: 400 },
  );
});

test.each<[string, Partial<InclusionClaim>]>([
  ["no leaf", { leafHash: new Uint8Array() }],
  ["no root", { root: new Uint8Array() }],
  ["a size of nothing", { size: 0 }],
  ["a negative index", { index: -1 }],
  ["a fraction", { index: 0.5 }],
  ["a size past what can be counted", { size: 2 ** 53 }],
  ["not a number", { index: Number.NaN }],
])("inclusion: %s is refused", (_, wrong) => {
  const claim: InclusionClaim = { index: 0, size: 1, leafHash: root(1), root: root(1), proof: [] };
  expect(verifyInclusion(claim)).toBe(true);
  expect(verifyInclusion({ ...claim, ...wrong })).toBe(false);
});

test.each<[string, Partial<ConsistencyClaim>]>([
  ["an old size of nothing", { oldSize: 0, oldRoot: treeHash([]) }],
  ["two sizes of nothing", { oldSize: 0, size: 0, oldRoot: treeHash([]), root: treeHash([]) }],
  ["roots that are none", { oldRoot: new Uint8Array(), root: new Uint8Array() }],
  ["a proof where none is needed", { proof: [root(1)] }],
  ["no proof where one is needed", { size: 2, root: root(2) }],
  ["a size past what can be counted", { size: 2 ** 53 + 2 }],
])("consistency: %s is refused", (_, wrong) => {
  const claim: ConsistencyClaim = { oldSize: 1, size: 1, oldRoot: root(1), root: root(1), proof: [] };
  expect(verifyConsistency(claim)).toBe(true);
  expect(verifyConsistency({ ...claim, ...wrong })).toBe(false);
});

test("proofs are not made for what is not in the tree", () => {
  for (const [index, size] of [
    [3, 3],
    [-1, 3],
    [0.5, 3],
    [0, 3.5],
  ] as const)
    expect(() => proveInclusion(READ, index, size)).toThrow(new RangeError("the entry is not in the tree"));
  for (const [oldSize, size] of [
    [4, 3],
    [-1, 3],
    [1.5, 3],
    [1, 3.5],
    [Number.NaN, 3],
  ] as const)
    expect(() => proveConsistency(READ, oldSize, size)).toThrow(new RangeError("the old tree is not a part"));
});

test("the subtrees that a tree is made of lie side by side, the largest first", () => {
  for (let size = 0; size <= 130; size += 1) {
    let end = 0;
    let widest = Number.POSITIVE_INFINITY;
    for (const { level, index } of peaksOf(size)) {
      const width = 2 ** level;
      expect([index * width, width < widest]).toEqual([end, true]);
      end += width;
      widest = width;
    }
    expect(end).toBe(size);
  }
});

// Roots are whoever claims them: these are what the hashes of a proof of the wrong length lead to.
test("a proof of another length than the sizes ask for proves no roots, even those that it leads to", () => {
  const [a, b, c, d] = [leafAt(0), leafAt(1), leafAt(2), leafAt(3)];
  const [ab, upper] = [nodeHash(a, b), (hash: Hash): Hash => nodeHash(c, hash)];
  const grown = { oldSize: 3, size: 4 };
  const whole = { oldRoot: upper(a), root: upper(ab) };
  expect(verifyConsistency({ ...grown, ...whole, proof: [a, b, c] })).toBe(true);
  const longer = { oldRoot: nodeHash(d, whole.oldRoot), root: nodeHash(d, whole.root) };
  expect(verifyConsistency({ ...grown, ...longer, proof: [a, b, c, d] })).toBe(false);
  expect(verifyConsistency({ ...grown, oldRoot: a, root: ab, proof: [a, b] })).toBe(false);
  const entry = { index: 1, size: 2, leafHash: b };
  expect(verifyInclusion({ ...entry, root: ab, proof: [a] })).toBe(true);
  expect(verifyInclusion({ ...entry, root: nodeHash(d, ab), proof: [a, d] })).toBe(false);
});

test.each([
  ["a new size that is none", { oldSize: 4, size: 5.5 }],
  ["an old size that is none", { oldSize: 4.5, size: 5 }],
])("consistency: %s is refused, though the hashes would fit", (_, sizes) => {
  const [old, next] = [leafAt(0), leafAt(1)];
  expect(verifyConsistency({ ...sizes, oldRoot: old, root: nodeHash(old, next), proof: [next] })).toBe(false);
});

test("a proof reaches past 2^32 entries", () => {
  // All leaves equal, so that a subtree's hash depends on its height alone.
  const same: Hash[] = [leafHash(new Uint8Array())];
  const read: HashReader = (level) => {
    for (let i = same.length; i <= level; i += 1) {
      const below = same[i - 1] ?? expect.unreachable();
      same.push(nodeHash(below, below));
    }
    return same[level] ?? expect.unreachable();
  };
  const [index, size] = [2 ** 40 + 12_345, 2 ** 41 + 7];
  const proof = proveInclusion(read, index, size);
  const claim = { index, size, leafHash: read(0, 0), root: rootFrom(read, size), proof };
  expect(verifyInclusion(claim)).toBe(true);
  expect(verifyInclusion({ ...claim, index: 2 ** 41 + 1 })).toBe(false);
  expect(peaksOf(size).map(({ level }) => level)).toEqual([41, 2, 1, 0]);
});
