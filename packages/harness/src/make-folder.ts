// A folder and those above it, and an end to it in any case.

import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/**
 * What `mkdir` with `recursive` does, and it ends: where a folder takes no other (below /proc), Node 24 tries for ever.
 * @returns whether any was made
 * @throws what the system says: ENOENT where a folder takes no other, ENOTDIR where a file is in the way, EACCES, EROFS, …
 */
export function makeFolder(path: string, mode: number = 0o777): boolean {
  const missing: string[] = [];
  let at = resolve(path);
  for (; statSync(at, { throwIfNoEntry: false }) === undefined; at = dirname(at)) missing.unshift(at);
  if (missing.length === 0 && !statSync(at).isDirectory()) throw new InTheWay(path);
  for (const folder of missing) makeOne(folder, mode);
  return missing.length > 0;
}

class InTheWay extends Error {
  override readonly name = "InTheWay";
  readonly code = "ENOTDIR";

  constructor(path: string) {
    super(`${path} is no folder`);
  }
}

function makeOne(folder: string, mode: number): void {
  try {
    mkdirSync(folder, mode);
  } catch (error) {
    // Another process makes the same one; a name that leads nowhere is there as well, and is none.
    const isThere = error instanceof Error && "code" in error && error.code === "EEXIST";
    if (!isThere || statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
}
