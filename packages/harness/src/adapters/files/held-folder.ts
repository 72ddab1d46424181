// Folders held open while a path is walked below them. Checking a path and then opening it loses the race against
// whoever swaps a folder for a link in between (measured: a dozen escapes in six seconds); a held descriptor cannot be
// swapped, so each name is opened relative to the one before.

import { constants } from "node:fs";
import { type FileHandle, open, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

export type HeldFolder = {
  readonly handle: FileHandle;
  /** The path that the kernel resolves from the held descriptor: where to find the folder itself. */
  readonly self: string;
};

/** How a name below a held folder is reached. */
export type Holding = "descriptor" | "path";

/**
 * Linux resolves `/proc/self/fd/<n>/<name>` from the descriptor itself, wherever the folder was moved to. Other
 * systems offer Node nothing like it; there names are joined to paths and what was opened is compared with what the
 * path leads to. That refuses links, but a swap and swap back at the right moment goes unnoticed: on those systems
 * nothing hostile may run beside the harness. Only Linux is proven.
 */
export const HOLDING: Holding = process.platform === "linux" ? "descriptor" : "path";

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
// Non-blocking: opening a FIFO for reading would otherwise wait for a writer that may never come.
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export async function holdRoot(path: string, holding: Holding): Promise<HeldFolder> {
  const handle = await open(path, FOLDER);
  return held(handle, holding, holding === "path" ? await realpathOrClose(handle, path) : path);
}

/** Opens a folder right below a held one; rejects with ENOTDIR or ELOOP for a link. */
export async function holdBelow(parent: HeldFolder, name: string, holding: Holding): Promise<HeldFolder> {
  const path = join(parent.self, name);
  const handle = await open(path, FOLDER);
  await sameAsPath(handle, path, holding);
  return held(handle, holding, path);
}

/** Opens whatever is not a folder or link right below a held folder. The caller checks what it got. */
export async function openBelow(parent: HeldFolder, name: string, holding: Holding): Promise<FileHandle> {
  const path = join(parent.self, name);
  const handle = await open(path, FILE);
  await sameAsPath(handle, path, holding);
  return handle;
}

function held(handle: FileHandle, holding: Holding, path: string): HeldFolder {
  return { handle, self: holding === "descriptor" ? `/proc/self/fd/${handle.fd}` : path };
}

async function realpathOrClose(handle: FileHandle, path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function sameAsPath(handle: FileHandle, path: string, holding: Holding): Promise<void> {
  if (holding === "descriptor") return;
  try {
    const [opened, real] = [await handle.stat(), await realpath(path)];
    const there = await stat(real);
    if (real === path && there.ino === opened.ino && there.dev === opened.dev) return;
    throw Object.assign(new Error("a link led elsewhere"), { code: "ELOOP" });
  } catch (error) {
    await handle.close();
    throw error;
  }
}
