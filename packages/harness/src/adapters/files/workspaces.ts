// A run's private copy of a repository: its history in a folder of its own, the files of one commit beside it. Tools
// see the files only; git's own folder lies outside their tree, so nothing they write can steer git.

import { mkdir, readdir, realpath, rename, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { assert } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { Random, Workspaces } from "../../ports.ts";
import { systemCode } from "./file-error.ts";
import { createGit, type Git, type GitFailure } from "./git.ts";
import { type Histories, openHistories } from "./histories.ts";
import { sharedLook } from "./shared-look.ts";
import { isAbandoned, withStagingName } from "./staging-name.ts";
import { copiesIn, copiesOf, putAway, removeFolder, takeCopy } from "./copies.ts";
import { LISTING_BYTES_MAX, openWorkspace } from "./workspace.ts";

export type WorkspacesOptions = {
  /** Where the copies lie; an own folder, made when it is missing. */
  readonly folder: string;
  /** The operator's repositories, by name. A model or caller chooses a name, never a path. */
  readonly sources: Readonly<Record<string, string>>;
  readonly random: Random;
  /** The git program; found in PATH by default. */
  readonly gitProgram?: string;
};

const COMMIT = /^[0-9a-f]{40}$/u;

export function openWorkspaces(options: WorkspacesOptions): Workspaces {
  const folder = resolve(options.folder);
  const sources = new Map(Object.entries(options.sources).map(([name, path]) => [name, resolve(path)]));
  let ready: Promise<Ready> | null = null;
  // Once, at the first use: what dead processes left half made is swept, and git's own home is set up.
  const prepare = async (): Promise<Ready> => {
    ready ??= prepareFolder(folder, sources, options).catch((error: unknown) => {
      ready = null;
      throw error;
    });
    return await ready;
  };
  // Each look is a process: a crowd that submits at once would wait for a thousand of them.
  const heads = new Map(
    [...sources.keys()].map((name) => [
      name,
      sharedLook(async () => {
        const source = await findSource(sources, name);
        return source.ok ? await headOf((await prepare()).git, source.value, name) : source;
      }),
    ]),
  );
  return {
    resolve: async (name) => {
      const head = heads.get(name);
      return head === undefined
        ? refuse("workspace_unknown", name, "is not among the operator's workspaces")
        : await head();
    },
    open: async (run, { name, commit }, signal, restore, isCurrent, token = 0) => {
      assert(COMMIT.test(commit), "a workspace is copied at a full commit id");
      const prepared = await prepare();
      const taken = await takeCopy(folder, run, token, options.random);
      if (!taken.ok) return taken;
      const { copy, isThere } = taken.value;
      const present = isThere ? await openWorkspace(copy, commit, prepared.git, options.random) : null;
      if (present !== null && isCurrent?.(present.progress()) !== false)
        return ok({ workspace: present, made: false });
      const source = await findSource(sources, name);
      if (!source.ok) return source;
      const made = await make(
        prepared,
        {
          folder,
          copy,
          source: source.value,
          commit,
          name,
          replaces: isThere,
          ...(restore === undefined ? {} : { restore }),
        },
        options.random,
        signal,
      );
      if (!made.ok) return made;
      return ok({
        workspace: await openWorkspace(copy, commit, prepared.git, options.random),
        made: made.value,
      });
    },
    list: async () => [...new Set((await copiesIn(folder)).map(({ run }) => run))],
    remove: async (run) => {
      for (const { copy } of await copiesOf(folder, run)) await putAway(folder, copy, options.random);
    },
  };
}

type Ready = { readonly git: Git; readonly histories: Histories };

async function prepareFolder(
  folder: string,
  sources: ReadonlyMap<string, string>,
  { random, gitProgram }: WorkspacesOptions,
): Promise<Ready> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch((error: unknown) => {
      // Another process sweeps too.
      if (systemCode(error) === "ENOENT") return null;
      throw error;
    });
    if (found !== null && isAbandoned(name, found.mtimeMs)) await removeFolder(path);
  }
  const trusted = await Promise.all([...sources.values()].map(async (path) => await realpathOr(path)));
  const git = await createGit(join(folder, ".git-home"), trusted, random, gitProgram);
  return { git, histories: await openHistories(join(folder, ".histories"), trusted, git, random) };
}

