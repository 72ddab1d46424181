// Copies a log out of a server into a folder, in the layout of C2SP tlog-tiles. What was copied before is not asked for
// again, and is not replaced by anything that does not continue it.

import { type AuditEntry, type AuditLog } from "@assent/contract";
import {
  encodeEntries,
  encodeTile,
  hashesOfLevel,
  leafHash,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  RightEdge,
  decodeTile,
  TILE_WIDTH,
  type Tile,
  tilePath,
  type VerifierKey,
} from "@assent/tlog";
import { err, ok, type Result } from "../../base/result.ts";
import type { Client } from "../../client/client.ts";
import { WITNESSED_FILE } from "../../core/audit/verify-witnessed.ts";
import { openedPath, payloadLine, payloadPath } from "../../core/audit/verify-source.ts";
import { type Failure, failureOfClient } from "../failure.ts";
import { openLogFolder, stageLogFile, writeLogFile } from "./log-folder.ts";

const diverged = (detail: string): Failure => ({
  exit: "failed",
  code: "copy_diverges",
  detail,
  remedy: "The copy was left as it was: it is evidence. Copy into another folder, and compare the two.",
});

/** `bare`: only what proves; `payloads`: what opens the entries as well; `opened`: and what is sealed in these. */
export type CopyDepth = "bare" | "payloads" | "opened";

export async function copyLog(
  client: Pick<Client, "getAuditCheckpoint" | "listAuditEntries">,
  log: AuditLog,
  folder: string,
  depth: CopyDepth,
): Promise<Result<{ readonly size: number }, Failure>> {
  const withPayloads = depth !== "bare";
  if (!withPayloads && openLogFolder(folder).read("payloads/000") !== null)
    return err(diverged("The folder holds an export, with payloads; a mirror has none."));
  const checkpoint = await client.getAuditCheckpoint(log.epoch);
  if (!checkpoint.ok) return err(failureOfClient(checkpoint.error));
  const keys = log.keys.flatMap((text): VerifierKey[] => {
    const key = parseVerifierKey(text);
    return key.ok ? [key.value] : [];
  });
  const opened = openCheckpoint(checkpoint.value.note, log.origin, keys, "any");
  if (!opened.ok) return err(diverged(`The server's checkpoint does not verify: ${opened.error}.`));
  const found = readBefore(folder, log.origin);
  if (!found.ok) return found;
  const before = found.value;
  const { edge } = before;
  if (opened.value.size < before.size)
    return err(diverged(`The server has ${opened.value.size} entries, the copy ${before.size}.`));
  const writer = createWriter(folder, edge, before.hashes);
  const toPut: (() => void)[] = [];
  const first = withPayloads ? 0 : Math.floor(before.size / TILE_WIDTH) * TILE_WIDTH;
  for (let from = first; from < opened.value.size; from += TILE_WIDTH) {
    const width = Math.min(TILE_WIDTH, opened.value.size - from);
    const page = await client.listAuditEntries(log.epoch, from, width);
    if (!page.ok) return err(failureOfClient(page.error));
    const entries = page.value.data;
    if (entries.length !== width || entries.some(({ index }, i) => index !== from + i))
      return err(diverged(`The server has not the entries ${from} to ${from + width - 1} that it signed.`));
    if (!writer.add(entries, from, before.size))
      return err(diverged(`Entry ${from} or one after it is another than the copy has.`));
    if (!withPayloads) continue;
    const tile: Tile = { level: "entries", index: from / TILE_WIDTH, width };
    const puts = [
      stagePayloads(folder, entries, tile),
      ...(depth === "opened" ? stageOpened(folder, entries, tile) : []),
    ];
    // Entries and tiles of before stay beside the new ones. Payloads do not, and those that the checkpoint of before
    // is verified with keep their place until there is another one.
    if (from < before.size) toPut.push(...puts);
    else for (const put of puts) put();
  }
  if (!Buffer.from(edge.root()).equals(opened.value.root))
    return err(diverged("The entries do not give the root that the server signed."));
  writer.finish();
  for (const put of toPut) put();
  writeLogFile(folder, "checkpoint", checkpoint.value.note);
  // Behind the checkpoint, which may be larger than what was witnessed and is never smaller.
  const { witnessed } = checkpoint.value;
  if (witnessed !== null) writeLogFile(folder, WITNESSED_FILE, `${JSON.stringify(witnessed)}\n`);
  return ok({ size: opened.value.size });
}

function stagePayloads(folder: string, entries: readonly AuditEntry[], tile: Tile): () => void {
  const lines = entries.flatMap(({ index, salt, payload }) =>
    salt === null || payload === null ? [] : [payloadLine(index, Buffer.from(salt, "base64"), payload)],
  );
  return stageLogFile(folder, payloadPath(tilePath(tile)), lines.join(""));
}

