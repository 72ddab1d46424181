// What every run at one commit of a source begins with: its history up to there, an index that remembers nothing of files,
// and which files stand for symbolic links. Git makes it once, which is ten processes; the others get copies of its files.

import { constants } from "node:fs";
import { copyFile, cp, mkdir, readdir, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256Hex } from "../../base/digest.ts";
import type { Random } from "../../ports.ts";
import { putAway, removeFolder } from "./copies.ts";
import { systemCode } from "./file-error.ts";
import { diskOperations } from "./file-operations.ts";
import type { Git, GitCall, GitFailure } from "./git.ts";
import { isAbandoned, withStagingName } from "./staging-name.ts";
import { checkOut } from "./workspace.ts";

/** All files of one commit together: each run has them written out for it. */
export const WORKSPACE_BYTES_MAX: number = 8 * 1024 ** 3;

/** Of each source: those of runs that begin now, and of those that began a commit ago. */
const KEPT_OF_A_SOURCE = 2;

// Bytes in the tree are the bytes of the commit: whatever a `.gitattributes` says of line ends, encodings, filters or
// hidden differences is switched off, so that the patch says in full what was changed.
const ATTRIBUTES = "* -text -ident -filter !eol !working-tree-encoding !diff !whitespace\n";

const BRANCH = "refs/heads/assent";

export type Histories = {
  /** Copies one commit with its history into a folder that is not there yet. Null when it worked. */
  copyOf(source: string, commit: string, copy: string, call: GitCall): Promise<GitFailure | null>;
};

/** @param sources paths of the repositories of now; histories of others are swept */
export async function openHistories(
  folder: string,
  sources: readonly string[],
  git: Git,
  random: Random,
): Promise<Histories> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const present = new Set(sources.map(prefixOf));
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (await isLeft(path, name)) await removeFolder(path);
    else if (!name.startsWith(".") && !present.has(name.slice(0, PREFIX_CHARS)))
      await putAway(folder, path, random);
  }
  return {
    copyOf: async (source, commit, copy, call) => {
      const kept = join(folder, `${prefixOf(source)}-${commit}`);
      if (await isCopied(kept, copy)) {
        const failure = await checkOut(git, copy, call);
        if (failure?.kind !== "failed") return failure;
      }
      // There is none, or it is damaged, as any file can be: the source is asked before a run is told so.
      await putAway(folder, kept, random);
      await removeFolder(copy);
      return (
        (await make(git, folder, { source, commit, kept, copy }, random, call)) ??
        (await checkOut(git, copy, call))
      );
    },
  };
}

const PREFIX_CHARS = 32;
const prefixOf = (source: string): string => sha256Hex(source).slice(0, PREFIX_CHARS);

