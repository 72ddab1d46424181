// One run's copy: `git` (bare, the history up to one commit), `tree` (the files), `staging` (what is half written),
// `links.json` (which files stand for symbolic links), `steps.json` (which steps of the journal it has been through).

import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ARTIFACT_BYTES_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { Commit, CopyProgress, Random, Workspace } from "../../ports.ts";
import { confine } from "./confined.ts";
import { systemCode } from "./file-error.ts";
import type { Git, GitCall, GitFailure } from "./git.ts";

/** Commits that one look at the history returns; more are not asked for. */
export const HISTORY_COMMITS_MAX = 500;

/** Listing the files of a commit, and the log; a repository with more has to be worked on in parts. */
export const LISTING_BYTES_MAX = 64 * 1024 * 1024;

const inTree = (copy: string): readonly string[] => [
  `--git-dir=${join(copy, "git")}`,
  `--work-tree=${join(copy, "tree")}`,
];

/** Puts the files of the commit beside its history. Null when it worked. */
export async function checkOut(git: Git, copy: string, call: GitCall): Promise<GitFailure | null> {
  for (const name of ["tree", "staging"]) await mkdir(join(copy, name), { recursive: true, mode: 0o700 });
  const done = await git([...inTree(copy), "checkout-index", "--all", "--force", "--quiet"], call);
  return done.ok ? null : done.error;
}

export async function openWorkspace(
  copy: string,
  commit: string,
  git: Git,
  random: Random,
): Promise<Workspace> {
  const links: unknown = JSON.parse(await readFile(join(copy, "links.json"), "utf8"));
  if (!Array.isArray(links)) throw new Error("the list of links of a workspace is damaged");
  const files = confine({
    root: join(copy, "tree"),
    staging: join(copy, "staging"),
    random,
    links: new Set(links.map(String)),
  });
  let progress = await readProgress(copy);
  return {
    ...files,
    progress: () => progress,
    note: async (step, what) => {
      const { begun = 0, done = 0 } = progress ?? {};
      progress = what === "begun" ? { begun: step, done } : { begun, done: Math.max(done, step) };
      const name = join(copy, `steps-${Buffer.from(random.bytes(16)).toString("hex")}`);
      await writeFile(name, JSON.stringify(progress));
      await rename(name, join(copy, PROGRESS));
    },
    history: async (limit) => await history(git, copy, commit, limit),
    patch: async () => await patch(git, copy, commit, random),
  };
}

const PROGRESS = "steps.json";
const DAMAGED = "the record of a workspace's steps is damaged";

async function readProgress(copy: string): Promise<CopyProgress | null> {
  try {
    const kept: unknown = JSON.parse(await readFile(join(copy, PROGRESS), "utf8"));
    if (typeof kept !== "object" || kept === null) throw new Error(DAMAGED);
    const { begun, done } = kept as { readonly begun?: unknown; readonly done?: unknown };
    if (typeof begun !== "number" || typeof done !== "number") throw new Error(DAMAGED);
    return { begun, done };
  } catch (error) {
    // A copy of a version that did not write it down.
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
}

// Fields end in NUL and records too: no text of a commit can hold one, so none can forge a field.
const COMMIT_FORMAT = "%H%x00%an%x00%aI%x00%s%x00%b%x00";
const FIELDS = 5;

async function history(
  git: Git,
  copy: string,
  commit: string,
  limit: number,
): Promise<Result<readonly Commit[], StepError>> {
  const count = Math.max(1, Math.min(Math.trunc(limit), HISTORY_COMMITS_MAX));
  const log = await git(
    [
      `--git-dir=${join(copy, "git")}`,
      "log",
      `--max-count=${count}`,
      `--format=tformat:${COMMIT_FORMAT}`,
      "--encoding=UTF-8",
      "--no-show-signature",
      "--no-mailmap",
      "--no-color",
      "--no-decorate",
      "--no-patch",
      commit,
    ],
    { outputBytesMax: LISTING_BYTES_MAX },
  );
  if (!log.ok) return err({ code: "history_failed", detail: "The history of the workspace cannot be read." });
  const fields = log.value.toString("utf8").split("\0");
  const commits: Commit[] = [];
  for (let at = 0; at + FIELDS < fields.length; at += FIELDS) {
    const [id = "", author = "", date = "", subject = "", body = ""] = fields.slice(at, at + FIELDS);
    commits.push({ id: id.trimStart(), author, at: date, subject, body: body.trimEnd() });
  }
  return ok(commits);
}

async function patch(git: Git, copy: string, commit: string, random: Random): Promise<Uint8Array> {
  const index = join(copy, `index-${Buffer.from(random.bytes(16)).toString("hex")}`);
  const call: GitCall = { environment: { GIT_INDEX_FILE: index }, outputBytesMax: ARTIFACT_BYTES_MAX };
  try {
    // As it was read from the commit, without remembered times and sizes: with them a changed file that keeps both
    // would be taken for unchanged and be missing from the patch.
    await copyFile(join(copy, "git", "index"), index);
    await must(git([...inTree(copy), "add", "--all", "--force"], call));
    return await must(
      git(
        [
          ...inTree(copy),
          "diff",
          "--cached",
          "--binary",
          "--full-index",
          "--no-ext-diff",
          "--no-textconv",
          "--no-color",
          "--no-renames",
          "--src-prefix=a/",
          "--dst-prefix=b/",
          commit,
        ],
        call,
      ),
    );
  } finally {
    await rm(index, { force: true });
    await rm(`${index}.lock`, { force: true });
  }
}

async function must(call: Promise<Result<Buffer, GitFailure>>): Promise<Buffer> {
  const done = await call;
  if (done.ok) return done.value;
  throw new Error(`the patch of a workspace cannot be made (${done.error.kind})`);
}
