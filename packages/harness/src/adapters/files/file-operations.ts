// The few file operations that artifacts, logs and keys need, one system call's worth each, so that a test can fail any one of them.

import { constants } from "node:fs";
import { lstat, mkdir, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "./file-error.ts";

export type FileOperations = {
  /** Makes a folder and those above it; no error when it is there. */
  makeFolder(path: string): Promise<void>;
  /** Empty when the folder is missing. */
  list(folder: string): Promise<readonly { readonly name: string; readonly modifiedAtMs: number }[]>;
  /** Null when missing. Rejects when the file is larger than the limit, or no regular file. */
  read(path: string, sizeBytesMax: number): Promise<Uint8Array | null>;
  /** Of a regular file; null when there is none. */
  size(path: string): Promise<number | null>;
  /** Makes a new file with this content; rejects when the name is taken. */
  create(path: string, content: Uint8Array): Promise<void>;
  /** Puts other bytes in the place of as many, within the file that is there. */
  overwrite(path: string, content: Uint8Array): Promise<void>;
  /** Returns once the content of the file, or the names in the folder, would survive a loss of power. */
  sync(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; no error when it is gone. */
  remove(path: string): Promise<void>;
};

export const diskOperations: FileOperations = {
  makeFolder: async (path) => {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  list: async (folder) => {
    const found = [];
    for (const name of (await unless("ENOENT", readdir(folder))) ?? []) {
      const info = await unless("ENOENT", stat(join(folder, name)));
      if (info !== null) found.push({ name, modifiedAtMs: info.mtimeMs });
    }
    return found;
  },
  read,
  size: async (path) => {
    const info = await unless("ENOENT", lstat(path));
    return info?.isFile() === true ? info.size : null;
  },
  create: async (path, content) => {
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
    await using handle = await open(path, flags, 0o600);
    await handle.writeFile(content);
  },
  overwrite: async (path, content) => {
    await using handle = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW);
    // From the beginning on, nothing cut off; a write that took only part of it goes on.
    await handle.writeFile(content);
  },
  sync: async (path) => {
    await using handle = await open(path, constants.O_RDONLY);
    await handle.sync();
  },
  rename,
  remove: async (path) => {
    await unless("ENOENT", unlink(path));
  },
};

async function read(path: string, sizeBytesMax: number): Promise<Uint8Array | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const opened = await unless("ENOENT", open(path, flags));
  if (opened === null) return null;
  await using handle = opened;
  const found = await handle.stat();
  if (!found.isFile()) throw new Error(`${path} is no regular file`);
  if (found.size > sizeBytesMax) throw new Error(`${path} has more than ${sizeBytesMax} bytes`);
  return Uint8Array.from(await handle.readFile());
}

async function unless<T>(code: string, work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (systemCode(error) === code) return null;
    throw error;
  }
}