async function realpathOr(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    // It may come to be later; then `resolve` finds it.
    if (systemCode(error) === undefined) throw error;
    return path;
  }
}

async function findSource(
  sources: ReadonlyMap<string, string>,
  name: string,
): Promise<Result<string, StepError>> {
  const path = sources.get(name);
  if (path === undefined) return refuse("workspace_unknown", name, "is not among the operator's workspaces");
  try {
    if ((await stat(path)).isDirectory()) return ok(await realpath(path));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
  return refuse("workspace_missing", name, "is configured, but its folder is not there");
}

async function headOf(
  git: Git,
  source: string,
  name: string,
): Promise<Result<{ readonly commit: string }, StepError>> {
  // The folder itself must be the repository: without this, git would search its parents for one.
  const call = { environment: { GIT_CEILING_DIRECTORIES: dirname(source) } };
  const head = await git(["-C", source, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"], call);
  if (!head.ok) {
    const folder = await git(["-C", source, "rev-parse", "--git-dir"], call);
    return folder.ok
      ? err(gitError(head.error, name, "workspace_empty", "has no commits yet"))
      : err(gitError(folder.error, name, "workspace_not_git", "is not a git repository"));
  }
  const commit = head.value.toString("utf8").trim();
  if (COMMIT.test(commit)) return ok({ commit });
  return refuse("workspace_not_supported", name, "uses another object format than SHA-1");
}

type Making = {
  readonly folder: string;
  readonly copy: string;
  readonly source: string;
  readonly commit: string;
  readonly name: string;
  /** A copy that is not current stands in its place. */
  readonly replaces: boolean;
  readonly restore?: Parameters<Workspaces["open"]>[3];
};

/** Made whole under another name, then renamed. False: another worker was faster, and its copy stands. */
async function make(
  { git, histories }: Ready,
  making: Making,
  random: Random,
  signal: AbortSignal,
): Promise<Result<boolean, StepError>> {
  return await withStagingName(random, async (name) => {
    const temporary = join(making.folder, name);
    try {
      const call = { signal, outputBytesMax: LISTING_BYTES_MAX };
      const failure = await histories.copyOf(making.source, making.commit, temporary, call);
      if (failure !== null)
        return err(gitError(failure, making.name, "workspace_copy_failed", "could not be copied"));
      const restored = await making.restore?.(await openWorkspace(temporary, making.commit, git, random));
      if (restored?.ok === false) return restored;
      if (making.replaces) await putAway(making.folder, making.copy, random);
      await rename(temporary, making.copy);
      return ok(true);
    } catch (error) {
      // A folder that is not empty is never replaced: the other's copy may hold a run's writes already.
      if (["ENOTEMPTY", "EEXIST"].includes(systemCode(error) ?? "")) return ok(false);
      throw error;
    } finally {
      await removeFolder(temporary);
    }
  });
}

const GIT_TROUBLE: Readonly<Record<Exclude<GitFailure["kind"], "failed">, StepError>> = {
  not_installed: {
    code: "git_not_installed",
    detail: "The git program was not found; install git on the machine that runs the worker.",
  },
  timed_out: { code: "workspace_timed_out", detail: "Git took too long over the workspace." },
  aborted: { code: "aborted", detail: "Copying the workspace was called off." },
  too_large: {
    code: "workspace_too_large",
    detail: "The workspace has more files than can be listed, or more in them than a copy may hold.",
  },
};

// Git's own words name paths of this machine, so they stay behind.
function gitError(failure: GitFailure, name: string, code: string, says: string): StepError {
  if (failure.kind !== "failed") return GIT_TROUBLE[failure.kind];
  return { code, detail: `The workspace "${name}" ${says}.` };
}

function refuse(code: string, name: string, says: string): Result<never, StepError> {
  return err({ code, detail: `The workspace "${name}" ${says}.` });
}
