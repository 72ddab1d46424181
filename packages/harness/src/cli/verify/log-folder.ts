// An exported log as files: read for verifying, written by export and mirror.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { LogSource } from "../../core/audit/verify-source.ts";

/** A tile has 8 KB, a bundle at most 1 MB; payloads can be larger. */
const FILE_BYTES_MAX = 512 * 1024 * 1024;

export function openLogFolder(folder: string): LogSource {
  return {
    read(path): Uint8Array | null {
      try {
        const bytes = readFileSync(join(folder, ...path.split("/")));
        return bytes.byteLength > FILE_BYTES_MAX ? null : bytes;
      } catch (error) {
        if (error instanceof Error && "code" in error && MISSING.includes(String(error.code))) return null;
        throw error;
      }
    },
  };
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
