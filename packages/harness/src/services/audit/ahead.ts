// What is known of a log outside of the database: the signer's memory and the published files. Where they are ahead of
// the rows, a backup was restored or the tail cut off, and nothing may be put in the places that are taken already.

import { decodeEntries, openCheckpoint, TILE_WIDTH, tilePath, tilesOf } from "@assent/tlog";
import type { LogFiles, LogInfo } from "../../ports.ts";
import type { Signer } from "./signer.ts";

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

/** How many entries were signed or published, whatever the database has. To be asked before the database is. */
export async function knownSize(ports: AheadPorts, { origin }: LogInfo): Promise<number> {
  const published = await publishedCheckpoint(ports, origin);
  return Math.max(await ports.signer.remembered(origin), published?.size ?? 0);
}

/**
 * Entries past so many, as they were published when the log had `to`. Null where a file is missing or is none: then
 * nobody has them any more.
 */
export async function readPublished(
  read: (path: string) => Promise<Uint8Array | null>,
  from: number,
  to: number,
): Promise<readonly Uint8Array[] | null> {
  const entries: Uint8Array[] = [];
  for (const tile of tilesOf(to, from).filter(({ level }) => level === "entries")) {
    const bytes = await read(tilePath(tile));
    const bundle = bytes === null ? null : decodeEntries(bytes);
    if (bundle?.ok !== true || bundle.value.length !== tile.width) return null;
    entries.push(...bundle.value.slice(Math.max(0, from - tile.index * TILE_WIDTH)));
  }
  return entries;
}
