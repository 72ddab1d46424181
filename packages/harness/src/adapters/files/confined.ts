// Files below one root folder, and nothing outside it, whatever else changes the tree meanwhile (spec security 2.9).

import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, rename, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { TOOL_FILE_BYTES_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { parsePath, PATH_NAMES_MAX, quotedPath } from "../../core/path/workspace-path.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { Random, WorkspaceEntry } from "../../ports.ts";
import { fileError, systemCode } from "./file-error.ts";
import { type HeldFolder, holdBelow, HOLDING, type Holding, holdRoot, openBelow } from "./held-folder.ts";

export type ConfinedOptions = {
  readonly root: string;
  /**
   * A folder on the same file system, outside the root: new content is completed there and then moved into place, so
   * that a killed process leaves nothing in the tree and nobody who acts inside the tree can touch what is half done.
   */
  readonly staging: string;
  readonly random: Random;
  /** Paths that stand for links, although plain files lie there: neither read nor written. */
  readonly links?: ReadonlySet<string>;
  readonly holding?: Holding;
};

export type Confined = {
  /** @param path a folder; empty for the root */
  list(path: string): Promise<Result<readonly WorkspaceEntry[], StepError>>;
  /** At most TOOL_FILE_BYTES_MAX bytes; a larger file is an error. */
  read(path: string): Promise<Result<Uint8Array, StepError>>;
  /** Atomic and durable. Makes missing folders; keeps the mode of a file that is there. */
  write(path: string, content: Uint8Array): Promise<Result<null, StepError>>;
  /** Durable. Folders that are empty because of it go too; `not_found` where there is nothing to remove. */
  remove(path: string): Promise<Result<null, StepError>>;
  /** Regular files below a folder (empty for the root), by name. A folder that is not there has none. */
  walk(
    path: string,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly path: string; readonly sizeBytes: number }>;
};

export function confine(options: ConfinedOptions): Confined {
  const tree: Tree = { ...options, links: options.links ?? new Set(), holding: options.holding ?? HOLDING };
  return {
    list: async (path) => await list(tree, path),
    read: async (path) => await read(tree, path),
    write: async (path, content) => await write(tree, path, content),
    remove: async (path) => await remove(tree, path),
    walk: (path, signal) => walk(tree, path, signal),
  };
}

type Tree = Required<ConfinedOptions>;

async function list(tree: Tree, path: string): Promise<Result<readonly WorkspaceEntry[], StepError>> {
  const names = folderNames(path);
  if (!names.ok) return names;
  return await trying(path, async () => {
    await using folder = await descend(tree, names.value);
    return ok(await entriesOf(tree, folder.value, names.value));
  });
}

async function read(tree: Tree, path: string): Promise<Result<Uint8Array, StepError>> {
  const names = parsePath(path, "read");
  if (!names.ok) return names;
  if (tree.links.has(path)) return err(linkError(path));
  return await trying(path, async () => {
    await using folder = await descend(tree, names.value.slice(0, -1));
    await using handle = await openBelow(folder.value, names.value.at(-1) ?? "", tree.holding);
    const file = await regularFile(handle, path);
    return file.ok ? await readAll(handle, path, file.value.sizeBytes) : file;
  });
}

async function write(tree: Tree, path: string, content: Uint8Array): Promise<Result<null, StepError>> {
  const names = parsePath(path, "write");
  if (!names.ok) return names;
  if (tree.links.has(path)) return err(linkError(path));
  if (content.byteLength > TOOL_FILE_BYTES_MAX) return err(tooLarge(path));
  return await trying(path, async () => {
    await using folder = await descend(tree, names.value.slice(0, -1), "make");
    const name = names.value.at(-1) ?? "";
    const mode = await modeOf(tree, folder.value, name, path);
    if (!mode.ok) return mode;
    const staged = await stage(tree, content, mode.value);
    try {
      // Rename replaces whatever lies under the name by now, even a link; it never follows one.
      await rename(staged, join(folder.value.self, name));
    } catch (error) {
      await unlink(staged);
      throw error;
    }
    await folder.value.handle.sync();
    return ok(null);
  });
}

async function remove(tree: Tree, path: string): Promise<Result<null, StepError>> {
  const names = parsePath(path, "write");
  if (!names.ok) return names;
  if (tree.links.has(path)) return err(linkError(path));
  return await trying(path, async () => {
    const above = names.value.slice(0, -1);
    {
      await using folder = await descend(tree, above);
      const name = names.value.at(-1) ?? "";
      {
        await using handle = await openBelow(folder.value, name, tree.holding);
        const file = await regularFile(handle, path);
        if (!file.ok) return file;
      }
      // Takes away whatever lies under the name by now, even a link; it never follows one, nor leaves the held folder.
      await unlink(join(folder.value.self, name));
      await folder.value.handle.sync();
    }
    await removeEmpty(tree, above);
    return ok(null);
  });
}

// A folder is there for its files: git knows of no other, and a file could never take its name.
async function removeEmpty(tree: Tree, names: readonly string[]): Promise<void> {
  for (let count = names.length; count > 0; count -= 1) {
    const parent = await unlessGone(async () => await descend(tree, names.slice(0, count - 1)));
    if (parent === null) return;
    await using held = parent;
    try {
      await rmdir(join(held.value.self, names[count - 1] ?? ""));
      await held.value.handle.sync();
    } catch (error) {
      // It holds something, or is a link or gone by now.
      if (NOT_EMPTY.includes(systemCode(error) ?? "")) return;
      throw error;
    }
  }
}

const NOT_EMPTY: readonly string[] = ["ENOTEMPTY", "EEXIST", "ENOTDIR", "ENOENT"];

async function* walk(
  tree: Tree,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<{ readonly path: string; readonly sizeBytes: number }> {
  const names = folderNames(path);
  if (!names.ok) return;
  const folder = await unlessGone(async () => await descend(tree, names.value));
  if (folder === null) return;
  await using held = folder;
  yield* walkHeld(tree, held.value, names.value, signal);
}

async function* walkHeld(
  tree: Tree,
  folder: HeldFolder,
  names: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<{ readonly path: string; readonly sizeBytes: number }> {
  for (const entry of await entriesOf(tree, folder, names)) {
    signal.throwIfAborted();
    const below = [...names, entry.name];
    const path = below.join("/");
    // A name that the grammar refuses could not be read either.
    if (!parsePath(path, "read").ok) continue;
    if (entry.kind === "file" && entry.sizeBytes !== null) yield { path, sizeBytes: entry.sizeBytes };
    if (entry.kind !== "folder" || below.length >= PATH_NAMES_MAX) continue;
    const child = await unlessGone(async () => holding(await holdBelow(folder, entry.name, tree.holding)));
    if (child === null) continue;
    await using held = child;
    yield* walkHeld(tree, held.value, below, signal);
  }
}

// --- folders ---------------------------------------------------------------------------------------------------

type Disposable<T> = AsyncDisposable & { readonly value: T };

function holding(folder: HeldFolder): Disposable<HeldFolder> {
  return { value: folder, [Symbol.asyncDispose]: async () => await folder.handle.close() };
}

// The root has no name, and the grammar no empty path: only callers that mean a folder may say it.
function folderNames(path: string): Result<readonly string[], StepError> {
  return path === "" ? ok([]) : parsePath(path, "read");
}

async function descend(
  tree: Tree,
  names: readonly string[],
  missing: "make" | "reject" = "reject",
): Promise<Disposable<HeldFolder>> {
  let folder = await holdRoot(tree.root, tree.holding);
  for (const name of names) {
    // Each parent stays open until its child is: a closed descriptor's number may name another file at once.
    const parent = folder;
    try {
      if (missing === "make") await makeBelow(parent, name);
      folder = await holdBelow(parent, name, tree.holding);
    } finally {
      await parent.handle.close();
    }
  }
  return holding(folder);
}

async function makeBelow(parent: HeldFolder, name: string): Promise<void> {
  try {
    await mkdir(join(parent.self, name));
    await parent.handle.sync();
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
  }
}

async function entriesOf(
  tree: Tree,
  folder: HeldFolder,
  names: readonly string[],
): Promise<readonly WorkspaceEntry[]> {
  const entries: WorkspaceEntry[] = [];
  for (const name of (await readdir(folder.self)).toSorted())
    entries.push(await entryOf(folder, name, tree.links.has([...names, name].join("/"))));
  return entries;
}

async function entryOf(folder: HeldFolder, name: string, link: boolean): Promise<WorkspaceEntry> {
  if (link) return { name, kind: "link", sizeBytes: null };
  // Gone since it was listed, or a name that is not UTF-8: it is there for the eye, but cannot be opened.
  const found = await unlessGone(async () => await lstat(join(folder.self, name)));
  if (found === null) return { name, kind: "other", sizeBytes: null };
  if (found.isSymbolicLink()) return { name, kind: "link", sizeBytes: null };
  if (found.isDirectory()) return { name, kind: "folder", sizeBytes: null };
  if (found.isFile()) return { name, kind: "file", sizeBytes: found.size };
  return { name, kind: "other", sizeBytes: null };
}

// --- files -----------------------------------------------------------------------------------------------------

type RegularFile = { readonly sizeBytes: number; readonly mode: number };

// Asked of the open descriptor, so that it is said of the very file that is read.
async function regularFile(handle: FileHandle, path: string): Promise<Result<RegularFile, StepError>> {
  const found = await handle.stat();
  if (!found.isFile())
    return err({ code: "not_a_file", detail: `${quotedPath(path)} is not a regular file.` });
  // A hard link is another name of a file that may lie anywhere on this file system.
  if (found.nlink !== 1) return err({ code: "hard_link", detail: `${quotedPath(path)} is a hard link.` });
  return ok({ sizeBytes: found.size, mode: found.mode & 0o777 });
}

async function readAll(
  handle: FileHandle,
  path: string,
  expectedBytes: number,
): Promise<Result<Uint8Array, StepError>> {
  if (expectedBytes > TOOL_FILE_BYTES_MAX) return err(tooLarge(path));
  // One byte more than expected: the size that was looked up is no promise, the file may grow meanwhile.
  const buffer = Buffer.alloc(expectedBytes + 1);
  let sizeBytes = 0;
  while (sizeBytes < buffer.byteLength) {
    const { bytesRead } = await handle.read(buffer, sizeBytes, buffer.byteLength - sizeBytes, null);
    if (bytesRead === 0) return ok(new Uint8Array(buffer.buffer, buffer.byteOffset, sizeBytes));
    sizeBytes += bytesRead;
  }
  return err({ code: "file_changed", detail: `${quotedPath(path)} grew while it was read; try again.` });
}

const NEW_FILE_MODE = 0o644;

async function modeOf(
  tree: Tree,
  folder: HeldFolder,
  name: string,
  path: string,
): Promise<Result<number, StepError>> {
  let handle: FileHandle;
  try {
    handle = await openBelow(folder, name, tree.holding);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return ok(NEW_FILE_MODE);
    throw error;
  }
  await using file = handle;
  const found = await regularFile(file, path);
  return found.ok ? ok(found.value.mode) : found;
}

async function stage(tree: Tree, content: Uint8Array, mode: number): Promise<string> {
  const path = join(tree.staging, Buffer.from(tree.random.bytes(16)).toString("hex"));
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
  const handle = await open(path, flags, 0o600);
  try {
    await handle.writeFile(content);
    await handle.chmod(mode);
    await handle.sync();
  } catch (error) {
    await unlink(path);
    throw error;
  } finally {
    await handle.close();
  }
  return path;
}

function tooLarge(path: string): StepError {
  return {
    code: "file_too_large",
    detail: `${quotedPath(path)} is larger than ${TOOL_FILE_BYTES_MAX} bytes.`,
  };
}

function linkError(path: string): StepError {
  return { code: "is_link", detail: `${quotedPath(path)} is a link; links are never followed.` };
}

async function trying<T>(
  path: string,
  work: () => Promise<Result<T, StepError>>,
): Promise<Result<T, StepError>> {
  try {
    return await work();
  } catch (error) {
    return err(fileError(error, path));
  }
}

const GONE: readonly string[] = ["ENOENT", "ENOTDIR", "ELOOP"];

/** Null where the thing is gone, or became a link, since it was listed. */
async function unlessGone<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (GONE.includes(systemCode(error) ?? "")) return null;
    throw error;
  }
}
