// Every touch of the disk goes through this port, so that a test can count the operations of a call and then let the
// k-th one fail, or kill the process there, for every k.

import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from "node:fs";

/** What identifies a file's content without reading it. */
export type FileStat = {
  readonly kind: "file" | "folder" | "other";
  readonly device: number;
  readonly inode: number;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly changedMs: number;
};

/** Errors are Node's, with their `code` (ENOENT, EEXIST, …). A method that says so answers null for ENOENT. */
export type FileOperations = {
  createExclusive(path: string): number;
  /** Never follows a link and never waits for a FIFO's other end; null when there is nothing, or a link. */
  openForRead(path: string): number | null;
  /** Null where the system cannot sync a folder (Windows), and writes its names in order by itself. */
  openFolder(path: string): number | null;
  statOf(handle: number): FileStat;
  /** Of the name itself, not of what a link points to; null when there is nothing. */
  statAt(path: string): FileStat | null;
  write(handle: number, bytes: Uint8Array): number;
  read(handle: number, into: Uint8Array, at: number): number;
  sync(handle: number): void;
  close(handle: number): void;
  link(from: string, to: string): void;
  rename(from: string, to: string): void;
  /** False when there was nothing. */
  unlink(path: string): boolean;
  /** False when it was there already. */
  makeFolder(path: string): boolean;
  /** False when it is gone or not empty. */
  removeFolder(path: string): boolean;
  /** Names in a folder, in no order; null when there is no folder. Stops after `max + 1`. */
  names(path: string, max: number): readonly string[] | null;
  /** Blocks this thread. */
  pause(ms: number): void;
  nowMs(): number;
  randomName(): string;
  process: ProcessIdentity;
};

/** Which process this is, as another one on the machine can check it. */
export type ProcessIdentity = {
  readonly pid: number;
  /** The machine's boot and the pid namespace: a pid says nothing elsewhere. */
  readonly place: string;
  isAlive(pid: number): boolean;
};

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

/** The result, or null when the error's code is one of these. */
export function unless<T>(codes: readonly string[], attempt: () => T): T | null {
  try {
    return attempt();
  } catch (error) {
    if (codes.includes(codeOf(error))) return null;
    throw error;
  }
}

function statFrom(stats: ReturnType<typeof fstatSync>): FileStat {
  return {
    kind: stats.isFile() ? "file" : stats.isDirectory() ? "folder" : "other",
    device: Number(stats.dev),
    inode: Number(stats.ino),
    sizeBytes: Number(stats.size),
    modifiedMs: Number(stats.mtimeMs),
    changedMs: Number(stats.ctimeMs),
  };
}

function place(): string {
  const boot = unless(["ENOENT", "EACCES"], () =>
    readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim(),
  );
  const namespace = unless(["ENOENT", "EACCES", "EPERM", "EINVAL"], () => readlinkSync("/proc/self/ns/pid"));
  return `${boot ?? "unknown"}-${namespace ?? "host"}`.replace(/[^0-9a-z]/g, "");
}

const processIdentity: ProcessIdentity = {
  pid: process.pid,
  place: place(),
  isAlive(pid: number): boolean {
    // EPERM means that it lives and belongs to somebody else.
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      return codeOf(error) !== "ESRCH";
    }
  },
};

const NAMES_AT_ONCE = 4_096;
const sleeper = new Int32Array(new SharedArrayBuffer(4));
const LEAST_MODE = constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_RDONLY;

function namesOf(path: string, max: number): string[] {
  const names: string[] = [];
  using folder = opendirSync(path, { bufferSize: NAMES_AT_ONCE });
  for (let entry = folder.readSync(); entry !== null && names.length <= max; entry = folder.readSync()) {
    names.push(entry.name);
  }
  return names;
}

export const nodeOperations: FileOperations = {
  createExclusive: (path) => openSync(path, "wx", 0o644),
  // ELOOP: a link. ENXIO, ENODEV: a socket or a device without a driver. EISDIR cannot come from a read-only open.
  openForRead: (path) =>
    unless(["ENOENT", "ELOOP", "ENXIO", "ENODEV", "EMLINK", "EACCES"], () => openSync(path, LEAST_MODE)),
  openFolder: (path) =>
    process.platform === "win32"
      ? null
      : openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW),
  statOf: (handle) => statFrom(fstatSync(handle)),
  statAt: (path) => {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    return stats === undefined ? null : statFrom(stats);
  },
  write: (handle, bytes) => writeSync(handle, bytes),
  read: (handle, into, at) => readSync(handle, into, at, into.length - at, null),
  sync: (handle) => fsyncSync(handle),
  close: (handle) => closeSync(handle),
  link: (from, to) => linkSync(from, to),
  rename: (from, to) => renameSync(from, to),
  unlink: (path) => unless(["ENOENT"], () => unlinkSync(path)) !== null,
  makeFolder: (path) => unless(["EEXIST"], () => mkdirSync(path, 0o755)) !== null,
  removeFolder: (path) => unless(["ENOENT", "ENOTEMPTY", "EEXIST"], () => rmdirSync(path)) !== null,
  names: (path, max) => unless(["ENOENT"], () => namesOf(path, max)),
  pause: (ms) => {
    Atomics.wait(sleeper, 0, 0, ms);
  },
  nowMs: () => Date.now(),
  randomName: () => randomBytes(16).toString("hex"),
  process: processIdentity,
};
