import fc from "fast-check";
import { expect, test } from "vitest";
import { RightEdge } from "./edge.ts";
import { type Hash, leafHash, treeHash } from "./hash.ts";
import { proveConsistency, proveInclusion, rootFrom, verifyConsistency, verifyInclusion } from "./proofs.ts";
import {
  decodeEntries,
  decodeTile,
  encodeEntries,
  encodeTile,
  frameEntries,
  parseTilePath,
  readerOfTiles,
  rootOfTile,
  TILE_WIDTH,
  tilePath,
  tilesOf,
} from "./tiles.ts";

test.each([
  [{ level: 0, index: 0, width: 256 }, "tile/0/000"],
  [{ level: 0, index: 1_234_067, width: 256 }, "tile/0/x001/x234/067"],
  [{ level: 1, index: 999, width: 17 }, "tile/1/999.p/17"],
  [{ level: 63, index: 1000, width: 256 }, "tile/63/x001/000"],
  [{ level: "entries", index: 5, width: 1 }, "tile/entries/005.p/1"],
] as const)("%j is at %s", (tile, path) => {
  expect(tilePath(tile)).toBe(path);
  expect(parseTilePath(path)).toEqual(tile);
});

test.each([
  "tile/64/000",
  "tile/00/000",
  "tile/0/0",
  "tile/0/1000",
  "tile/0/x000/000",
  "tile/0/000.p/0",
  "tile/0/000.p/256",
  "tile/0/000.p/01",
  "tile/0/000/",
  "tile/0/../000",
  "/tile/0/000",
  "tile/data/000",
  "tile/0/x999/x999/x999/x999/x999/999",
])("%s is no tile's path", (path) => {
  expect(parseTilePath(path)).toBeNull();
});

test("a tree of 70,000 has the tiles that the specification counts", () => {
  const tiles = tilesOf(70_000);
  const count = (level: number | "entries", full: boolean): number =>
    tiles.filter((tile) => tile.level === level && (tile.width === TILE_WIDTH) === full).length;
  expect([count(0, true), count(0, false), count(1, true), count(1, false), count(2, false)]).toEqual([
    273, 1, 1, 1, 1,
  ]);
  expect(count("entries", true)).toBe(273);
  const edge = tiles.filter((tile) => tile.width < TILE_WIDTH).map(({ level, width }) => `${level}:${width}`);
  expect(edge).toEqual(["0:112", "entries:112", "1:17", "2:1"]);
  expect(tilesOf(256).map(tilePath)).toEqual(["tile/0/000", "tile/entries/000", "tile/1/000.p/1"]);
  expect(tilesOf(0)).toEqual([]);
  // From 256 entries on, a further one is a tile of its own; the level above is as it was, and still partial.
  expect(tilesOf(257, 256).map(tilePath)).toEqual([
    "tile/0/001.p/1",
    "tile/entries/001.p/1",
    "tile/1/000.p/1",
  ]);
});

test("proofs made from tiles are proofs", () => {
  const size = 70_000;
  const levels: Hash[][] = [Array.from({ length: size }, (_, i) => leafHash(Buffer.from(String(i))))];
  for (let below = levels[0] ?? []; below.length >= TILE_WIDTH; below = levels.at(-1) ?? []) {
    const full = Math.floor(below.length / TILE_WIDTH);
    levels.push(
      Array.from({ length: full }, (_, i) => rootOfTile(below.slice(i * TILE_WIDTH, (i + 1) * TILE_WIDTH))),
    );
  }
  const read = readerOfTiles((level, index) => levels[level]?.[index] ?? expect.unreachable());
  const root = rootFrom(read, size);
  expect(Buffer.from(root).equals(treeHash(levels[0] ?? []))).toBe(true);
  for (const index of [0, 255, 256, 65_535, 65_536, 69_999]) {
    const proof = proveInclusion(read, index, size);
    const leaf = levels[0]?.[index] ?? expect.unreachable();
    expect(verifyInclusion({ index, size, leafHash: leaf, root, proof })).toBe(true);
  }
  for (const oldSize of [1, 256, 257, 65_536, 65_537, 69_999]) {
    const proof = proveConsistency(read, oldSize, size);
    const oldRoot = treeHash((levels[0] ?? []).slice(0, oldSize));
    expect(verifyConsistency({ oldSize, size, oldRoot, root, proof })).toBe(true);
  }
});

