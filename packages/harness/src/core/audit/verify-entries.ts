// The entries of an exported log, bundle by bundle: memory stays small however long the log is.

import {
  type BulkHash,
  createBulkHash,
  decodeTile,
  type EntryFrames,
  frameEntries,
  type Hash,
  HASH_BYTES,
  isSameHash,
  type LevelHash,
  RightEdge,
  type Tile,
  TILE_WIDTH,
  tilePath,
} from "@assent/tlog";
import {
  createLeafChecks,
  epochOf,
  type LeafChecks,
  type LeafKnowledge,
  type LeafTotals,
} from "./verify-leaf.ts";
import type { Inventory } from "./inventory.ts";
import type { TimeKnowledge } from "./event-times.ts";
import { checkOpened, openedOfNothing } from "./opened-lines.ts";
import { nameRepeated } from "./repeated-ids.ts";
import { createStaleTiles, type StaleTiles } from "./stale-tiles.ts";
import {
  type LogFinding,
  type LogSource,
  type Memory,
  openedBeside,
  openedPath,
  payloadPath,
} from "./verify-source.ts";

type Add = (finding: LogFinding) => void;

type Walk = {
  readonly bulk: BulkHash;
  readonly source: LogSource;
  /** Files are read into the same bytes again and again; what is kept of them is copied. */
  readonly rooms: { readonly entries: Uint8Array; readonly tile: Uint8Array; readonly payloads: Uint8Array };
  readonly size: number;
  readonly memories: readonly Known[];
  readonly checks: LeafChecks;
  readonly stale: StaleTiles;
  readonly add: Add;
  /** Grown from the entries themselves, and from what the tiles say of them. */
  entries: RightEdge;
  readonly tiles: RightEdge;
  /** The tile of each upper level that is being compared. */
  readonly upper: Map<number, { readonly index: number; readonly hashes: readonly Hash[] | null }>;
  /** Where the two differ. */
  readonly differing: number[];
  /** Bundles whose payloads have a file, and the ranges of those that have none. */
  openedBundles: number;
  readonly unopened: string[];
};

/** A memory, and the root that the export has at its size. */
type Known = Memory & { found: Hash | null };

/** Places where entry and tile differ that are kept: enough to name the first ones. */
const DIFFERENCES_MAX = 1_000;

/** What later logs of the tenant record of this one. */
export type KnownElsewhere = Pick<LeafKnowledge, "begun" | "kept"> & {
  readonly erased: readonly number[];
  readonly minimum: number;
};

type KnownHere = TimeKnowledge & { readonly memories: readonly Memory[]; readonly inventory: Inventory };

export function readEntries(
  source: LogSource,
  origin: string,
  checkpoint: { readonly size: number; readonly root: Hash },
  { memories, inventory, ...known }: KnownHere & KnownElsewhere,
  add: Add,
): LeafTotals {
  const { size, root } = checkpoint;
  const bulk = createBulkHash();
  const checks = createLeafChecks(origin, add, known);
  const walk: Walk = {
    bulk,
    stale: createStaleTiles(source, inventory, bulk, add),
    source,
    rooms: {
      ...checks.rooms,
      // One more than it has: what fills a room may be longer.
      tile: new Uint8Array(TILE_WIDTH * HASH_BYTES + 1),
    },
    size,
    memories: memories.map((memory) => ({ ...memory, found: null })),
    checks,
    add,
    entries: new RightEdge(),
    tiles: new RightEdge(),
    upper: new Map(),
    differing: [],
    openedBundles: 0,
    unopened: [],
  };
  for (let index = 0; index * TILE_WIDTH < size; index += 1) {
    if (!readBundle(walk, { level: 0, index, width: Math.min(TILE_WIDTH, size - index * TILE_WIDTH) })) break;
  }
  const bundleOf = (index: number): Uint8Array | null => readBundleBytes(walk, index);
  nameRepeated({ epoch: epochOf(origin), size }, walk.checks.repeated(), bundleOf, add);
  judge(walk, root);
  checkPayloadFiles(walk);
  return walk.checks.end();
}

/** A tile's bytes, and how many hashes or entries a file of its name has. */
type Held = { readonly bytes: Uint8Array; readonly width: number };

