// Files that have lost their names and are held by a descriptor or a mapping: no walk finds them, and the disk keeps them
// until the last who holds them has ended.

import { readdir, readFile, stat } from "node:fs/promises";
import { systemCode } from "../files/file-error.ts";
import { processesBelow } from "./process-tree.ts";

/** Bytes on the disk of such files that a process, or one below it, holds on the file system of a folder. */
export async function namelessBytes(root: number, folder: string, enough: number): Promise<number> {
  const { dev } = await stat(folder);
  const found = new Map<number, number>();
  let bytes = 0;
  const add = (inode: number, size: number): void => {
    bytes += Math.max(0, size - (found.get(inode) ?? 0));
    found.set(inode, Math.max(size, found.get(inode) ?? 0));
  };
  const addFile = async (path: string): Promise<boolean> => {
    const file = await seen(stat(path));
    if (file?.isFile() === true && file.nlink === 0 && file.dev === dev) add(file.ino, file.blocks * 512);
    return file !== null;
  };
  for (const pid of await processesBelow(root)) {
    for (const descriptor of (await seen(readdir(`/proc/${pid}/fd`))) ?? []) {
      await addFile(`/proc/${pid}/fd/${descriptor}`);
      if (bytes > enough) return bytes;
    }
    for (const { range, inode, end } of namelessIn((await seen(readFile(`/proc/${pid}/maps`, "utf8"))) ?? ""))
      // Only root may look at the file itself; whoever else can say no more than how far it is mapped.
      if (!(await addFile(`/proc/${pid}/map_files/${range}`))) add(inode, end);
  }
  return bytes;
}

type Mapping = { readonly range: string; readonly inode: number; readonly end: number };

/** @param maps proc_pid_maps(5): `address perms offset dev inode pathname`. Shared memory without a file is none. */
export function namelessIn(maps: string): readonly Mapping[] {
  const lines = maps.matchAll(
    /^([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) [0-9a-f]+:[0-9a-f]+ (\d+) +(?!\/dev\/zero )\S.* \(deleted\)$/gmu,
  );
  return [...lines].map(([, start = "", end = "", offset = "", inode]) => ({
    range: `${start}-${end}`,
    inode: Number(inode),
    end: Number.parseInt(offset, 16) + Number.parseInt(end, 16) - Number.parseInt(start, 16),
  }));
}

const UNSEEN: readonly string[] = ["ENOENT", "ESRCH", "EACCES", "EPERM", "ENXIO"];

/** Null where it is gone by now, or not for us to see. */
async function seen<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (UNSEEN.includes(systemCode(error) ?? "")) return null;
    throw error;
  }
}
