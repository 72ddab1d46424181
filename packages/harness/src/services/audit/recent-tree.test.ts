import { createHash } from "node:crypto";
import { hashesOfLevel, RightEdge, type LevelHash, TILE_WIDTH, tilesOf, treeHash } from "@assent/tlog";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { LogHead } from "../../ports.ts";
import { RecentTree } from "./recent-tree.ts";

const SEED = 20_261_121;

const hashOf = (n: number): Uint8Array => createHash("sha256").update(`entry ${n}`).digest();
const leafOf = (n: number): Uint8Array => Buffer.from(`entry ${n}`);

/** All hashes of a tree, level by level, as rows would have them. */
class Rows {
  readonly levels: Uint8Array[][] = [[]];
  readonly edge: RightEdge = new RightEdge();
  get head(): LogHead {
    return { epoch: 1, size: this.edge.size, root: this.edge.root() };
  }
  append(count: number): {
    leaves: { eventId: string; leaf: Uint8Array; leafHash: Uint8Array; salt: Uint8Array }[];
    nodes: LevelHash[];
  } {
    const leaves = [];
    const nodes: LevelHash[] = [];
    for (let i = 0; i < count; i += 1) {
      const n = this.edge.size;
      const leafHash = hashOf(n);
      leaves.push({ eventId: String(n), leaf: leafOf(n), leafHash, salt: new Uint8Array(32) });
      nodes.push(...this.edge.append(leafHash));
      this.levels[0]?.push(leafHash);
    }
    for (const { level, hash } of nodes) (this.levels[level] ??= []).push(hash);
    return { leaves, nodes };
  }
  partial(): Uint8Array[][] {
    const { size } = this.edge;
    return this.levels
      .filter((_, level) => hashesOfLevel(level, size) > 0)
      .map((hashes) => hashes.slice(Math.floor(hashes.length / TILE_WIDTH) * TILE_WIDTH));
  }
}

/** Every tile between what was published and the head is held, and is what rows have. */
async function holdsTiles(recent: RecentTree, rows: Rows, published: number): Promise<void> {
  const { head } = rows;
  for (const tile of tilesOf(head.size, published)) {
    expect(recent.has(head, tile)).toBe(true);
    const level = tile.level === "entries" ? 0 : tile.level;
    const from = tile.index * TILE_WIDTH;
    const wanted = (rows.levels[level] ?? []).slice(from, from + tile.width);
    expect(await recent.rows.hashes(1, level, from, tile.width)).toEqual(wanted);
    expect(recent.ranges(head, [{ level, from, count: tile.width }])).toEqual([wanted]);
    if (tile.level === "entries")
      expect(await recent.rows.leaves(1, from, tile.width)).toEqual(
        Array.from({ length: tile.width }, (_, i) => leafOf(from + i)),
      );
  }
}

test("whatever the batches and whenever they were published, what is needed next is held and right", async () => {
  const step = fc.record({ count: fc.integer({ min: 1, max: 600 }), publish: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
      const rows = new Rows();
      const recent = new RecentTree();
      recent.begin(rows.head, []);
      let published = 0;
      for (const { count, publish } of steps) {
        const before = rows.head;
        const batch = rows.append(count);
        recent.grow(before, { ...batch, root: rows.head.root });
        expect(recent.edge(rows.head)?.root()).toEqual(rows.head.root);
        await holdsTiles(recent, rows, published);
        if (!publish) continue;
        published = rows.head.size;
        recent.release(published);
      }
      expect(treeHash(rows.levels[0] ?? [])).toEqual(rows.head.root);
    }),
    { seed: SEED, numRuns: 25 },
  );
});

test("a tree past a full tile of the second level goes on from what is held", async () => {
  const rows = new Rows();
  rows.append(TILE_WIDTH * TILE_WIDTH - 1);
  const recent = new RecentTree();
  recent.begin(rows.head, rows.partial());
  const published = rows.head.size;
  const before = rows.head;
  recent.grow(before, { ...rows.append(2), root: rows.head.root });
  expect(recent.edge(rows.head)?.root()).toEqual(rows.head.root);
  // Leaves from before it began are not held; hashes of every level are.
  for (const tile of tilesOf(rows.head.size, published))
    expect([tile, recent.has(rows.head, tile)]).toEqual([
      tile,
      tile.level !== "entries" || tile.index === TILE_WIDTH,
    ]);
  recent.release(rows.head.size);
  const next = rows.head;
  recent.grow(next, { ...rows.append(300), root: rows.head.root });
  expect(recent.edge(rows.head)?.root()).toEqual(rows.head.root);
  // A batch that does not follow what is held: then nothing is.
  recent.grow(next, { ...rows.append(1), root: rows.head.root });
  expect(recent.edge(rows.head)).toBeNull();
});

test("nothing is given of another tree: of another epoch, size or root", () => {
  const rows = new Rows();
  const recent = new RecentTree();
  recent.begin(rows.head, []);
  const before = rows.head;
  recent.grow(before, { ...rows.append(5), root: rows.head.root });
  const { head } = rows;
  const tile = { level: 0, index: 0, width: 5 } as const;
  const range = { level: 0, from: 0, count: 5 };
  expect(recent.has(head, tile)).toBe(true);
  for (const other of [
    { ...head, epoch: 2 },
    { ...head, size: 4 },
    { ...head, root: hashOf(99) },
  ])
    expect([recent.edge(other), recent.has(other, tile), recent.ranges(other, [range])]).toEqual([
      null,
      false,
      null,
    ]);
  // What was not held before is not told to be there.
  expect(recent.has(head, { ...tile, width: 6 })).toBe(false);
  expect(recent.ranges(head, [{ ...range, count: 6 }])).toBeNull();
});