// A partial tile may have been replaced by the full one that holds it. Which of the two it is says how much is in it:
// under a partial one's name there is nothing behind what was signed.
function readTile(source: LogSource, tile: Tile, room?: Uint8Array): Held | null {
  const bytes = source.read(tilePath(tile), room);
  if (bytes !== null) return { bytes, width: tile.width };
  const full = tile.width === TILE_WIDTH ? null : source.read(tilePath({ ...tile, width: TILE_WIDTH }), room);
  return full === null ? null : { bytes: full, width: TILE_WIDTH };
}

// Where both are there, either may be what another reader takes: the full one begins with what the partial one has.
function checkBoth({ source, add }: Walk, tile: Tile, at: string): void {
  if (tile.width === TILE_WIDTH) return;
  const partial = source.read(tilePath(tile));
  const full = partial === null ? null : source.read(tilePath({ ...tile, width: TILE_WIDTH }));
  if (partial === null || full === null || bufferOf(full).subarray(0, partial.byteLength).equals(partial))
    return;
  const detail = `${tilePath(tile)} and ${tilePath({ ...tile, width: TILE_WIDTH })} differ: readers may take either`;
  add({ code: "tile_ambiguous", at, detail });
}

// A view, so that entries can be read as text.
const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

function readBundle(walk: Walk, tile: Tile): boolean {
  const { source, add } = walk;
  const first = tile.index * TILE_WIDTH;
  const range = `entries ${first} to ${first + tile.width - 1}`;
  for (const level of ["entries", 0] as const) checkBoth(walk, { ...tile, level }, range);
  const held = readTile(source, { ...tile, level: "entries" }, walk.rooms.entries);
  if (held === null && tile.width === TILE_WIDTH && readHole(walk, tile)) return true;
  const framed = held === null ? null : frameEntries(held.bytes);
  if (held === null || framed === null || !framed.ok) {
    const detail = framed === null || framed.ok ? "their file is missing" : framed.error;
    add({ code: "entries_missing", at: range, detail });
    return false;
  }
  const { count, starts, ends } = framed.value;
  if (count < tile.width) {
    add({
      code: "entries_missing",
      at: `entry ${first + count}`,
      detail: `${range} should be ${tile.width}, there are ${count}`,
    });
    return false;
  }
  if (count !== held.width)
    add({
      code: "entries_added",
      at: `entry ${first + tile.width}`,
      detail: "there are more entries than the checkpoint covers",
    });
  const { bytes } = held;
  const computed = walk.bulk.leaves(bytes, starts, ends, tile.width);
  const said = tileHashes(walk, tile, range) ?? computed;
  grow(walk, tile, computed, said);
  for (const level of [0, "entries"] as const) walk.stale.check({ ...tile, level }, said, range);
  checkBundle(walk, tile, bytes, framed.value);
  return true;
}

/** What the entries say, and what opens them. @param tile as many of them as are looked at */
function checkBundle(walk: Walk, tile: Tile, bytes: Uint8Array, frames: EntryFrames): void {
  const { source, checks, add } = walk;
  const first = tile.index * TILE_WIDTH;
  const path = payloadPath(tilePath({ ...tile, level: "entries" }));
  const payloads = source.read(path, walk.rooms.payloads);
  if (payloads === null) walk.unopened.push(`entries ${first} to ${first + tile.width - 1}`);
  else walk.openedBundles += 1;
  checks.openBundle(payloads, { first, count: tile.width });
  checkLeaves(checks, bufferOf(bytes), frames, tile);
  const opened = source.read(openedBeside(path));
  const leafAt = (index: number): Uint8Array =>
    bytes.subarray(frames.starts[index - first], frames.ends[index - first]);
  if (opened !== null) checkOpened({ opened, payloads, first, count: tile.width, leafAt }, add);
}

// By itself, since it is what most of the time goes into but hashing: it is compiled once, whatever becomes of the rest.
function checkLeaves(checks: LeafChecks, bytes: Buffer, { starts, ends }: EntryFrames, tile: Tile): void {
  const first = tile.index * TILE_WIDTH;
  for (let i = 0; i < tile.width; i += 1) checks.check(bytes, starts[i] ?? 0, ends[i] ?? 0, first + i);
}

