import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { PATH_NAMES_MAX } from "../../core/path/workspace-path.ts";
import { systemCode } from "../files/file-error.ts";

/** Levels below which nothing would be taken over anyway. */
const DEPTH_MAX = PATH_NAMES_MAX * 2;

/**
 * Whether a folder holds more than it may. Stops at the first excess, so that a flood of files does not take our time
 * too. What vanishes meanwhile does not count; whoever swaps folders for links only spoils the count.
 */
export async function holdsMoreThan(folder: string, bytesMax: number, entriesMax: number): Promise<boolean> {
  let bytes = 0;
  let entries = 0;
  const open: { readonly path: string; readonly depth: number }[] = [{ path: folder, depth: 0 }];
  try {
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (at.depth > DEPTH_MAX) return true;
      for (const name of (await unlessGone(readdir(at.path))) ?? []) {
        entries += 1;
        const path = join(at.path, name);
        const found = await unlessGone(lstat(path));
        if (found?.isDirectory() === true) open.push({ path, depth: at.depth + 1 });
        // Blocks, not size: a sparse file costs nothing.
        bytes += (found?.blocks ?? 0) * 512;
        if (bytes > bytesMax || entries > entriesMax) return true;
      }
    }
  } catch (error) {
    // Folders so deep that no path leads to the last: nobody could say how many there are.
    if (systemCode(error) === "ENAMETOOLONG") return true;
    throw error;
  }
  return false;
}

/** Also where it is closed to us: it is the command's own then, and other limits hold. */
const PASSED_OVER: readonly string[] = ["ENOENT", "ENOTDIR", "EACCES", "ELOOP", "EPERM"];

async function unlessGone<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (PASSED_OVER.includes(systemCode(error) ?? "")) return null;
    throw error;
  }
}
