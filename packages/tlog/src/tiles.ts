// C2SP tlog-tiles: the tree as files of 256 hashes, and its entries as bundles of 256. https://c2sp.org/tlog-tiles

import { type Hash, HASH_BYTES, nodeHash } from "./hash.ts";
import type { HashReader } from "./proofs.ts";
import { fail, ok, type Result } from "./result.ts";

/** Hashes of a full tile, entries of a full bundle. */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;
const LEVEL_MAX = 63;

/** The length of an entry in a bundle is two bytes. */
export const ENTRY_BYTES_MAX = 65_535;

export type Tile = {
  /** 0 to 63, or `entries` for a bundle of entries. */
  readonly level: number | "entries";
  readonly index: number;
  /** 1 to 256 hashes or entries; below 256 the tile is partial. */
  readonly width: number;
};

const threeDigits = (number: number): string => String(number).padStart(3, "0");

/** `tile/<L>/<N>[.p/<W>]`, N in groups of three digits. Without looking for these in a text: it is made for every file that is read. */
export function tilePath({ level, index, width }: Tile): string {
  let name = threeDigits(index % 1_000);
  for (let rest = Math.floor(index / 1_000); rest > 0; rest = Math.floor(rest / 1_000))
    name = `x${threeDigits(rest % 1_000)}/${name}`;
  return `tile/${level}/${name}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

const PATH = /^tile\/(entries|0|[1-9]\d?)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** The tile that a path names; null for what is not the one spelling of a tile's path. */
export function parseTilePath(path: string): Tile | null {
  const [, level, name, partial] = PATH.exec(path) ?? [];
  if (level === undefined || name === undefined) return null;
  const tile: Tile = {
    level: level === "entries" ? level : Number(level),
    index: Number(name.replaceAll(/[x/]/g, "")),
    width: partial === undefined ? TILE_WIDTH : Number(partial),
  };
  if (!Number.isSafeInteger(tile.index) || (tile.level !== "entries" && tile.level > LEVEL_MAX)) return null;
  if (partial !== undefined && tile.width >= TILE_WIDTH) return null;
  return tilePath(tile) === path ? tile : null;
}

/** Hashes of a level in the tree of this size: those of full tiles below. */
export const hashesOfLevel = (level: number, size: number): number => Math.floor(size / TILE_WIDTH ** level);

/** All tiles of the tree of this size from entry `from` on, levels and entry bundles, those of the right edge partial. */
export function tilesOf(size: number, from: number = 0): Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0; hashesOfLevel(level, size) > 0; level += 1) {
    const hashes = hashesOfLevel(level, size);
    // A tile that was full before stays what it was; one that was partial is written anew.
    for (
      let index = Math.floor(hashesOfLevel(level, from) / TILE_WIDTH);
      index * TILE_WIDTH < hashes;
      index += 1
    ) {
      const width = Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH);
      tiles.push({ level, index, width });
      if (level === 0) tiles.push({ level: "entries", index, width });
    }
  }
  return tiles;
}

/** The hashes of a tile's file; null unless it has exactly the width that is asked for. */
export function decodeTile(bytes: Uint8Array, width: number): Hash[] | null {
  if (bytes.byteLength !== width * HASH_BYTES) return null;
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

export const encodeTile = (hashes: readonly Hash[]): Uint8Array => Buffer.concat(hashes);

/** Where the entries of a bundle's file lie in it. */
export type EntryFrames = {
  readonly count: number;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
};

/** Finds the entries of a bundle's file: each stands after its length as a big-endian uint16. */
export function frameEntries(bytes: Uint8Array): Result<EntryFrames> {
  const { byteLength } = bytes;
  let starts: Int32Array = new Int32Array(TILE_WIDTH);
  let ends: Int32Array = new Int32Array(TILE_WIDTH);
  let count = 0;
  for (let at = 0; at < byteLength; count += 1) {
    if (at + 1 === byteLength) return fail(`entry ${count} has no whole length`);
    if (count === starts.length) [starts, ends] = [twice(starts), twice(ends)];
    starts[count] = at + 2;
    at += 2 + (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
    ends[count] = at;
    if (at > byteLength) return fail(`entry ${count} is cut off`);
  }
  return ok({ count, starts: starts.subarray(0, count), ends: ends.subarray(0, count) });
}

function twice(numbers: Int32Array): Int32Array {
  const larger = new Int32Array(2 * numbers.length);
  larger.set(numbers);
  return larger;
}

/** Entries of a bundle's file. Views into the bytes, not copies. */
export function decodeEntries(bytes: Uint8Array): Result<Uint8Array[]> {
  const framed = frameEntries(bytes);
  if (!framed.ok) return framed;
  const { count, starts, ends } = framed.value;
  return ok(Array.from({ length: count }, (_, i) => bytes.subarray(starts[i], ends[i])));
}

/** @throws RangeError for an entry of more than 65,535 bytes: it has no form in a bundle */
export function encodeEntries(entries: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    if (entry.byteLength > ENTRY_BYTES_MAX) throw new RangeError("an entry has at most 65,535 bytes");
    parts.push(Uint8Array.of(Math.floor(entry.byteLength / 256), entry.byteLength % 256), entry);
  }
  return Buffer.concat(parts);
}

/** The hash that a full tile becomes in the level above. */
export function rootOfTile(hashes: readonly Hash[]): Hash {
  let level = [...hashes];
  if (level.length !== TILE_WIDTH) throw new RangeError("only a full tile becomes a hash of the level above");
  while (level.length > 1) {
    const above: Hash[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i], level[i + 1]];
      if (left !== undefined && right !== undefined) above.push(nodeHash(left, right));
    }
    level = above;
  }
  const [root] = level;
  if (root === undefined) throw new RangeError("a tile has hashes");
  return root;
}

/** Where a subtree's hash is computed from: hashes [start, start + count) of one tile level. */
export type HashRange = { readonly level: number; readonly start: number; readonly count: number };

export function rangeOfSubtree(level: number, index: number): HashRange {
  const within = level % TILE_HEIGHT;
  const count = 2 ** within;
  return { level: (level - within) / TILE_HEIGHT, start: index * count, count };
}

/**
 * A reader of subtree hashes over one of tile levels, for making proofs.
 * @param hashAt the hash at a place of a tile level; each is in the tree of the size in question
 */
export function readerOfTiles(hashAt: (level: number, index: number) => Hash): HashReader {
  return (level, index) => {
    const range = rangeOfSubtree(level, index);
    let hashes = Array.from({ length: range.count }, (_, i) => hashAt(range.level, range.start + i));
    while (hashes.length > 1) {
      hashes = Array.from({ length: hashes.length / 2 }, (_, i) => {
        const [left, right] = [hashes[2 * i], hashes[2 * i + 1]];
        if (left === undefined || right === undefined)
          throw new RangeError("a complete subtree has all its hashes");
        return nodeHash(left, right);
      });
    }
    const [root] = hashes;
    if (root === undefined) throw new RangeError("a subtree has a hash");
    return root;
  };
}