// What it says is no part of what is verified: the key opens the payload's own text, for whoever wants to see for himself.
function stageOpened(folder: string, entries: readonly AuditEntry[], tile: Tile): (() => void)[] {
  const lines = entries.flatMap(({ index, opened }) =>
    opened === null ? [] : [`${JSON.stringify({ i: index, k: opened.key, f: opened.fields })}\n`],
  );
  const path = openedPath(tilePath(tile));
  // What was erased since the copy before goes from it.
  return lines.length > 0 || openLogFolder(folder).read(path) !== null
    ? [stageLogFile(folder, path, lines.join(""))]
    : [];
}

type Before = { readonly size: number; readonly edge: RightEdge; readonly hashes: Map<number, Uint8Array[]> };

// What the folder has. Nothing is put in the place of it but what continues it, whoever has signed that: keys are rotated,
// and a server that shows another history can show another key with it.
function readBefore(folder: string, origin: string): Result<Before, Failure> {
  const source = openLogFolder(folder);
  const bytes = source.read("checkpoint");
  if (bytes === null) return ok({ size: 0, edge: new RightEdge(), hashes: new Map() });
  const note = parseNote(bytes);
  const checkpoint = note.ok ? parseCheckpoint(note.value.text) : note;
  if (!checkpoint.ok) return err(diverged(`The folder's checkpoint is none: ${checkpoint.error}.`));
  const { size, root } = checkpoint.value;
  if (checkpoint.value.origin !== origin)
    return err(diverged(`The folder holds a copy of ${checkpoint.value.origin}, and this is ${origin}.`));
  const hashes = new Map<number, Uint8Array[]>();
  for (let level = 0; hashesOfLevel(level, size) > 0; level += 1) {
    const width = hashesOfLevel(level, size) % TILE_WIDTH;
    if (width === 0) continue;
    const index = Math.floor(hashesOfLevel(level, size) / TILE_WIDTH);
    const tile = source.read(tilePath({ level, index, width }));
    hashes.set(level, (tile === null ? null : decodeTile(tile, width)) ?? []);
  }
  const edge = edgeOf(size, hashes);
  return edge !== null && Buffer.from(edge.root()).equals(root)
    ? ok({ size, edge, hashes })
    : err(diverged("The folder's tiles do not give the root of its checkpoint: the copy was changed."));
}

function edgeOf(size: number, hashes: Before["hashes"]): RightEdge | null {
  try {
    return new RightEdge(size, (level) => hashes.get(level) ?? []);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

type Writer = {
  /** False when an entry that the copy has is another one now. */
  add(entries: readonly AuditEntry[], from: number, sizeBefore: number): boolean;
  finish(): void;
};

function createWriter(folder: string, edge: RightEdge, partial: Map<number, Uint8Array[]>): Writer {
  const put = (level: number, index: number, hashes: readonly Uint8Array[]): void =>
    writeLogFile(folder, tilePath({ level, index, width: hashes.length }), encodeTile(hashes));
  const levels = new Map<number, Uint8Array[]>([...partial].map(([level, hashes]) => [level, [...hashes]]));
  const push = (level: number, hash: Uint8Array, index: number): void => {
    const tile = levels.get(level) ?? [];
    levels.set(level, tile);
    tile.push(hash);
    if (tile.length < TILE_WIDTH) return;
    put(level, Math.floor(index / TILE_WIDTH), tile);
    levels.set(level, []);
  };
  return {
    add(entries, from, sizeBefore): boolean {
      const leaves = entries.map(({ leaf }) => Buffer.from(leaf, "latin1"));
      const known = openLogFolder(folder).read(
        tilePath({
          level: 0,
          index: from / TILE_WIDTH,
          width: Math.min(TILE_WIDTH, Math.max(1, sizeBefore - from)),
        }),
      );
      for (const [i, leaf] of leaves.entries()) {
        const hash = leafHash(leaf);
        if (from + i < sizeBefore) {
          const before = known?.subarray(i * 32, (i + 1) * 32);
          if (before === undefined || !Buffer.from(before).equals(hash)) return false;
          continue;
        }
        const nodes = edge.append(hash);
        push(0, hash, from + i);
        for (const node of nodes) push(node.level, node.hash, node.index);
      }
      const tile: Tile = { level: "entries", index: from / TILE_WIDTH, width: leaves.length };
      writeLogFile(folder, tilePath(tile), encodeEntries(leaves));
      return true;
    },
    finish(): void {
      for (const [level, hashes] of levels)
        if (hashes.length > 0) put(level, Math.floor(hashesOfLevel(level, edge.size) / TILE_WIDTH), hashes);
    },
  };
}
