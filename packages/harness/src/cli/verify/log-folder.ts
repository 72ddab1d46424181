// An exported log as files: read for verifying, written by export and mirror.

import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { LogSource } from "../../core/audit/verify-source.ts";

/** A tile has 8 KB, a bundle at most 1 MB; payloads can be larger. */
const FILE_BYTES_MAX = 512 * 1024 * 1024;

export function openLogFolder(folder: string): LogSource {
  // A copy without payloads has none for any bundle, and asking for each would take longer than to verify it.
  const hasPayloads = existsSync(join(folder, PAYLOADS));
  return {
    read(path, room): Uint8Array | null {
      if (!hasPayloads && path.startsWith(`${PAYLOADS}/`)) return null;
      const file = join(folder, ...path.split("/"));
      try {
        const read = room === undefined ? null : readInto(file, room);
        if (read !== null) return read;
        const bytes = readFileSync(file);
        return bytes.byteLength > FILE_BYTES_MAX ? null : bytes;
      } catch (error) {
        if (error instanceof Error && "code" in error && MISSING.includes(String(error.code))) return null;
        throw error;
      }
    },
  };
}

const PAYLOADS = "payloads";

/** The file's bytes in the room; null when it has more than fit. */
function readInto(file: string, room: Uint8Array): Uint8Array | null {
  const descriptor = openSync(file, "r");
  try {
    let size = 0;
    while (size < room.byteLength) {
      const read = readSync(descriptor, room, size, room.byteLength - size, null);
      if (read === 0) return room.subarray(0, size);
      size += read;
    }
    return null;
  } finally {
    closeSync(descriptor);
  }
}

const MISSING: readonly string[] = ["ENOENT", "ENOTDIR", "EISDIR"];

/** Puts a file in place, all of it or nothing. */
export function writeLogFile(folder: string, path: string, content: Uint8Array | string): void {
  const target = join(folder, ...path.split("/"));
  mkdirSync(dirname(target), { recursive: true });
  const staged = `${target}.tmp`;
  writeFileSync(staged, content, { flush: true });
  renameSync(staged, target);
}