/** Entries of a full bundle that is not there, but its hashes are: whether it may be gone the log itself says, later. */
function readHole(walk: Walk, tile: Tile): boolean {
  const { source, add, checks } = walk;
  const hashes = readTile(source, tile, walk.rooms.tile)?.bytes;
  if (hashes?.byteLength !== TILE_WIDTH * HASH_BYTES) return false;
  const first = tile.index * TILE_WIDTH;
  grow(walk, tile, hashes, hashes);
  for (const level of [0, "entries"] as const)
    walk.stale.check({ ...tile, level }, hashes, `entries ${first} to ${first + TILE_WIDTH - 1}`);
  const left = readLeft(walk, tile);
  checks.skip({ first: first + left, end: first + TILE_WIDTH });
  if (left > 0) return true;
  if (source.read(payloadPath(tilePath({ ...tile, level: "entries" })), walk.rooms.payloads) !== null)
    add({
      code: "payload_malformed",
      at: `payloads from entry ${first}`,
      detail: "there are payloads of entries that are not there: nothing says what they are",
    });
  if (source.read(openedPath(tilePath({ ...tile, level: "entries" }))) !== null) add(openedOfNothing(first));
  return true;
}

// A copy that was made when the bundle was not full yet keeps what it had then: those entries are there still.
function readLeft(walk: Walk, tile: Tile): number {
  const { bytes, width } = readStale(walk, tile.index);
  const framed = bytes === null ? null : frameEntries(bytes);
  if (bytes === null || framed?.ok !== true || framed.value.count !== width) return 0;
  checkBundle(walk, { ...tile, width }, bytes, framed.value);
  return width;
}

/** The largest smaller bundle of before. */
function readStale(
  { source, stale }: Walk,
  index: number,
): { readonly bytes: Uint8Array | null; readonly width: number } {
  const width = Math.max(0, ...stale.widths({ level: "entries", index }));
  return { bytes: width === 0 ? null : source.read(tilePath({ level: "entries", index, width })), width };
}

function readBundleBytes(walk: Walk, index: number): Uint8Array | null {
  const width = Math.min(TILE_WIDTH, walk.size - index * TILE_WIDTH);
  return readTile(walk.source, { level: "entries", index, width })?.bytes ?? readStale(walk, index).bytes;
}

const hashAt = (hashes: Uint8Array, i: number): Hash => hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);

/** Adds a bundle's hashes to the trees. @param computed from the entries; @param said what the tile holds */
function grow(walk: Walk, tile: Tile, computed: Uint8Array, said: Uint8Array): void {
  const { memories, tiles } = walk;
  const first = tile.index * TILE_WIDTH;
  const end = first + tile.width;
  const isSame = said === computed || bufferOf(computed).equals(said);
  const isKnownWithin = memories.some(({ size }) => size > first && size < end);
  if (isSame && walk.differing.length === 0 && tile.width === TILE_WIDTH && !isKnownWithin) {
    for (const node of tiles.appendTile(walk.bulk.tileRoot(said))) checkNode(walk, node);
    findKnown(walk, end);
    return;
  }
  // Of their own: the next bundle's take the place of these.
  growEach(walk, tile, computed.slice(), said.slice());
}

function findKnown({ memories, tiles }: Walk, size: number): void {
  for (const known of memories) if (known.size === size) known.found = tiles.root();
}

function growEach(walk: Walk, tile: Tile, computed: Uint8Array, said: Uint8Array): void {
  const first = tile.index * TILE_WIDTH;
  for (let i = 0; i < tile.width; i += 1) {
    const [hash, hashSaid] = [hashAt(computed, i), hashAt(said, i)];
    if (!isSameHash(hash, hashSaid) && walk.differing.length < DIFFERENCES_MAX)
      walk.differing.push(first + i);
    // Before the first difference both are the same tree.
    if (walk.differing.length > 0) walk.entries.append(hash);
    for (const node of walk.tiles.append(hashSaid)) checkNode(walk, node);
    findKnown(walk, first + i + 1);
    if (walk.differing.length === 1 && walk.differing[0] === first + i) rebuild(walk, first + i);
  }
}

// The entries' own tree is only grown once it is another one: from the same edge, with the entry's own hash.
function rebuild(walk: Walk, index: number): void {
  const entries = new RightEdge();
  for (let bundle = 0; bundle * TILE_WIDTH <= index; bundle += 1) {
    const width = Math.min(TILE_WIDTH, walk.size - bundle * TILE_WIDTH);
    const held = readTile(walk.source, { level: "entries", index: bundle, width });
    const last = Math.min(width, index + 1 - bundle * TILE_WIDTH);
    const hashes = held === null ? hashesOfHole(walk, bundle, width) : hashesOfEntries(walk, held, last);
    if (hashes === null) return;
    for (let i = 0; i < last; i += 1) entries.append(hashAt(hashes, i));
  }
  walk.entries = entries;
}

