// Hashes of whole bundles and tiles at once, for whoever verifies millions of entries: what `leafHash` and `rootOfTile`
// give, without a call into the platform for each. Where the platform has no vectors those two do the work.

import { HASH_BYTES, leafHash } from "./hash.ts";
import { sha256Module, WORKSPACE_AT } from "./sha256-wasm.ts";
import { ENTRY_BYTES_MAX, rootOfTile, TILE_WIDTH } from "./tiles.ts";

export type BulkHash = {
  /**
   * The leaf hashes of entries that lie in one buffer, one after the other: 32 bytes each. Overwritten by the next call.
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
/** Prefix byte, the byte that begins the padding, and the length: what a message has beside its content. */
const OVERHEAD_BYTES = 1 + 1 + 8;
const blocksOf = (bytes: number): number => Math.ceil((bytes + OVERHEAD_BYTES) / BLOCK_BYTES);

// Where things lie in the module's memory.
const LANE_BYTES = blocksOf(ENTRY_BYTES_MAX) * BLOCK_BYTES;
const TABLE_AT = WORKSPACE_AT;
const MESSAGES_AT = TABLE_AT + 2 * LANES * ADDRESS_BYTES;
const HASHES_AT = MESSAGES_AT + LANES * LANE_BYTES;
const INPUT_AT = HASHES_AT + TILE_WIDTH * HASH_BYTES;
/** A bundle of the largest entries is hashed in parts of this. */
const INPUT_BYTES_MAX = 1024 * 1024;
const PAGES = Math.ceil((INPUT_AT + INPUT_BYTES_MAX) / PAGE_BYTES);

type Exports = {
  readonly memory: Uint8Array;
  readonly table: Int32Array;
  readonly hash4: (table: number, blocks: number) => void;
  readonly pad: (prefix: number, source: number, length: number, target: number, blocks: number) => void;
};

// The platform has it, the language's own library of types does not.
declare const WebAssembly: {
  validate(module: Uint8Array): boolean;
  Module: new (module: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

type Numbers = (...values: number[]) => void;
const isFunction = (value: unknown): value is Numbers => typeof value === "function";

function instantiate(): Exports | null {
  const module = sha256Module(PAGES);
  if (!WebAssembly.validate(module)) return null;
  const { memory, hash4, pad } = new WebAssembly.Instance(new WebAssembly.Module(module)).exports;
  const buffer: unknown =
    typeof memory === "object" && memory !== null ? Reflect.get(memory, "buffer") : null;
  if (!(buffer instanceof ArrayBuffer) || !isFunction(hash4) || !isFunction(pad)) return null;
  return {
    memory: new Uint8Array(buffer),
    table: new Int32Array(buffer, TABLE_AT, 2 * LANES),
    hash4,
    pad,
  };
}

export function createBulkHash(): BulkHash {
  const wasm = instantiate();
  return wasm === null ? onPlatform() : onVectors(wasm);
}

/** One hash at a time, by the platform. */
export function onPlatform(): BulkHash {
  let hashes = new Uint8Array(0);
  return {
    leaves(bytes, starts, ends, count): Uint8Array {
      if (hashes.byteLength < count * HASH_BYTES) hashes = new Uint8Array(count * HASH_BYTES);
      for (let i = 0; i < count; i += 1)
        hashes.set(leafHash(bytes.subarray(starts[i], ends[i])), i * HASH_BYTES);
      return hashes.subarray(0, count * HASH_BYTES);
    },
    tileRoot: (tile) =>
      rootOfTile(
        Array.from({ length: tile.byteLength / HASH_BYTES }, (_, i) =>
          tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
        ),
      ),
  };
}

function onVectors(wasm: Exports): BulkHash {
  const { memory } = wasm;
  let hashes = new Uint8Array(TILE_WIDTH * HASH_BYTES);
  return {
    leaves(bytes, starts, ends, count): Uint8Array {
      if (hashes.byteLength < count * HASH_BYTES) hashes = new Uint8Array(count * HASH_BYTES);
      for (let done = 0; done < count;) {
        const next = partOf(starts, ends, done, count);
        hashPart(wasm, bytes, starts, ends, done, next);
        hashes.set(memory.subarray(HASHES_AT, HASHES_AT + (next - done) * HASH_BYTES), done * HASH_BYTES);
        done = next;
      }
      return hashes.subarray(0, count * HASH_BYTES);
    },
    tileRoot(tile): Uint8Array {
      if (tile.byteLength !== TILE_WIDTH * HASH_BYTES)
        throw new RangeError("only a full tile becomes a hash of the level above");
      memory.set(tile, HASHES_AT);
      for (let width = TILE_WIDTH; width > 1; width /= 2) halve(wasm, width);
      return memory.slice(HASHES_AT, HASHES_AT + HASH_BYTES);
    },
  };
}

/** As many entries as fit into memory at once, and no more than a tile. */
function partOf(starts: Int32Array, ends: Int32Array, from: number, count: number): number {
  const begin = starts[from] ?? 0;
  let to = from + 1;
  while (to < count && to - from < TILE_WIDTH && (ends[to] ?? 0) - begin <= INPUT_BYTES_MAX) to += 1;
  return to;
}

const MESSAGE_BLOCKS_MAX = blocksOf(ENTRY_BYTES_MAX);
// Of each length in blocks the entries that wait for three others of that length.
const waiting = new Int32Array((MESSAGE_BLOCKS_MAX + 1) * LANES);
const waitingCount = new Uint8Array(MESSAGE_BLOCKS_MAX + 1);

function hashPart(
  wasm: Exports,
  bytes: Uint8Array,
  starts: Int32Array,
  ends: Int32Array,
  from: number,
  to: number,
): void {
  const begin = starts[from] ?? 0;
  wasm.memory.set(bytes.subarray(begin, ends[to - 1]), INPUT_AT);
  let longest = 0;
  for (let i = from; i < to; i += 1) {
    const blocks = blocksOf((ends[i] ?? 0) - (starts[i] ?? 0));
    if (blocks > longest) longest = blocks;
    const place = waitingCount[blocks] ?? 0;
    waiting[blocks * LANES + place] = i;
    waitingCount[blocks] = place + 1;
    if (place + 1 === LANES) hashWaiting(wasm, blocks, starts, ends, from, begin);
  }
  for (let blocks = 1; blocks <= longest; blocks += 1)
    if ((waitingCount[blocks] ?? 0) > 0) hashWaiting(wasm, blocks, starts, ends, from, begin);
}

// Lanes that nothing waits for do the last message again.
function hashWaiting(
  { table, pad, hash4 }: Exports,
  blocks: number,
  starts: Int32Array,
  ends: Int32Array,
  from: number,
  begin: number,
): void {
  const last = (waitingCount[blocks] ?? 1) - 1;
  for (let lane = 0; lane < LANES; lane += 1) {
    const i = waiting[blocks * LANES + Math.min(lane, last)] ?? 0;
    const start = starts[i] ?? 0;
    const target = MESSAGES_AT + lane * LANE_BYTES;
    pad(0, INPUT_AT + start - begin, (ends[i] ?? 0) - start, target, blocks);
    table[lane] = target;
    table[LANES + lane] = HASHES_AT + (i - from) * HASH_BYTES;
  }
  waitingCount[blocks] = 0;
  hash4(TABLE_AT, blocks);
}

const NODE_BYTES = 2 * HASH_BYTES;
const NODE_BLOCKS = blocksOf(NODE_BYTES);

// Nodes are written over the hashes they are made of; what a round of four reads lies before what the next one needs.
function halve({ table, pad, hash4 }: Exports, width: number): void {
  const nodes = width / 2;
  for (let first = 0; first < nodes; first += LANES) {
    for (let lane = 0; lane < LANES; lane += 1) {
      const node = Math.min(first + lane, nodes - 1);
      const target = MESSAGES_AT + lane * LANE_BYTES;
      pad(1, HASHES_AT + node * NODE_BYTES, NODE_BYTES, target, NODE_BLOCKS);
      table[lane] = target;
      table[LANES + lane] = HASHES_AT + node * HASH_BYTES;
    }
    hash4(TABLE_AT, NODE_BLOCKS);
  }
}
