// What can be seen of a sandbox from outside, in /proc: its processes, their memory, and whether all have ended.

import { readdir, readFile, statfs } from "node:fs/promises";
import { systemCode } from "../files/file-error.ts";

const GONE: readonly string[] = ["ENOENT", "ESRCH"];

/** Null where the process or thread is gone by now. */
export async function unlessGone<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (GONE.includes(systemCode(error) ?? "")) return null;
    throw error;
  }
}

/** The process and all below it. What loses its parent becomes a child of the sandbox's first, so none is missed. */
export async function processesBelow(root: number): Promise<readonly number[]> {
  const found: number[] = [root];
  for (const pid of found) {
    const threads = (await unlessGone(readdir(`/proc/${pid}/task`))) ?? [];
    for (const thread of threads) {
      const children = await unlessGone(readFile(`/proc/${pid}/task/${thread}/children`, "utf8"));
      found.push(
        ...(children ?? "")
          .split(" ")
          .filter((text) => text !== "")
          .map(Number),
      );
    }
  }
  return found;
}

/**
 * Memory of a process and all below it, without program files: resident, swapped out, and the tables by which the kernel
 * finds it. Shared memory counts for each that has it.
 */
export async function memoryBelow(root: number): Promise<number> {
  let bytes = 0;
  for (const pid of await processesBelow(root)) {
    const status = (await unlessGone(readFile(`/proc/${pid}/status`, "utf8"))) ?? "";
    bytes += memoryIn(status);
  }
  return bytes;
}

/** @param status proc_pid_status(5) */
export function memoryIn(status: string): number {
  const found = status.matchAll(/^(?:RssAnon|RssShmem|VmSwap|VmPTE):\s+(\d+) kB$/gmu);
  return [...found].reduce((bytes, [, kibibytes]) => bytes + Number(kibibytes) * 1024, 0);
}

/** Share of the machine's memory that is still to be had, 0 to 1. */
export async function memoryLeft(): Promise<number> {
  const text = await readFile("/proc/meminfo", "utf8");
  const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "mu").exec(text)?.[1]);
  const share = of("MemAvailable") / of("MemTotal");
  // A kernel that does not say cannot be watched; then the other limits stand alone.
  return Number.isFinite(share) ? share : 1;
}

/**
 * Entries on one of a sandbox's memory file systems, seen through its first process. A tmpfs has a limit for bytes but
 * bubblewrap cannot set one for entries, and each costs the kernel about a kilobyte.
 * @param sizeBytes of the tmpfs as it was asked for: until it is mounted, another file system answers at this path
 */
export async function temporaryEntries(root: number, folder: string, sizeBytes: number): Promise<number> {
  try {
    const found = await statfs(`/proc/${root}/root${folder}`);
    const rounded = Math.ceil(sizeBytes / found.bsize) * found.bsize;
    return found.blocks * found.bsize === rounded ? found.files - found.ffree : 0;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return 0;
  }
}

/** A process that cannot be taken for a later one with the same number. */
export type KnownProcess = { readonly pid: number; readonly startedAt: string };

/** Null where it has ended by now. */
export async function knowProcess(pid: number): Promise<KnownProcess | null> {
  const fields = await statOf(pid);
  return fields === null ? null : { pid, startedAt: fields[START_FIELD] ?? "" };
}

/**
 * Whether a namespace's first process has ended. It becomes a zombie only after the kernel has ended every other
 * process of the namespace, so then nothing of the sandbox runs any more; whoever inherits it may never reap it.
 */
export async function hasEnded({ pid, startedAt }: KnownProcess): Promise<boolean> {
  const fields = await statOf(pid);
  return fields === null || fields[START_FIELD] !== startedAt || /^[ZX]$/u.test(fields[STATE_FIELD] ?? "");
}

// proc_pid_stat(5), counted from the third field.
const STATE_FIELD = 0;
const START_FIELD = 19;

async function statOf(pid: number): Promise<readonly string[] | null> {
  const stat = await unlessGone(readFile(`/proc/${pid}/stat`, "utf8"));
  // The name, in brackets, can hold anything; the other fields follow the last one.
  return stat === null ? null : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