test("a tree that is known by its edge alone grows as the whole one does", () => {
  const count = 66_000;
  const leaves = Array.from({ length: count }, (_, i) => leafHash(Buffer.from(String(i))));
  const above = new Map<number, Hash[]>([[0, leaves]]);
  const edge = new RightEdge();
  for (const [i, leaf] of leaves.entries()) {
    for (const { level, index, hash } of edge.append(leaf)) {
      const hashes = above.get(level) ?? [];
      above.set(level, hashes);
      expect(index).toBe(hashes.length);
      hashes.push(hash);
    }
    // The whole tree is hashed anew for each: beside where a level begins, and at the end.
    if (i < 600 || i === count - 1 || (i > 65_533 && i < 65_537))
      expect(Buffer.from(edge.root()).equals(treeHash(leaves.slice(0, i + 1)))).toBe(true);
  }
  // Taken up again from what tiles hold, it goes on as if it had never been away.
  const size = 65_900;
  const partial = (level: number): Hash[] => {
    const hashes = Math.floor(size / TILE_WIDTH ** level);
    return (above.get(level) ?? []).slice(Math.floor(hashes / TILE_WIDTH) * TILE_WIDTH, hashes);
  };
  const again = new RightEdge(size, partial);
  for (const leaf of leaves.slice(size)) again.append(leaf);
  expect(Buffer.from(again.root()).equals(edge.root())).toBe(true);
  expect(() => new RightEdge(size, () => [])).toThrow(RangeError);
});

test("bundles give back what they were made of, and nothing else is one", () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 20 });
  fc.assert(
    fc.property(entries, fc.nat(), (list, cut) => {
      const bytes = encodeEntries(list);
      const decoded = decodeEntries(bytes);
      expect(decoded.ok && decoded.value.map((entry) => Buffer.from(entry))).toEqual(
        list.map((entry) => Buffer.from(entry)),
      );
      const shorter = bytes.subarray(0, cut % (bytes.byteLength + 1));
      const partial = decodeEntries(shorter);
      if (partial.ok) expect(encodeEntries(partial.value)).toEqual(Buffer.from(shorter));
    }),
    { seed: 42 },
  );
  expect(() => encodeEntries([new Uint8Array(65_536)])).toThrow(RangeError);
  expect(decodeEntries(encodeEntries([new Uint8Array(65_535)])).ok).toBe(true);
});

test("a tile has exactly its width", () => {
  const hashes = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
  expect(decodeTile(encodeTile(hashes), 3)).toHaveLength(3);
  expect(decodeTile(encodeTile(hashes), 2)).toBeNull();
  expect(decodeTile(encodeTile(hashes).subarray(1), 3)).toBeNull();
});

test("entries are found by their lengths, however many they are, and what is cut off is none", () => {
  const lengths = Array.from({ length: 600 }, (_, i) => (i * 7) % 30);
  const bytes = encodeEntries(lengths.map((length) => new Uint8Array(length)));
  // How many entries there are up to each place where one ends.
  const ends = new Map([[0, 0]]);
  let at = 0;
  for (const [i, length] of lengths.entries()) {
    at += 2 + length;
    ends.set(at, i + 1);
  }
  const counts = Array.from({ length: bytes.byteLength + 1 }, (_, end) => {
    const framed = frameEntries(bytes.subarray(0, end));
    return framed.ok ? framed.value.count : null;
  });
  expect(counts).toEqual(counts.map((_, end) => ends.get(end) ?? null));
  const framed = frameEntries(bytes);
  const { starts, ends: stops } = framed.ok ? framed.value : expect.unreachable();
  expect(Array.from(starts, (start, i) => (stops[i] ?? 0) - start)).toEqual(lengths);
  expect([...stops]).toEqual([...ends.keys()].slice(1));
});
