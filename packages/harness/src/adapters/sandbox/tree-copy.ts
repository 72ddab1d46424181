// The copy of a workspace that a command works on, and what it made of it. Taking changes over from a copy, and not
// letting a command write the workspace, settles links, special files, git's own folder and files that editors or
// shells execute in one place: they are never taken.

import { execFile } from "node:child_process";
import { chmod, chown, lstat, mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { assert } from "../../base/assert.ts";
import { sha256Hex } from "../../base/digest.ts";
import { TOOL_FILE_BYTES_MAX } from "../../base/limits.ts";
import { parsePath } from "../../core/path/workspace-path.ts";
import { confine } from "../files/confined.ts";
import { systemCode } from "../files/file-error.ts";
import type { Random } from "../../ports.ts";
import type { Identity } from "./account.ts";
import type { LeftOver, SandboxLimits, SandboxWorkspace } from "../../ports.ts";

/** Changed files that one command may hand over; a build that makes more has to be told what to keep. */
const CHANGED_FILES_MAX = 1_000;
const CHANGED_BYTES_MAX = 64 * 1024 * 1024;
/** Named in the outcome; more are only counted. */
const LEFT_OVER_MAX = 100;

type Known = {
  readonly sha256: string;
  /** Equal: not touched. Every change of content, mode or names moves the time of change, and nobody can set it. */
  readonly stamp: string | null;
};

export type Copied = {
  /** Every file by its path, as it was before the command. */
  readonly files: ReadonlyMap<string, Known>;
  readonly unseen: readonly string[];
};

/** Null: the workspace is larger than a command's disk. */
export async function copyIn(
  workspace: SandboxWorkspace,
  tree: string,
  identity: Identity | null,
  limits: SandboxLimits,
  signal: AbortSignal,
): Promise<Copied | null> {
  const files = new Map<string, Known>();
  const unseen: string[] = [];
  const folders = new Set<string>([""]);
  let bytes = 0;
  for await (const { path, sizeBytes } of workspace.walk("", signal)) {
    const content = sizeBytes > TOOL_FILE_BYTES_MAX ? null : await workspace.read(path);
    if (content === null || !content.ok) {
      unseen.push(path);
      continue;
    }
    bytes += content.value.byteLength;
    if (bytes > limits.diskBytes || files.size + folders.size >= limits.diskEntries) return null;
    await makeFolders(tree, dirname(path) === "." ? "" : dirname(path), folders, identity);
    const to = join(tree, path);
    await writeFile(to, content.value, { flag: "wx", mode: isScript(content.value) ? 0o755 : 0o644 });
    await give(to, identity);
    files.set(path, { sha256: sha256Hex(content.value), stamp: await stampOf(to) });
  }
  return { files, unseen };
}

/** Null for a name that is not UTF-8: listed it looks like another, and cannot be found under it. */
async function stampOf(path: string): Promise<string | null> {
  try {
    const { ino, size, ctimeNs } = await lstat(path, { bigint: true });
    return `${ino} ${size} ${ctimeNs}`;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
}

// The workspace's port does not tell modes; a file that names its interpreter is meant to be started.
const isScript = (content: Uint8Array): boolean => content[0] === 0x23 && content[1] === 0x21;

async function makeFolders(
  tree: string,
  folder: string,
  made: Set<string>,
  identity: Identity | null,
): Promise<void> {
  if (made.has(folder)) return;
  const parent = dirname(folder);
  await makeFolders(tree, parent === "." ? "" : parent, made, identity);
  await mkdir(join(tree, folder), { mode: 0o755 });
  await give(join(tree, folder), identity);
  made.add(folder);
}

export async function give(path: string, identity: Identity | null): Promise<void> {
  if (identity !== null) await chown(path, identity.uid, identity.gid);
}

export type Change = { readonly path: string; readonly content: Uint8Array };

export type Changes = {
  readonly changed: readonly Change[];
  readonly removed: readonly string[];
  readonly leftOver: readonly LeftOver[];
};

/** What a command has made of its copy. Only after its last process has ended: nothing may move meanwhile. */
export async function collectChanges(
  tree: string,
  before: ReadonlyMap<string, Known>,
  random: Random,
): Promise<Changes> {
  const found = new Collection(before);
  // The same reader as for the workspace: no link is followed, no special file opened, no second name of a file read.
  const files = confine({ root: tree, staging: tree, random });
  await collectFolder(tree, "", found, async (path) => {
    const stamp = before.get(path)?.stamp ?? null;
    if (stamp !== null && stamp === (await stampOf(join(tree, path)))) {
      found.see(path);
      return;
    }
    const content = await files.read(path);
    if (!content.ok) found.leave(path, content.error.detail);
    else found.take(path, content.value);
  });
  return found.end();
}

async function collectFolder(
  tree: string,
  folder: string,
  found: Collection,
  readInto: (path: string) => Promise<void>,
): Promise<void> {
  for (const entry of await entriesOf(join(tree, folder))) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    const use = found.isKnown(path) ? "read" : "write";
    const legal = parsePath(path, entry.isDirectory() ? "read" : use);
    if (!legal.ok) found.leave(path, legal.error.detail);
    else if (entry.isDirectory()) await collectFolder(tree, path, found, readInto);
    else if (entry.isFile()) await readInto(path);
    else
      found.leave(path, entry.isSymbolicLink() ? "It is a symbolic link." : "It is neither file nor folder.");
    if (found.isFull) return;
  }
}

async function entriesOf(folder: string): ReturnType<typeof readFolder> {
  try {
    return await readFolder(folder);
  } catch (error) {
    if (systemCode(error) !== "EACCES") throw error;
    // The command closed its own folder. It is ours as well, and no link: the parent's listing said so.
    await chmod(folder, 0o700);
    return await readFolder(folder);
  }
}

const readFolder = async (folder: string) => await readdir(folder, { withFileTypes: true });

class Collection {
  readonly #before: ReadonlyMap<string, Known>;
  readonly #changed: Change[] = [];
  readonly #leftOver: LeftOver[] = [];
  readonly #present = new Set<string>();
  /** Every path that was refused, also those that are only counted. */
  readonly #refused = new Set<string>();
  #leftOverCount = 0;
  #bytes = 0;

  constructor(before: ReadonlyMap<string, Known>) {
    this.#before = before;
  }

  get isFull(): boolean {
    return this.#changed.length > CHANGED_FILES_MAX || this.#bytes > CHANGED_BYTES_MAX;
  }

  isKnown(path: string): boolean {
    return this.#before.has(path);
  }

  see(path: string): void {
    this.#present.add(path);
  }

  take(path: string, content: Uint8Array): void {
    this.#present.add(path);
    if (this.#before.get(path)?.sha256 === sha256Hex(content)) return;
    const writable = parsePath(path, "write");
    if (!writable.ok) {
      this.leave(path, writable.error.detail);
      return;
    }
    this.#changed.push({ path, content });
    this.#bytes += content.byteLength;
  }

  leave(path: string, because: string): void {
    this.#present.add(path);
    this.#refused.add(path);
    this.#leftOverCount += 1;
    if (this.#leftOver.length < LEFT_OVER_MAX) this.#leftOver.push({ path, because });
  }

  end(): Changes {
    if (this.isFull)
      return {
        changed: [],
        removed: [],
        leftOver: [
          {
            path: "",
            because: `More than ${CHANGED_FILES_MAX} files or ${CHANGED_BYTES_MAX} bytes changed; nothing was taken over.`,
          },
        ],
      };
    const hidden = this.#leftOverCount - this.#leftOver.length;
    const more = hidden === 0 ? [] : [{ path: "", because: `And ${hidden} more.` }];
    const isBelowRefused = (path: string): boolean =>
      foldersOf(path).some((folder) => this.#refused.has(folder));
    const removed = [...this.#before.keys()].filter(
      // A file below what was refused (a folder that became a link) is not gone but out of sight.
      (path) => !this.#present.has(path) && !isBelowRefused(path),
    );
    return {
      changed: this.#changed.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
      removed,
      leftOver: [...this.#leftOver, ...more],
    };
  }
}

/** `a/b/c` is below `a` and `a/b`. */
function foldersOf(path: string): readonly string[] {
  const names = path.split("/");
  return names.slice(1).map((_, count) => names.slice(0, count + 1).join("/"));
}

/** What came of it: the paths that the workspace has taken, and why it did not take the others. */
export async function takeOver(
  workspace: SandboxWorkspace,
  changes: Changes,
): Promise<{
  readonly written: readonly string[];
  readonly removed: readonly string[];
  readonly leftOver: readonly LeftOver[];
}> {
  const written: string[] = [];
  const removed: string[] = [];
  const leftOver: LeftOver[] = [...changes.leftOver];
  for (const path of changes.removed) {
    const done = await remove(workspace, path);
    if (done === null) removed.push(path);
    else leftOver.push({ path, because: done });
  }
  for (const { path, content } of changes.changed) {
    const done = await workspace.write(path, content);
    if (done.ok) written.push(path);
    else leftOver.push({ path, because: done.error.detail });
  }
  return { written, removed, leftOver };
}

async function remove(workspace: SandboxWorkspace, path: string): Promise<string | null> {
  const writable = parsePath(path, "write");
  if (!writable.ok) return writable.error.detail;
  const done = await workspace.remove(path);
  return done.ok ? null : done.error.detail;
}

const run = promisify(execFile);
const ENVIRONMENT: NodeJS.ProcessEnv = { LC_ALL: "C", PATH: "/usr/bin:/bin" };

/**
 * Removes a folder that a command may have filled with whatever it liked: names longer than any path (fs.rm would join
 * them and fail), folders closed to their owner. The programs walk by descriptor and follow no link.
 */
export async function removeTree(folder: string, within: string): Promise<void> {
  assert(folder.startsWith(`${within}/`) && !folder.includes("/../"), "only what was made here is removed");
  await run("chmod", ["--recursive", "u+rwX", "--", folder], { env: ENVIRONMENT }).catch(onlyTheirs);
  await run("rm", ["--recursive", "--force", "--one-file-system", "--", folder], { env: ENVIRONMENT });
}

// chmod complains of what it cannot mend; whether that matters, rm tells.
function onlyTheirs(error: unknown): void {
  if (!(error instanceof Error && "code" in error)) throw error;
}