async function isLeft(path: string, name: string): Promise<boolean> {
  try {
    return isAbandoned(name, (await stat(path)).mtimeMs);
  } catch (error) {
    // Another process sweeps too.
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** False: it is not there, or not whole, or not any more. */
async function isCopied(kept: string, copy: string): Promise<boolean> {
  try {
    const before = await stat(kept, { bigint: true });
    await copyFiles(kept, copy);
    const after = await stat(kept, { bigint: true });
    // What is put away is renamed before anything of it is removed: still under its name, it was whole all the time.
    return before.ino === after.ino && before.dev === after.dev;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}

// No hard links: whatever becomes of one copy, the others do not see it. A file system that can share blocks until one
// of them is written does so.
async function copyFiles(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  await cp(join(from, "git"), join(to, "git"), {
    recursive: true,
    force: false,
    errorOnExist: true,
    mode: constants.COPYFILE_FICLONE,
  });
  await copyFile(join(from, "links.json"), join(to, "links.json"), constants.COPYFILE_EXCL);
}

type Making = {
  readonly source: string;
  readonly commit: string;
  readonly kept: string;
  readonly copy: string;
};

/** Made whole and synced under another name, copied, then kept. */
async function make(
  git: Git,
  folder: string,
  { source, commit, kept, copy }: Making,
  random: Random,
  call: GitCall,
): Promise<GitFailure | null> {
  return await withStagingName(random, async (name) => {
    const temporary = join(folder, name);
    try {
      const failure = await fetchInto(git, source, commit, temporary, call);
      if (failure !== null) return failure;
      await copyFiles(temporary, copy);
      await syncAll(temporary);
      await rename(temporary, kept);
      await putOldAway(folder, source, random);
      return null;
    } catch (error) {
      // Somebody else was faster; theirs is as good.
      if (["ENOTEMPTY", "EEXIST"].includes(systemCode(error) ?? "")) return null;
      throw error;
    } finally {
      await removeFolder(temporary);
    }
  });
}

async function fetchInto(
  git: Git,
  source: string,
  commit: string,
  folder: string,
  call: GitCall,
): Promise<GitFailure | null> {
  const bare = join(folder, "git");
  await mkdir(bare, { recursive: true, mode: 0o700 });
  const init = await git(["init", "--quiet", "--bare", "--template=", `--initial-branch=assent`, bare], call);
  if (!init.ok) return init.error;
  await mkdir(join(bare, "info"), { recursive: true });
  await writeFile(join(bare, "info", "attributes"), ATTRIBUTES);
  const fetched = await git(
    // Fetched and not cloned: the copy gets what the commit can reach and nothing of other branches, and the objects
    // come through git's own protocol, so it shares no file, hard link or alternate with the source.
    [
      // One file of all objects, however few they are: copied faster than many.
      "-c",
      "fetch.unpackLimit=1",
      `--git-dir=${bare}`,
      "fetch",
      "--quiet",
      "--no-tags",
      "--no-write-fetch-head",
      "--update-shallow",
      source,
      `${commit}:${BRANCH}`,
    ],
    call,
  );
  if (!fetched.ok) return fetched.error;
  // Listed before anything is made of it: a folder may be named in another as often as one likes, so a few kilobytes
  // of objects can stand for more files than there is memory, or for more bytes than there is disk.
  const listed = await git([`--git-dir=${bare}`, "ls-tree", "-r", "-l", "-z", "--full-tree", commit], call);
  if (!listed.ok) return listed.error;
  const files = listed.value.toString("utf8").split("\0").slice(0, -1);
  if (bytesIn(files) > WORKSPACE_BYTES_MAX) return { kind: "too_large", stderr: "" };
  const read = await git([`--git-dir=${bare}`, "read-tree", commit], call);
  if (!read.ok) return read.error;
  await writeFile(join(folder, "links.json"), JSON.stringify(linksIn(files)));
  return null;
}

/** @param files as `<mode> <type> <object> <size>\t<path>`; what is a repository of its own has `-` for a size */
const bytesIn = (files: readonly string[]): number =>
  files.reduce((sum, file) => {
    const size = /^\S+ \S+ \S+ +(?<size>\d+)\t/u.exec(file)?.groups?.["size"];
    return sum + Number(size ?? 0);
  }, 0);

// Mode 120000 is a symbolic link. It is checked out as a plain file that holds the target; writing that file would
// quietly make a link to anywhere once the patch is applied.
function linksIn(files: readonly string[]): readonly string[] {
  return files.filter((line) => line.startsWith("120000 ")).map((line) => line.slice(line.indexOf("\t") + 1));
}

// A name that outlives a loss of power with half its files would be every later run's beginning.
async function syncAll(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile() || entry.isDirectory()) await diskOperations.sync(join(entry.parentPath, entry.name));
  await diskOperations.sync(folder);
}

async function putOldAway(folder: string, source: string, random: Random): Promise<void> {
  const prefix = `${prefixOf(source)}-`;
  const found = (await diskOperations.list(folder))
    .filter(({ name }) => name.startsWith(prefix))
    .toSorted((a, b) => b.modifiedAtMs - a.modifiedAtMs);
  for (const { name } of found.slice(KEPT_OF_A_SOURCE)) await putAway(folder, join(folder, name), random);
}
