// Hashes of whole bundles and tiles at once, for whoever verifies millions of entries: what `leafHash` and `rootOfTile`
// give, at less for each. Entries are long, and the platform's hash has instructions for them; nodes are short, and are
// hashed four at a time in vectors. Where the platform has no vectors `rootOfTile` does their work.

import { hash } from "node:crypto";
import { HASH_BYTES, leafHash } from "./hash.ts";
import { createTileRoots } from "./sha256-wasm.ts";
import { rootOfTile, TILE_WIDTH } from "./tiles.ts";

export type BulkHash = {
  /**
   * The leaf hashes of entries that lie in one buffer, one after the other: 32 bytes each. Overwritten by the next call.
   * @param bytes changed while it runs, and left as they were
   * @param starts where each entry begins; @param ends where it ends
   */
  leaves(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, count: number): Uint8Array;
  /** The hash that a full tile of 256 hashes becomes in the level above: 32 bytes of its own. */
  tileRoot(tile: Uint8Array): Uint8Array;
};

export function createBulkHash(): BulkHash {
  const leaves = createLeafHashes();
  const rootOf = createTileRoots() ?? onPlatform;
  return {
    leaves,
    tileRoot(tile): Uint8Array {
      if (tile.byteLength !== TILE_WIDTH * HASH_BYTES)
        throw new RangeError("only a full tile becomes a hash of the level above");
      return rootOf(tile);
    },
  };
}

/** One node at a time, by the platform. */
export function onPlatform(tile: Uint8Array): Uint8Array {
  return rootOfTile(
    Array.from({ length: tile.byteLength / HASH_BYTES }, (_, i) =>
      tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
    ),
  );
}

/** RFC 6962 section 2.1: what stands before an entry when it is hashed. */
const LEAF_PREFIX = 0;

function createLeafHashes(): BulkHash["leaves"] {
  let hashes = new Uint8Array(TILE_WIDTH * HASH_BYTES);
  return (bytes, starts, ends, count) => {
    const { buffer, byteOffset } = bytes;
    if (hashes.byteLength < count * HASH_BYTES) hashes = new Uint8Array(count * HASH_BYTES);
    // A digest as a string of bytes costs a third of what one in a buffer of its own does.
    let digests = "";
    for (let i = 0; i < count; i += 1) {
      const start = starts[i] ?? 0;
      const end = ends[i] ?? 0;
      if (start === 0) {
        digests += Buffer.from(leafHash(bytes.subarray(start, end))).toString("latin1");
        continue;
      }
      // The prefix takes the place of the byte before the entry: no entry is copied.
      const before = bytes[start - 1] ?? 0;
      bytes[start - 1] = LEAF_PREFIX;
      const prefixed = new Uint8Array(buffer, byteOffset + start - 1, end - start + 1);
      digests += hash("sha256", prefixed, "binary");
      bytes[start - 1] = before;
    }
    Buffer.from(hashes.buffer).write(digests, "latin1");
    return hashes.subarray(0, count * HASH_BYTES);
  };
}
