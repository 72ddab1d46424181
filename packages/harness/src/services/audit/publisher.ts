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
import type { Signer, SignRefusal } from "./signer.ts";
import { withHashes } from "./tree-reader.ts";

export type PublisherPorts = {
  readonly store: LogStore;
  readonly files: LogFiles;
  readonly signer: Signer;
  readonly clock: Clock;
};

export type PublishRefusal = SignRefusal | { readonly code: "leaf_altered"; readonly detail: string };

/** @returns the signed checkpoint of the newest head; null where there is nothing to sign yet */
export async function publish(
  ports: PublisherPorts,
  tenant: TenantId,
): Promise<Result<(StoredCheckpoint & { readonly origin: string }) | null, PublishRefusal>> {
  const { store, files, signer, clock } = ports;
  const seen = await store.transaction(tenant, async (tx) => {
    const log = (await tx.logs()).at(-1);
    const head = log === undefined ? null : await tx.head(log.epoch);
    return log === undefined || head === null ? null : { log, head };
  });
  if (seen === null || seen.head.size === 0) return ok(null);
  const { log, head } = seen;
  const remembered = await signer.remembered(log.origin);
  const request = await store.transaction(tenant, async (tx) => ({
    origin: log.origin,
    size: head.size,
    root: head.root,
    // Where the signer knows more than the rows have, there is nothing to prove: it will say so.
    proof:
      remembered > head.size
        ? []
        : await withHashes(tx, head.epoch, (read) => proveConsistency(read, remembered, head.size)),
  }));
  const refusal = await signer.check(request);
  if (refusal !== null) return err(refusal);
  const written = await writeFiles(ports, tenant, log, head);
  if (!written.ok) return written;
  const note = await signer.sign(request);
  if (!note.ok) return note;
  await store.transaction(tenant, async (tx) => {
    await tx.addCheckpoint({ epoch: head.epoch, size: head.size, note: note.value }, clock.now());
  });
  await files.publish(log.origin, note.value);
  return ok({ epoch: head.epoch, origin: log.origin, size: head.size, note: note.value });
}

/** Tiles of one write, so that a log of millions is not held in memory when its files are made anew. */
const TILES_PER_WRITE = 64;

async function writeFiles(
  { store, files }: PublisherPorts,
  tenant: TenantId,
  log: LogInfo,
  head: LogHead,
): Promise<Result<null, PublishRefusal>> {
  const published = sizeOf(await files.readCheckpoint(log.origin));
  const tiles = tilesOf(head.size, Math.min(published, head.size));
  for (let at = 0; at < tiles.length; at += TILES_PER_WRITE) {
    const content = await store.transaction(tenant, async (tx) => {
      const made = new Map<string, Uint8Array>();
      for (const tile of tiles.slice(at, at + TILES_PER_WRITE)) {
        const bytes = await contentOf(tx, log.epoch, tile);
        if (bytes === null) return tile;
        made.set(tilePath(tile), bytes);
      }
      return made;
    });
    if (!(content instanceof Map)) return err(altered(content));
    await files.write(log.origin, content);
  }
  return ok(null);
}

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
  tx: LogTx,
  epoch: number,
  { level, index, width }: Tile,
): Promise<Uint8Array | null> {
  const from = index * TILE_WIDTH;
  const hashes = await tx.hashes(epoch, level === "entries" ? 0 : level, from, width);
  assert(hashes.length === width, "the tree has every hash that its size says");
  if (level !== "entries") return encodeTile(hashes);
  const leaves = await tx.leaves(epoch, from, width);
  const isAsSequenced = leaves.every((leaf, i) => isSameHash(leafHash(leaf), hashes[i] ?? new Uint8Array()));
  return isAsSequenced ? encodeEntries(leaves) : null;
}
