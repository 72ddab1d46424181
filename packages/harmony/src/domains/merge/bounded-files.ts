// Files as this domain needs them: bounded, never through a link, replaced in one durable step.

import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { parseBoundedJson } from "../../bounded-json.ts";
import { HarmonyError } from "../../errors.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";
export const MISSING: readonly string[] = ["ENOENT", "ENOTDIR"];

function syncFolder(folder: string): void {
  const handle = fs.openSync(folder, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

/** Bytes of a regular file, never through a link; null when there is none. Throws past `sizeBytesMax`. */
export function readBytes(path: string, sizeBytesMax: number): Buffer | "other" | "too_large" | null {
  let handle: number;
  try {
    handle = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
  } catch (error) {
    if (MISSING.includes(codeOf(error))) return null;
    if (["ELOOP", "ENXIO", "EISDIR"].includes(codeOf(error))) return "other";
    throw error;
  }
  try {
    const stats = fs.fstatSync(handle);
    if (!stats.isFile()) return "other";
    if (stats.size > sizeBytesMax) return "too_large";
    const bytes = fs.readFileSync(handle);
    return bytes.length > sizeBytesMax ? "too_large" : bytes;
  } finally {
    fs.closeSync(handle);
  }
}

/** Atomic and durable: the old file or the new one is found, whenever the process dies. */
export function replaceFile(path: string, bytes: Buffer, mode: number): void {
  const temporary = join(dirname(path), `.harmony-${randomBytes(8).toString("hex")}.tmp`);
  try {
    const handle = fs.openSync(temporary, "wx", mode);
    try {
      fs.fchmodSync(handle, mode);
      fs.writeFileSync(handle, bytes);
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(temporary, path);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/** A folder of ours below the root. A link in its place could lead our writes anywhere, so it is refused. */
export function ensureFolder(root: string, folder: string): string {
  let path = root;
  for (const part of relative(root, folder).split(sep)) {
    path = join(path, part);
    try {
      fs.mkdirSync(path, 0o755);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    if (!fs.lstatSync(path).isDirectory()) {
      throw new HarmonyError("untrusted_path", `${relative(root, path)} is not a folder`);
    }
  }
  return folder;
}

export function readJson(path: string, sizeBytesMax: number): unknown {
  const bytes = readBytes(path, sizeBytesMax);
  if (!Buffer.isBuffer(bytes)) return null;
  try {
    return parseBoundedJson(bytes);
  } catch (error) {
    if (error instanceof HarmonyError) return null;
    throw error;
  }
}

export function decode(bytes: Buffer): string | null {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** Where a folder really is; where nothing is, and so nothing is read or written, the folder itself. */
export function realFolder(folder: string): string {
  try {
    return fs.realpathSync(folder);
  } catch (error) {
    if (MISSING.includes(codeOf(error))) return folder;
    throw error;
  }
}

export function isBelow(root: string, folder: string): boolean {
  const real = realFolder(folder);
  return real === root || real.startsWith(root.endsWith(sep) ? root : `${root}${sep}`);
}

export function drop(path: string): boolean {
  try {
    fs.unlinkSync(path);
    return true;
  } catch (error) {
    if (MISSING.includes(codeOf(error))) return false;
    throw error;
  }
}

export function readTail(path: string, sizeBytesMax: number): string {
  let handle: number;
  try {
    handle = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
  } catch (error) {
    if ([...MISSING, "ELOOP", "ENXIO"].includes(codeOf(error))) return "";
    throw error;
  }
  try {
    const stats = fs.fstatSync(handle);
    if (!stats.isFile()) return "";
    const bytes = Buffer.alloc(Math.min(stats.size, sizeBytesMax));
    const read = fs.readSync(handle, bytes, 0, bytes.length, stats.size - bytes.length);
    return bytes.subarray(0, read).toString("utf8");
  } finally {
    fs.closeSync(handle);
  }
}
