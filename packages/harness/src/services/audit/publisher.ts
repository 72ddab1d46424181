// Brings a log from its rows to its signed checkpoint: files first and durable, then the signature, then the checkpoint
// for everybody. Each step can be repeated: a crash anywhere leaves nothing that the next pass does not finish.

import type { TenantId } from "@assent/contract";
import {
  encodeEntries,
  encodeTile,
  leafHash,
  isSameHash,
  parseCheckpoint,
  parseNote,
  proveConsistency,
  type Tile,
  TILE_WIDTH,
  tilePath,
  tilesOf,
} from "@assent/tlog";
import { assert } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { Clock, LogFiles, LogHead, LogInfo, LogStore, LogTx, StoredCheckpoint } from "../../ports.ts";
import type { RecentTree, TreeRows } from "./recent-tree.ts";
import { BUSY, type Signer, type SignRefusal } from "./signer.ts";
import { withHashes } from "./tree-reader.ts";

export type PublisherPorts = {
  readonly store: LogStore;
  readonly files: LogFiles;
  readonly signer: Signer;
  readonly clock: Clock;
};

export type PublishRefusal = SignRefusal | { readonly code: "leaf_altered"; readonly detail: string };

/** A log as it was just sequenced. */
export type Sequenced = {
  readonly log: LogInfo;
  readonly head: LogHead;
  readonly recent: RecentTree;
};

/**
 * @param sequenced a head that is not behind what signer and files knew before it was read
 * @returns the signed checkpoint of the head; null where there is nothing to sign yet
 */
export async function publish(
  ports: PublisherPorts,
  tenant: TenantId,
  sequenced: Sequenced,
): Promise<Result<(StoredCheckpoint & { readonly origin: string }) | null, PublishRefusal>> {
  const { store, files, signer, clock } = ports;
  const { log, head, recent } = sequenced;
  if (head.size === 0) return ok(null);
  const remembered = await signer.remembered(log.origin);
  // It was not more when the rows were read: another process has gone further meanwhile, from rows that these follow.
  if (remembered > head.size) return err(BUSY);
  const hashRanges: TreeRows["hashRanges"] = async (epoch, ranges) =>
    recent.ranges(head, ranges) ??
    (await store.transaction(tenant, async (tx) => await tx.hashRanges(epoch, ranges)));
  const request = {
    origin: log.origin,
    size: head.size,
    root: head.root,
    from: remembered,
    proof: await withHashes({ hashRanges }, head.epoch, (read) =>
      proveConsistency(read, remembered, head.size),
    ),
  };
  const refusal = await signer.check(request);
  if (refusal !== null) return err(refusal);
  const written = await writeFiles(ports, tenant, sequenced);
  if (!written.ok) return written;
  const note = await signer.sign(request);
  if (!note.ok) return note;
  await store.addCheckpoint(tenant, { epoch: head.epoch, size: head.size, note: note.value }, clock.now());
  await files.publish(log.origin, note.value);
  recent.release(head.size);
  return ok({ epoch: head.epoch, origin: log.origin, size: head.size, note: note.value });
}

/** Tiles of one write, so that a log of millions is not held in memory when its files are made anew. */
const TILES_PER_WRITE = 64;

async function writeFiles(
  { store, files }: PublisherPorts,
  tenant: TenantId,
  { log, head, recent }: Sequenced,
): Promise<Result<null, PublishRefusal>> {
  const published = sizeOf(await files.readCheckpoint(log.origin));
  const tiles = tilesOf(head.size, Math.min(published, head.size));
  for (let at = 0; at < tiles.length; at += TILES_PER_WRITE) {
    const some = tiles.slice(at, at + TILES_PER_WRITE);
    const content = some.every((tile) => recent.has(head, tile))
      ? await contentsOf(recent.rows, log.epoch, some)
      : await store.transaction(tenant, async (tx) => await contentsOf(tx, log.epoch, some));
    if ("level" in content) return err(altered(content));
    await files.write(log.origin, content);
  }
  return ok(null);
}

/** @returns content by path; a tile that has an entry which is not the one that was sequenced */
async function contentsOf(
  rows: TreeRows & Partial<Pick<LogTx, "minimum">>,
  epoch: number,
  tiles: readonly Tile[],
): Promise<ReadonlyMap<string, Uint8Array> | Tile> {
  const made = new Map<string, Uint8Array>();
  for (const tile of tiles) {
    const bytes = await contentOf(rows, epoch, tile);
    // Files that are made anew have no bundle of what was pruned.
    if (bytes === null && tile.level === "entries" && endOf(tile) <= ((await rows.minimum?.(epoch)) ?? 0))
      continue;
    if (bytes === null) return tile;
    made.set(tilePath(tile), bytes);
  }
  return made;
}

const endOf = ({ index }: Tile): number => (index + 1) * TILE_WIDTH;

const altered = (tile: Tile): PublishRefusal => ({
  code: "leaf_altered",
  detail: `One of the entries from ${tile.index * TILE_WIDTH} on is not the one that was sequenced.`,
});

function sizeOf(checkpoint: string | null): number {
  const note = checkpoint === null ? null : parseNote(checkpoint);
  const parsed = note?.ok === true ? parseCheckpoint(note.value.text) : null;
  return parsed?.ok === true ? parsed.value.size : 0;
}

// Null when an entry has not the hash that stands for it.
async function contentOf(
  rows: TreeRows,
  epoch: number,
  { level, index, width }: Tile,
): Promise<Uint8Array | null> {
  const from = index * TILE_WIDTH;
  const hashes = await rows.hashes(epoch, level === "entries" ? 0 : level, from, width);
  assert(hashes.length === width, "the tree has every hash that its size says");
  if (level !== "entries") return encodeTile(hashes);
  const leaves = await rows.leaves(epoch, from, width);
  const isAsSequenced =
    leaves.length === width &&
    leaves.every((leaf, i) => isSameHash(leafHash(leaf), hashes[i] ?? new Uint8Array()));
  return isAsSequenced ? encodeEntries(leaves) : null;
}
