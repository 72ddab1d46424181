// Hashes of whole bundles and tiles at once, for whoever verifies millions of entries: what `leafHash` and `rootOfTile`
// give, at less for each. Entries are long, and the platform's hash has instructions for them; nodes are short, and are
// hashed four at a time in vectors. Where the platform has no vectors `rootOfTile` does their work.

import { hash } from "node:crypto";
import { HASH_BYTES, leafHash } from "./hash.ts";
import { sha256Parts, WORKSPACE_AT } from "./sha256-wasm.ts";
import { rootOfTile, TILE_WIDTH } from "./tiles.ts";
import { instantiate } from "./wasm-code.ts";

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

const PAGE_BYTES = 65_536;
const LANES = 4;
const BLOCK_BYTES = 64;
const ADDRESS_BYTES = 4;

export function createBulkHash(): BulkHash {
  const leaves = createLeafHashes();
  return { leaves, tileRoot: createTileRoots() ?? onPlatform };
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
    if (hashes.byteLength < count * HASH_BYTES) hashes = new Uint8Array(count * HASH_BYTES);
    // A digest as a string of bytes costs a third of what one in a buffer of its own does.
    let digests = "";
    for (let i = 0; i < count; i += 1) {
      const [start, end] = [starts[i] ?? 0, ends[i] ?? 0];
      if (start === 0) {
        digests += Buffer.from(leafHash(bytes.subarray(start, end))).toString("latin1");
        continue;
      }
      // The prefix takes the place of the byte before the entry: no entry is copied.
      const before = bytes[start - 1] ?? 0;
      bytes[start - 1] = LEAF_PREFIX;
      digests += hash("sha256", bytes.subarray(start - 1, end), "binary");
      bytes[start - 1] = before;
    }
    Buffer.from(hashes.buffer).write(digests, "latin1");
    return hashes.subarray(0, count * HASH_BYTES);
  };
}

// Where things lie in the module's memory.
const NODE_BYTES = 2 * HASH_BYTES;
/** With the prefix byte, the byte that begins the padding, and the length. */
const NODE_BLOCKS = Math.ceil((NODE_BYTES + 1 + 1 + 8) / BLOCK_BYTES);
const TABLE_AT = WORKSPACE_AT;
const MESSAGES_AT = TABLE_AT + 2 * LANES * ADDRESS_BYTES;
const MESSAGE_BYTES = NODE_BLOCKS * BLOCK_BYTES;
const HASHES_AT = MESSAGES_AT + LANES * MESSAGE_BYTES;
const MODULE = sha256Parts(Math.ceil((HASHES_AT + TILE_WIDTH * HASH_BYTES) / PAGE_BYTES));

// Nodes are written over the hashes they are made of; what a round of four reads lies before what the next one needs.
function createTileRoots(): BulkHash["tileRoot"] | null {
  const wasm = instantiate(MODULE);
  const [hash4, pad] = wasm?.functions ?? [];
  if (wasm === null || hash4 === undefined || pad === undefined) return null;
  const memory = new Uint8Array(wasm.memory);
  const table = new Int32Array(wasm.memory, TABLE_AT, 2 * LANES);
  const halve = (width: number): void => {
    const nodes = width / 2;
    for (let first = 0; first < nodes; first += LANES) {
      // Lanes that have no node do the last one again.
      for (let lane = 0; lane < LANES; lane += 1) {
        const node = Math.min(first + lane, nodes - 1);
        const target = MESSAGES_AT + lane * MESSAGE_BYTES;
        pad(1, HASHES_AT + node * NODE_BYTES, NODE_BYTES, target, NODE_BLOCKS);
        table[lane] = target;
        table[LANES + lane] = HASHES_AT + node * HASH_BYTES;
      }
      hash4(TABLE_AT, NODE_BLOCKS);
    }
  };
  return (tile) => {
    if (tile.byteLength !== TILE_WIDTH * HASH_BYTES)
      throw new RangeError("only a full tile becomes a hash of the level above");
    memory.set(tile, HASHES_AT);
    for (let width = TILE_WIDTH; width > 1; width /= 2) halve(width);
    return memory.slice(HASHES_AT, HASHES_AT + HASH_BYTES);
  };
}