function hashesOfEntries({ bulk }: Walk, held: Held, count: number): Uint8Array | null {
  const framed = frameEntries(held.bytes);
  return framed.ok ? bulk.leaves(held.bytes, framed.value.starts, framed.value.ends, count).slice() : null;
}

const hashesOfHole = ({ source }: Walk, index: number, width: number): Uint8Array | null =>
  readTile(source, { level: 0, index, width })?.bytes ?? null;

function tileHashes({ source, rooms, add }: Walk, tile: Tile, range: string): Uint8Array | null {
  const held = readTile(source, tile, rooms.tile);
  if (held === null) {
    add({ code: "tile_missing", at: range, detail: `${tilePath(tile)} is missing` });
    return null;
  }
  if (held.bytes.byteLength === held.width * HASH_BYTES)
    return held.bytes.subarray(0, tile.width * HASH_BYTES);
  add({ code: "tile_malformed", at: range, detail: `${tilePath(tile)} has another length` });
  return null;
}

// A mirror has no payloads at all. A copy that has some and lacks others had them taken out: erased ones leave a file
// behind, with the lines of the entries around them.
function checkPayloadFiles({ openedBundles, unopened, add }: Walk): void {
  if (openedBundles === 0) return;
  for (const range of unopened)
    add({
      code: "payloads_missing",
      at: range,
      detail: "the file with their payloads is missing, and other payloads are there",
    });
}

const listed = (walk: Walk, code: string, detail: string): void => {
  for (const index of walk.differing) walk.add({ code, at: `entry ${index}`, detail });
};

/** Which of entries, tiles and checkpoint is the one that is wrong. */
function judge(walk: Walk, root: Hash): void {
  const { size, memories, add, tiles, differing } = walk;
  const isWhole = tiles.size === size;
  const isTilesRight = isWhole && isSameHash(tiles.root(), root);
  if (isTilesRight) listed(walk, "entry_altered", "its bytes are not those that the signed tree holds");
  else if (differing.length > 0 && walk.entries.size === size && isSameHash(walk.entries.root(), root))
    listed(
      walk,
      "tile_altered",
      "its hash in the tile is not the entry's; the entry is the one that was signed",
    );
  else {
    listed(walk, "entry_altered", "its bytes and its hash in the tile differ");
    if (isWhole)
      add({
        code: "root_mismatch",
        at: `entries 0 to ${size - 1}`,
        detail:
          "the entries do not give the root that was signed: the history was rewritten, or the checkpoint is of another",
      });
  }
  for (const known of memories)
    if (known.found !== null && !isSameHash(known.found, known.root))
      add({
        code: "history_rewritten",
        at: `entries 0 to ${known.size - 1}`,
        detail: `the first ${known.size} entries are not those that were ${known.by}`,
      });
}

// Levels above the leaves: each hash is the root of a full tile below. They narrow down where a history that was
// rewritten differs from what stood there before.
function checkNode(walk: Walk, { level, index, hash }: LevelHash): void {
  const { source, size, add } = walk;
  const span = TILE_WIDTH ** level;
  const at = `entries ${index * span} to ${(index + 1) * span - 1}`;
  const tileIndex = Math.floor(index / TILE_WIDTH);
  let held = walk.upper.get(level);
  if (held?.index !== tileIndex) {
    const width = Math.min(TILE_WIDTH, Math.floor(size / span) - tileIndex * TILE_WIDTH);
    checkBoth(walk, { level, index: tileIndex, width }, at);
    const found = readTile(source, { level, index: tileIndex, width });
    const hashes = found === null ? null : decodeTile(found.bytes, found.width);
    if (hashes === null)
      add({
        code: "tile_missing",
        at,
        detail: `the tile of level ${level} over them is missing or has another length`,
      });
    if (hashes !== null) walk.stale.check({ level, index: tileIndex }, Buffer.concat(hashes), at);
    held = { index: tileIndex, hashes };
    walk.upper.set(level, held);
  }
  const said = held.hashes?.[index % TILE_WIDTH];
  if (said === undefined || isSameHash(said, hash)) return;
  add({
    code: "tile_altered",
    at,
    detail: `level ${level} has another hash for them than the tiles below give`,
  });
}
