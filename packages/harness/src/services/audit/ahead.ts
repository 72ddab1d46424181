// What is known of a log outside of the database: the signer's memory and the published files. Where they are ahead of
// the rows, a backup was restored or the tail cut off, and nothing may be put in the places that are taken already.

import {
  decodeEntries,
  decodeTile,
  openCheckpoint,
  type Tile,
  TILE_WIDTH,
  tilePath,
  tilesOf,
} from "@assent/tlog";
import type { LogFiles, LogInfo } from "../../ports.ts";
import type { Recalled, Signer } from "./signer.ts";

export type AheadPorts = { readonly signer: Signer; readonly files: LogFiles };

/** The published checkpoint, if keys of this signer signed it, whether they sign still or not; null for none. */
export async function publishedCheckpoint(
  { signer, files }: AheadPorts,
  origin: string,
): Promise<{ readonly size: number; readonly note: string } | null> {
  const note = await files.readCheckpoint(origin);
  if (note === null) return null;
  const opened = openCheckpoint(note, origin, signer.held(origin), "any");
  return opened.ok ? { size: opened.value.size, note } : null;
}

/**
 * How many entries were signed or published, whatever the database has, and why the signer signs no more of them, if so:
 * its memory is durable before a signature exists, so what is published and not remembered was forgotten since. To be
 * asked before the database is.
 */
export async function recallLog(ports: AheadPorts, { origin }: LogInfo): Promise<Recalled> {
  const published = await publishedCheckpoint(ports, origin);
  return await ports.signer.recall(origin, published?.size ?? 0);
}

/** An entry as it was published; or its hash, where its bundle was pruned since. */
export type PublishedEntry = { readonly entry: Uint8Array } | { readonly hash: Uint8Array };

/**
 * Entries past so many, as they were published when the log had `to`. Null where a file is missing or is none: then
 * nobody has them any more.
 */
export async function readPublished(
  read: (path: string) => Promise<Uint8Array | null>,
  from: number,
  to: number,
): Promise<readonly PublishedEntry[] | null> {
  const entries: PublishedEntry[] = [];
  for (const tile of tilesOf(to, from).filter(({ level }) => level === "entries")) {
    const bundle = (await readBundle(read, tile)) ?? (await readPruned(read, tile));
    if (bundle === null) return null;
    entries.push(...bundle.slice(Math.max(0, from - tile.index * TILE_WIDTH)));
  }
  return entries;
}

type Read = (path: string) => Promise<Uint8Array | null>;

async function readBundle(read: Read, tile: Tile): Promise<readonly PublishedEntry[] | null> {
  const bytes = await read(tilePath(tile));
  const bundle = bytes === null ? null : decodeEntries(bytes);
  return bundle?.ok === true && bundle.value.length === tile.width
    ? bundle.value.map((entry) => ({ entry }))
    : null;
}

// Whether it may be gone is said by an entry behind it. Only full bundles are pruned.
async function readPruned(read: Read, tile: Tile): Promise<readonly PublishedEntry[] | null> {
  if (tile.width !== TILE_WIDTH || (await read(tilePath(tile))) !== null) return null;
  const bytes = await read(tilePath({ ...tile, level: 0 }));
  return (bytes === null ? null : decodeTile(bytes, TILE_WIDTH))?.map((hash) => ({ hash })) ?? null;
}
