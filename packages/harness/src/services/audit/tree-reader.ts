// Proofs are computed by plain functions that read hashes; hashes lie in the database. So the computation is done
// twice: once to learn which hashes it wants, and again with them.

import { type HashReader, rangeOfSubtree, readerOfTiles, TILE_WIDTH } from "@assent/tlog";
import { assert } from "../../base/assert.ts";
import type { LogTx } from "../../ports.ts";

const NOTHING = new Uint8Array(32);

/** @param make is called twice, and must ask the same each time */
export async function withHashes<T>(
  tx: Pick<LogTx, "hashRanges">,
  epoch: number,
  make: (read: HashReader) => T,
): Promise<T> {
  const wanted = new Map<string, { level: number; from: number; to: number }>();
  make((level, index) => {
    const range = rangeOfSubtree(level, index);
    const end = range.start + range.count;
    // A subtree never crosses the tiles of its level, so one range a tile is enough.
    const tile = `${range.level}/${Math.floor(range.start / TILE_WIDTH)}`;
    const before = wanted.get(tile) ?? { level: range.level, from: range.start, to: end };
    wanted.set(tile, {
      level: range.level,
      from: Math.min(before.from, range.start),
      to: Math.max(before.to, end),
    });
    return NOTHING;
  });
  const hashes = new Map<string, Uint8Array>();
  const ranges = [...wanted.values()].map(({ level, from, to }) => ({ level, from, count: to - from }));
  const found = ranges.length === 0 ? [] : await tx.hashRanges(epoch, ranges);
  for (const [at, { level, from }] of ranges.entries())
    for (const [i, hash] of (found[at] ?? []).entries()) hashes.set(`${level}/${from + i}`, hash);
  return make(
    readerOfTiles((level, index) => {
      const hash = hashes.get(`${level}/${index}`);
      assert(hash !== undefined, "the tree has every hash that its size says");
      return hash;
    }),
  );
}
