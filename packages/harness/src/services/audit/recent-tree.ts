// The growing end of a log, as the process that keeps it last wrote it: what it needs for the next batch, its files and
// its proof is not asked of the database again. The database stays in charge: none of this is used for a head of
// another size or root than the one that it was written with.

import { type Hash, hashesOfLevel, isSameHash, RightEdge, type Tile, TILE_WIDTH } from "@assent/tlog";
import type { HashRange, LogBatch, LogHead, LogTx } from "../../ports.ts";

/** What files and proofs are made of. */
export type TreeRows = Pick<LogTx, "hashes" | "hashRanges" | "leaves">;

/** Items from one place of a row on, to its end. */
type Tail<T> = { from: number; items: T[] };

const endOf = ({ from, items }: Tail<unknown>): number => from + items.length;

function part<T>({ from, items }: Tail<T>, start: number, count: number): readonly T[] | null {
  return start < from || start + count > from + items.length
    ? null
    : items.slice(start - from, start - from + count);
}

function drop<T>(tail: Tail<T>, before: number): void {
  if (before <= tail.from) return;
  tail.items.splice(0, before - tail.from);
  tail.from = before;
}

/** Where the tile begins that the next of so many hashes belongs to. */
const tileStart = (hashes: number): number => Math.floor(hashes / TILE_WIDTH) * TILE_WIDTH;

export class RecentTree {
  #head: LogHead | null = null;
  /** Of each tile level. */
  #levels: Tail<Hash>[] = [];
  #leaves: Tail<Uint8Array> = { from: 0, items: [] };

  /** @returns the edge to append to; null where this is not the tree that is held */
  edge(head: LogHead): RightEdge | null {
    if (!this.#isOf(head)) return null;
    const partial = this.#levels.map((tail) => tail.items.slice(tileStart(endOf(tail)) - tail.from));
    return new RightEdge(head.size, (level) => partial[level] ?? []);
  }

  /** @param partial the partial tile of each level, as the database has them under this head */
  begin(head: LogHead, partial: readonly (readonly Hash[])[]): void {
    this.#head = head;
    this.#levels = partial.map((hashes, level) => ({
      from: tileStart(hashesOfLevel(level, head.size)),
      items: [...hashes],
    }));
    this.#leaves = { from: head.size, items: [] };
  }

  /** To be told once the batch is committed. */
  grow(before: LogHead, { leaves, nodes, root }: Pick<LogBatch, "leaves" | "nodes" | "root">): void {
    if (!this.#isOf(before)) {
      this.#head = null;
      return;
    }
    for (const { leaf, leafHash } of leaves) {
      this.#leaves.items.push(leaf);
      this.#levelAt(0).items.push(leafHash);
    }
    for (const { level, hash } of nodes) this.#levelAt(level).items.push(hash);
    this.#head = { epoch: before.epoch, size: before.size + leaves.length, root };
  }

  /** What has been published up to so many entries is not needed any more, but for the tiles that go on growing. */
  release(size: number): void {
    for (const [level, tail] of this.#levels.entries()) drop(tail, tileStart(hashesOfLevel(level, size)));
    drop(this.#leaves, tileStart(size));
  }

  /** Whether all that this tile's file is made of is held, for the log of this head. */
  has(head: LogHead, { level, index, width }: Tile): boolean {
    if (!this.#isOf(head)) return false;
    const from = index * TILE_WIDTH;
    const hashes = this.#levels[level === "entries" ? 0 : level];
    return (
      hashes !== undefined &&
      part(hashes, from, width) !== null &&
      (level !== "entries" || part(this.#leaves, from, width) !== null)
    );
  }

  /** Hashes of a log with this head; null where not all of them are held. */
  ranges(head: LogHead, ranges: readonly HashRange[]): readonly (readonly Hash[])[] | null {
    if (!this.#isOf(head)) return null;
    const found: (readonly Hash[])[] = [];
    for (const { level, from, count } of ranges) {
      const tail = this.#levels[level];
      const hashes = tail === undefined ? null : part(tail, from, count);
      if (hashes === null) return null;
      found.push(hashes);
    }
    return found;
  }

  /** As rows are read; to be asked for what it has. */
  get rows(): TreeRows {
    const hashes = (level: number, from: number, count: number): readonly Hash[] => {
      const tail = this.#levels[level];
      return (tail === undefined ? null : part(tail, from, count)) ?? [];
    };
    return {
      hashes: async (_epoch, level, from, count) => await Promise.resolve(hashes(level, from, count)),
      hashRanges: async (_epoch, ranges) =>
        await Promise.resolve(ranges.map(({ level, from, count }) => hashes(level, from, count))),
      leaves: async (_epoch, from, count) => await Promise.resolve(part(this.#leaves, from, count) ?? []),
    };
  }

  #isOf({ epoch, size, root }: LogHead): boolean {
    const held = this.#head;
    return held !== null && held.epoch === epoch && held.size === size && isSameHash(held.root, root);
  }

  #levelAt(level: number): Tail<Hash> {
    return (this.#levels[level] ??= { from: 0, items: [] });
  }
}
