// Where a copy that is being brought forward is put together: in a folder of the copy, out of which everything is moved once
// it is there and gives the root that was signed. What comes to nothing leaves the copy as it was.

import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder } from "../../make-folder.ts";
import { INCOMING_PREFIX } from "../../core/audit/inventory.ts";
import { openLogFolder } from "./log-folder.ts";

export type Incoming = {
  /** A file of the copy to be, by its path; the last one that was put there counts. */
  put(path: string, content: Uint8Array | string): void;
  /** What was put there, or what the copy has in its place. */
  read(path: string): Uint8Array | null;
  /** Moves all of them into the copy, each whole, in the order in which they were first put. */
  move(): void;
  /** Forgets what was not moved. */
  end(): void;
};

/** A copy that takes longer than that to fetch does not exist; what is older was left by one that was killed. */
const LEFT_MS = 7 * 24 * 3_600_000;

/**
 * @param now in milliseconds, as files are dated
 * @throws what the system says of a folder that cannot be made or written
 */
export function openIncoming(folder: string, now: number): Incoming {
  makeFolder(folder);
  for (const name of readdirSync(folder))
    if (name.startsWith(INCOMING_PREFIX)) sweep(join(folder, name), now);
  const room = mkdtempSync(join(folder, INCOMING_PREFIX));
  const paths = new Set<string>();
  return {
    put(path, content): void {
      mkdirSync(dirname(at(room, path)), { recursive: true });
      writeFileSync(at(room, path), content, { flush: true });
      paths.add(path);
    },
    read: (path) => openLogFolder(room).read(path) ?? openLogFolder(folder).read(path),
    move(): void {
      for (const path of paths) {
        mkdirSync(dirname(at(folder, path)), { recursive: true });
        renameSync(at(room, path), at(folder, path));
      }
      paths.clear();
    },
    end: () => {
      rmSync(room, { recursive: true, force: true });
    },
  };
}

const at = (root: string, path: string): string => join(root, ...path.split("/"));

// Another copy into this folder may be under way: it has a room of its own, and is left alone.
function sweep(room: string, now: number): void {
  const age = now - (statSync(room, { throwIfNoEntry: false })?.mtimeMs ?? now);
  if (age > LEFT_MS) rmSync(room, { recursive: true, force: true });
}
