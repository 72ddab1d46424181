// Where a copy that is being brought forward is put together: in a folder of the copy, which becomes a part of it under
// another name once it is there and gives the root that was signed. From that moment on, which is one rename, whoever reads
// the copy reads what lies there in the place of what lies beside it; and its files are moved to their places one by one. What
// comes to nothing before that moment leaves the copy as it was; whoever is killed after it leaves a copy that is whole, and
// the next command that writes to it goes on with the move.

import {
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder } from "../../make-folder.ts";
import { INCOMING_PREFIX, INCOMING_WHOLE } from "../../core/audit/inventory.ts";
import { WITNESSED_FILE } from "../../core/audit/verify-witnessed.ts";
import { openLogFolder } from "./log-folder.ts";

export type Incoming = {
  /** A file of the copy to be, by its path; the last one that was put there counts. */
  put(path: string, content: Uint8Array | string): void;
  /** What was put there, or what the copy has in its place. */
  read(path: string): Uint8Array | null;
  /** Makes all of them a part of the copy. False: somebody else has just done so with a copy of his own. */
  move(): boolean;
  /** Forgets what was not moved. */
  end(): void;
};

/** What a copy does to the disk, one by one, so that a test can break off at each. */
export type CopyOperations = {
  readonly makeFolder: (path: string) => void;
  readonly makeRoom: (prefix: string) => string;
  readonly write: (path: string, content: Uint8Array | string) => void;
  readonly rename: (from: string, to: string) => void;
  readonly sync: (folder: string) => void;
  readonly remove: (folder: string) => void;
  readonly removeEmpty: (folder: string) => void;
};

export const DISK: CopyOperations = {
  makeFolder: (path) => void makeFolder(path),
  makeRoom: (prefix) => mkdtempSync(prefix),
  write: (path, content) => {
    writeFileSync(path, content, { flush: true });
  },
  rename: renameSync,
  sync: (folder) => {
    const descriptor = openSync(folder, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  },
  remove: (folder) => {
    rmSync(folder, { recursive: true, force: true });
  },
  removeEmpty: rmdirSync,
};

/** A copy that takes longer than that to fetch does not exist; what is older was left by one that was killed. */
const LEFT_MS = 7 * 24 * 3_600_000;

/**
 * @param now in milliseconds, as files are dated
 * @throws what the system says of a folder that cannot be made or written
 */
export function openIncoming(folder: string, now: number, disk: CopyOperations = DISK): Incoming {
  disk.makeFolder(folder);
  for (const name of readdirSync(folder))
    if (name.startsWith(INCOMING_PREFIX) && name !== INCOMING_WHOLE) sweep(join(folder, name), now, disk);
  const room = disk.makeRoom(join(folder, INCOMING_PREFIX));
  return {
    put(path, content): void {
      disk.makeFolder(dirname(at(room, path)));
      disk.write(at(room, path), content);
    },
    read: (path) => openLogFolder(room).read(path) ?? openLogFolder(folder).read(path),
    move(): boolean {
      try {
        disk.rename(room, join(folder, INCOMING_WHOLE));
      } catch (error) {
        if (isOneOf(error, ["ENOTEMPTY", "EEXIST"])) return false;
        throw error;
      }
      disk.sync(folder);
      finishMove(folder, disk);
      return true;
    },
    end: () => {
      disk.remove(room);
    },
  };
}

/**
 * Goes on with what a copy that was killed had begun to move; nothing where there is none. Two may do so at once: each file
 * is moved by whoever comes first, and none is behind its place before all that it covers is.
 */
export function finishMove(folder: string, disk: CopyOperations = DISK): void {
  const whole = join(folder, INCOMING_WHOLE);
  const paths = filesBelow(whole, "");
  if (paths === null) return;
  const last = ["checkpoint", WITNESSED_FILE];
  const ordered = [
    ...paths.filter((path) => !last.includes(path)),
    ...last.filter((path) => paths.includes(path)),
  ];
  for (const path of ordered) {
    disk.makeFolder(dirname(at(folder, path)));
    try {
      disk.rename(at(whole, path), at(folder, path));
    } catch (error) {
      // Somebody else has moved it.
      if (!isOneOf(error, ["ENOENT"])) throw error;
    }
  }
  disk.sync(folder);
  removeEmpty(whole, disk);
}

// Never with anything in it: in the same moment somebody else may put a copy of his own there.
function removeEmpty(folder: string, disk: CopyOperations): void {
  try {
    for (const { name } of readdirSync(folder, { withFileTypes: true }))
      removeEmpty(join(folder, name), disk);
    disk.removeEmpty(folder);
  } catch (error) {
    if (!isOneOf(error, ["ENOENT", "ENOTDIR", "ENOTEMPTY", "EEXIST"])) throw error;
  }
}

/** Null where there is no such folder. */
function filesBelow(root: string, path: string): string[] | null {
  try {
    return readdirSync(at(root, path), { withFileTypes: true }).flatMap((one) => {
      const inner = path === "" ? one.name : `${path}/${one.name}`;
      return one.isDirectory() ? (filesBelow(root, inner) ?? []) : [inner];
    });
  } catch (error) {
    if (isOneOf(error, ["ENOENT"])) return null;
    throw error;
  }
}

const at = (root: string, path: string): string => join(root, ...path.split("/"));

const isOneOf = (error: unknown, codes: readonly string[]): boolean =>
  error instanceof Error && "code" in error && codes.includes(String(error.code));

// Another copy into this folder may be under way: it has a room of its own, and is left alone.
function sweep(room: string, now: number, disk: CopyOperations): void {
  const age = now - (statSync(room, { throwIfNoEntry: false })?.mtimeMs ?? now);
  if (age > LEFT_MS) disk.remove(room);
}
