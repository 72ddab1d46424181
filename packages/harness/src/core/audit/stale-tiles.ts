// A copy that was brought forward has smaller tiles of before beside those that took their place. Nobody needs them, but a
// reader that has an earlier checkpoint takes them: each begins the tile that is there now, or says something else.

import { type BulkHash, frameEntries, HASH_BYTES, type Tile, tilePath } from "@assent/tlog";
import { type Inventory, staleKey } from "./inventory.ts";
import type { LogFinding, LogSource } from "./verify-source.ts";

export type StaleTiles = {
  /** Widths of the smaller ones of this tile or bundle. */
  widths(tile: Pick<Tile, "level" | "index">): readonly number[];
  /**
   * Holds them against the tree.
   * @param hashes of the tile as it is now, or of the entries of the bundle; they are not kept
   */
  check(tile: Pick<Tile, "level" | "index">, hashes: Uint8Array, at: string): void;
};

const NONE: readonly number[] = [];

export function createStaleTiles(
  source: LogSource,
  { stale }: Inventory,
  bulk: BulkHash,
  add: (finding: LogFinding) => void,
): StaleTiles {
  // Most copies have none.
  const widths: StaleTiles["widths"] = (tile) =>
    stale.size === 0 ? NONE : (stale.get(staleKey(tile)) ?? NONE);
  return {
    widths,
    check(tile, hashes, at): void {
      const some = widths(tile);
      if (some.length === 0) return;
      // Of their own: entries are hashed into the room that these may lie in.
      const now = Buffer.from(hashes);
      for (const width of some) {
        const path = tilePath({ ...tile, width });
        const bytes = source.read(path);
        const said = bytes === null || tile.level !== "entries" ? bytes : hashesOf(bytes, bulk);
        if (said !== null && now.subarray(0, width * HASH_BYTES).equals(said)) continue;
        const detail = `${path} is a smaller one of before, and says something else than the tree does now`;
        add({ code: "tile_ambiguous", at, detail });
      }
    },
  };
}

function hashesOf(bytes: Uint8Array, bulk: BulkHash): Uint8Array | null {
  const framed = frameEntries(bytes);
  if (!framed.ok) return null;
  const { starts, ends, count } = framed.value;
  return bulk.leaves(bytes, starts, ends, count);
}
