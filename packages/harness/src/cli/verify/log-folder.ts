// An exported log as files: read for verifying, written by export and mirror.

import {
  closeSync,
  constants,
  type Dirent,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { INCOMING_PREFIX, INCOMING_WHOLE } from "../../core/audit/inventory.ts";
import type { Listed, LogSource } from "../../core/audit/verify-source.ts";

const MB = 1024 * 1024;

/**
 * What is longer than a file of its kind can be is none: a bundle of entries that say nothing, or a checkpoint that never
 * ends, would take the memory of whoever looks. A bundle has at most 1 MB, a tile 8 KB; a text of 512 MB is one that
 * cannot be read as such.
 */
const BYTES_MAX: readonly (readonly [folder: string, bytes: number])[] = [
  ["tile/entries/", 16 * MB],
  ["tile/", MB],
  ["payloads/", 500 * MB],
  ["opened/", 500 * MB],
  ["", 16 * MB],
];
const bytesMaxOf = (path: string): number => BYTES_MAX.find(([folder]) => path.startsWith(folder))?.[1] ?? 0;

/** A copy that is being moved into its place, or was when its process was killed, is read as if it were all there. */
export function openLogFolder(folder: string): LogSource {
  const whole = join(folder, INCOMING_WHOLE);
  const beside = openOne(folder);
  if (!isFolder(whole)) return beside;
  const within = openOne(whole);
  const sources = [within, beside];
  return {
    unmoved: { ambiguous: () => differing(within, beside, "tile") },
    read(path, room): Uint8Array | null {
      for (const source of sources) {
        const bytes = source.read(path, room);
        if (bytes !== null) return bytes;
      }
      return null;
    },
    list(path): readonly Listed[] {
      const others = beside.list(path).filter(({ name }) => path !== "" || name !== INCOMING_WHOLE);
      const inner = within.list(path).map((one) => (path === "" ? asPlaced(one) : one));
      return [...new Map([...others, ...inner].map((one) => [one.name, one])).values()];
    },
  };
}

// Such a folder is no part of what is moved, and nobody of ours puts one there: it is named by where it lies.
const asPlaced = ({ name, kind }: Listed): Listed => ({
  name: name.startsWith(INCOMING_PREFIX) ? `${INCOMING_WHOLE}/${name}` : name,
  kind,
});

// A tile never changes: whoever reads the copy without knowing of that folder has to read the same.
function differing(one: LogSource, other: LogSource, folder: string): string[] {
  return one.list(folder).flatMap(({ name, kind }) => {
    const path = `${folder}/${name}`;
    if (kind === "folder") return differing(one, other, path);
    const [bytes, beside] = [one.read(path), other.read(path)];
    return bytes === null || beside === null || Buffer.from(bytes).equals(beside) ? [] : [path];
  });
}

export const isFolder = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

function openOne(folder: string): LogSource {
  // A copy without payloads, or opened fields, has none for any bundle, and asking for each would take longer than to verify it.
  const absent = [PAYLOADS, OPENED]
    .filter((name) => !existsSync(join(folder, name)))
    .map((name) => `${name}/`);
  return {
    read(path, room): Uint8Array | null {
      if (absent.some((start) => path.startsWith(start))) return null;
      try {
        return readPlain(`${folder}/${path}`, bytesMaxOf(path), room);
      } catch (error) {
        if (error instanceof Error && "code" in error && MISSING.includes(String(error.code))) return null;
        throw error;
      }
    },
    list(path): readonly Listed[] {
      try {
        return readdirSync(join(folder, ...path.split("/")), { withFileTypes: true }).map(listedAs);
      } catch (error) {
        if (error instanceof Error && "code" in error && MISSING.includes(String(error.code))) return [];
        throw error;
      }
    },
  };
}

function listedAs(one: Dirent): Listed {
  const other = one.isDirectory() ? "folder" : "other";
  return { name: one.name, kind: one.isFile() ? "file" : other };
}

const PAYLOADS = "payloads";
const OPENED = "opened";

/**
 * The bytes of a plain file; null for anything else. A copy comes from others: a pipe would never end to be opened, a
 * device never to be read, and what is longer than any file of a log would fill the memory.
 */
function readPlain(file: string, bytesMax: number, room: Uint8Array | undefined): Uint8Array | null {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile() || found.size > bytesMax) return null;
    return room === undefined || found.size > room.byteLength
      ? readFileSync(descriptor)
      : readInto(descriptor, room.subarray(0, found.size));
  } finally {
    closeSync(descriptor);
  }
}

function readInto(descriptor: number, room: Uint8Array): Uint8Array {
  let size = 0;
  while (size < room.byteLength) {
    const read = readSync(descriptor, room, size, room.byteLength - size, null);
    if (read === 0) break;
    size += read;
  }
  return room.subarray(0, size);
}

const MISSING: readonly string[] = ["ENOENT", "ENOTDIR", "EISDIR", "ELOOP", "ENXIO"];

/** Puts a file in place, all of it or nothing. */
export function writeLogFile(folder: string, path: string, content: Uint8Array | string): void {
  const target = join(folder, ...path.split("/"));
  mkdirSync(dirname(target), { recursive: true });
  const staged = `${target}.tmp`;
  writeFileSync(staged, content, { flush: true });
  renameSync(staged, target);
}
