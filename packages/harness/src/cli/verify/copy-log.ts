// Copies a log out of a server into a folder, in the layout of C2SP tlog-tiles. What was copied before is not asked for
// again, and is not replaced by anything that does not continue it.

import type { AuditCheckpoint, AuditEntry, AuditLog } from "@assent/contract";
import {
  encodeEntries,
  encodeTile,
  hashesOfLevel,
  isHash,
  leafHash,
  openCheckpoint,
  type OpenedCheckpoint,
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
import { type Failure, failureOfClient, usageFailure } from "../failure.ts";
import { type CopiedErasures, type CopiedPage, createCopiedErasures } from "./copied-erasures.ts";
import { type CopyOperations, DISK, finishMove, type Incoming, openIncoming } from "./incoming.ts";
import { openLogFolder } from "./log-folder.ts";

const diverged = (detail: string): Failure => ({
  exit: "failed",
  code: "copy_diverges",
  detail,
  remedy: "The copy was left as it was: it is evidence. Copy into another folder, and compare the two.",
});

const CHANGED_MEANWHILE = diverged("Somebody else has changed the copy meanwhile.");

/** `bare`: only what proves; `payloads`: what opens the entries as well; `opened`: and what is sealed in these. */
export type CopyDepth = "bare" | "payloads" | "opened";

type CopyClient = Pick<Client, "getAuditCheckpoint" | "listAuditEntries">;

/** Asked for so often at most when a checkpoint is wanted that covers the record of an erasure. */
const NEWER_ATTEMPTS_MAX = 50;

/**
 * @param nap waits a moment for the log to be signed further; null for a log that goes on no more
 */
export async function copyLog(
  client: CopyClient,
  log: AuditLog,
  folder: string,
  depth: CopyDepth,
  nap: (() => Promise<void>) | null = null,
  disk: CopyOperations = DISK,
): Promise<Result<{ readonly size: number }, Failure>> {
  const finished = inFolder(folder, () => finishMove(folder, disk));
  if (!finished.ok) return finished;
  const withPayloads = depth !== "bare";
  if (!withPayloads && openLogFolder(folder).read("payloads/000") !== null)
    return err(diverged("The folder holds an export, with payloads; a mirror has none."));
  const first = await readCheckpoint(client, log);
  if (!first.ok) return first;
  const found = readBefore(folder, log.origin);
  if (!found.ok) return found;
  const before = found.value;
  if (first.value.size < before.size)
    return err(diverged(`The server has ${first.value.size} entries, the copy ${before.size}.`));
  const opened = inFolder(folder, () => openIncoming(folder, Date.now(), disk));
  if (!opened.ok) return opened;
  const incoming = opened.value;
  try {
    const copy: Copy = {
      client,
      log,
      writer: createWriter(incoming, before.edge, before.hashes),
      payloads: createPayloads(folder, incoming, depth),
      erasures: createCopiedErasures(log.epoch),
    };
    const newest = await fetchEntries(copy, before, first.value, withPayloads, nap);
    if (!newest.ok) return newest;
    const isSame = isSameNote(openLogFolder(folder).read("checkpoint"), before.note);
    if (!isSame) return err(CHANGED_MEANWHILE);
    const { size, note, witnessed } = newest.value;
    incoming.put("checkpoint", note);
    // Behind the checkpoint, which may be larger than what was witnessed and is never smaller.
    if (witnessed !== null) incoming.put(WITNESSED_FILE, `${JSON.stringify(witnessed)}\n`);
    return incoming.move() ? ok({ size }) : err(CHANGED_MEANWHILE);
  } finally {
    incoming.end();
  }
}

/** What the system says of a folder that is none, or that cannot be written, is the caller's to mend. */
function inFolder<T>(folder: string, act: () => T): Result<T, Failure> {
  try {
    return ok(act());
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    const detail = `${folder} cannot be made or written: ${String(error.code)}`;
    return err(usageFailure("folder_unwritable", detail, "Name another folder."));
  }
}

const isSameNote = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : Buffer.from(a).equals(b);

/** @returns the checkpoint that covers all that was fetched */
async function fetchEntries(
  copy: Copy,
  before: Before,
  first: Newest,
  withPayloads: boolean,
  nap: (() => Promise<void>) | null,
): Promise<Result<Newest, Failure>> {
  const { client, log, writer } = copy;
  let newest = first;
  let [from, reached] = [withPayloads ? 0 : alignedTo(before.size), before.size];
  for (let attempt = 0; ;) {
    const copied = await copyEntries(copy, from, reached, newest.size);
    if (!copied.ok) return copied;
    if (!Buffer.from(before.edge.root()).equals(newest.root))
      return err(diverged("The entries do not give the root that the server signed."));
    writer.finish();
    const again = await copyOutdated(copy, newest.size);
    if (!again.ok) return again;
    if (!withPayloads || nap === null || !copy.erasures.isUnrecorded()) break;
    [from, reached] = [alignedTo(newest.size), newest.size];
    for (; attempt < NEWER_ATTEMPTS_MAX && newest.size === reached; attempt += 1) {
      if (attempt > 0) await nap();
      const newer = await readCheckpoint(client, log);
      if (!newer.ok) return newer;
      if (newer.value.size > reached) newest = newer.value;
    }
    // Nobody has recorded it: what that says is for who verifies the copy.
    if (newest.size === reached) break;
  }
  return ok(newest);
}

const alignedTo = (size: number): number => Math.floor(size / TILE_WIDTH) * TILE_WIDTH;

type Copy = {
  readonly client: CopyClient;
  readonly log: AuditLog;
  readonly writer: Writer;
  readonly payloads: Payloads;
  readonly erasures: CopiedErasures;
};

type Newest = Pick<OpenedCheckpoint, "size" | "root"> & Pick<AuditCheckpoint, "note" | "witnessed">;

async function readCheckpoint(client: CopyClient, log: AuditLog): Promise<Result<Newest, Failure>> {
  const checkpoint = await client.getAuditCheckpoint(log.epoch);
  if (!checkpoint.ok) return err(failureOfClient(checkpoint.error));
  const keys = log.keys.flatMap((text): VerifierKey[] => {
    const key = parseVerifierKey(text);
    return key.ok ? [key.value] : [];
  });
  const { note, witnessed } = checkpoint.value;
  const opened = openCheckpoint(note, log.origin, keys, "any");
  if (!opened.ok) return err(diverged(`The server's checkpoint does not verify: ${opened.error}.`));
  const { size, root } = opened.value;
  return ok({ size, root, note, witnessed });
}

/** @param reached entries that the copy has */
async function copyEntries(
  copy: Copy,
  first: number,
  reached: number,
  size: number,
): Promise<Result<null, Failure>> {
  for (let from = first; from < size; from += TILE_WIDTH) {
    const page = await readPage(copy, from, size);
    if (!page.ok) return page;
    if (!copy.writer.add(page.value, from, reached))
      return err(diverged(`Entry ${from} or one after it is another than the copy has.`));
    copy.payloads.keep(page.value.entries, from);
  }
  return ok(null);
}

// Read once more, until what was read last agrees with every record.
async function copyOutdated(copy: Copy, size: number): Promise<Result<null, Failure>> {
  const bundles = new Set(copy.erasures.outdated().map(alignedTo));
  for (const from of bundles) {
    const page = await readPage(copy, from, size);
    if (!page.ok) return page;
    copy.payloads.keep(page.value.entries, from);
  }
  return ok(null);
}

async function readPage(
  { client, log, erasures }: Copy,
  from: number,
  size: number,
): Promise<Result<CopiedPage, Failure>> {
  const width = Math.min(TILE_WIDTH, size - from);
  const page = await client.listAuditEntries(log.epoch, from, width);
  if (!page.ok) return err(failureOfClient(page.error));
  const hashes = page.value.hashes.map((text) => Buffer.from(text, "base64"));
  const entries = page.value.data;
  // A bundle is pruned whole or not at all.
  const isWhole =
    hashes.length === width ? entries.length === 0 : hashes.length === 0 && entries.length === width;
  if (!isWhole || !hashes.every(isHash) || entries.some(({ index }, i) => index !== from + i))
    return err(diverged(`The server has not the entries ${from} to ${from + width - 1} that it signed.`));
  const found = { from, entries, hashes };
  erasures.see(found);
  return ok(found);
}

type Payloads = { keep(entries: readonly AuditEntry[], from: number): void };

// Entries and tiles of before stay beside the new ones. Payloads do not.
function createPayloads(folder: string, incoming: Incoming, depth: CopyDepth): Payloads {
  return {
    keep(entries, from): void {
      // Of what was pruned a copy keeps what it has.
      if (depth === "bare" || entries.length === 0) return;
      const tile: Tile = { level: "entries", index: from / TILE_WIDTH, width: entries.length };
      incoming.put(payloadPath(tilePath(tile)), payloadsOf(entries));
      const opened = openedPath(tilePath(tile));
      const before = openLogFolder(folder).read(opened);
      const lines = depth === "opened" ? openedOf(entries) : stillOpened(entries, before);
      // What was erased since the copy before goes from it.
      if (lines !== "" || before !== null) incoming.put(opened, Buffer.from(lines, "latin1"));
    },
  };
}

const payloadsOf = (entries: readonly AuditEntry[]): string =>
  entries
    .map(({ index, salt, payload }) =>
      salt === null || payload === null ? "" : payloadLine(index, Buffer.from(salt, "base64"), payload),
    )
    .join("");

// What it says is no part of what is verified: the key opens the payload's own text, for whoever wants to see for himself.
// @returns bytes, as characters of one byte each
const openedOf = (entries: readonly AuditEntry[]): string =>
  entries
    .map(({ index, opened }) =>
      opened === null
        ? ""
        : Buffer.from(`${JSON.stringify({ i: index, k: opened.key, f: opened.fields })}\n`).toString(
            "latin1",
          ),
    )
    .join("");

// A copy that was opened before, and is continued without that, keeps what it opened but for what was erased since: of that
// there is no payload any more that it could be held against, and nothing of it is to stay.
function stillOpened(entries: readonly AuditEntry[], before: Uint8Array | null): string {
  const erased = entries.flatMap(({ index, payload }) => (payload === null ? [`{"i":${index},`] : []));
  return Buffer.from(before ?? [])
    .toString("latin1")
    .split(/(?<=\n)/)
    .filter((line) => !erased.some((start) => line.startsWith(start)))
    .join("");
}

type Before = {
  readonly note: Uint8Array | null;
  readonly size: number;
  readonly edge: RightEdge;
  readonly hashes: Map<number, Uint8Array[]>;
};

// What the folder has. Nothing is put in the place of it but what continues it, whoever has signed that: keys are rotated,
// and a server that shows another history can show another key with it.
function readBefore(folder: string, origin: string): Result<Before, Failure> {
  const source = openLogFolder(folder);
  const bytes = source.read("checkpoint");
  if (bytes === null) return ok({ note: null, size: 0, edge: new RightEdge(), hashes: new Map() });
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
    ? ok({ note: bytes, size, edge, hashes })
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
  add(page: CopiedPage, from: number, sizeBefore: number): boolean;
  finish(): void;
};

function createWriter(incoming: Incoming, edge: RightEdge, partial: Map<number, Uint8Array[]>): Writer {
  const put = (level: number, index: number, hashes: readonly Uint8Array[]): void =>
    incoming.put(tilePath({ level, index, width: hashes.length }), encodeTile(hashes));
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
    add({ entries, hashes }, from, sizeBefore): boolean {
      const leaves = entries.map(({ leaf }) => Buffer.from(leaf, "latin1"));
      const known = incoming.read(
        tilePath({
          level: 0,
          index: from / TILE_WIDTH,
          width: Math.min(TILE_WIDTH, Math.max(1, sizeBefore - from)),
        }),
      );
      for (const [i, hash] of (leaves.length > 0 ? leaves.map(leafHash) : hashes).entries()) {
        if (from + i < sizeBefore) {
          const before = known?.subarray(i * 32, (i + 1) * 32);
          if (before === undefined || !Buffer.from(before).equals(hash)) return false;
          continue;
        }
        const nodes = edge.append(hash);
        push(0, hash, from + i);
        for (const node of nodes) push(node.level, node.hash, node.index);
      }
      if (leaves.length === 0) return true;
      const tile: Tile = { level: "entries", index: from / TILE_WIDTH, width: leaves.length };
      incoming.put(tilePath(tile), encodeEntries(leaves));
      return true;
    },
    finish(): void {
      for (const [level, hashes] of levels)
        if (hashes.length > 0) put(level, Math.floor(hashesOfLevel(level, edge.size) / TILE_WIDTH), hashes);
    },
  };
}
