// A few questions to git. Arguments are passed as a list, never through a shell, and paths stand after `--`.

import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { readBytes } from "./bounded-files.ts";
import { MARKER_SIZE_MAX, MARKER_SIZE_MIN } from "./limits.ts";

/** Longest wait for an answer: each question takes milliseconds; a git that hangs must not hang us. */
const TIMEOUT_MS = 30_000;
const OUTPUT_SIZE_BYTES_MAX = 67_108_864;

/** Git's output, or undefined where there is no git or no repository. */
function askGit(root: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync("git", ["-C", root, ...args], {
      encoding: "utf8",
      timeout: TIMEOUT_MS,
      maxBuffer: OUTPUT_SIZE_BYTES_MAX,
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** The attribute `conflict-marker-size`, where it is set to a size we read. */
export function markerSizeOfPath(root: string, path: string): number | undefined {
  const answer = askGit(root, ["check-attr", "-z", "conflict-marker-size", "--", path]);
  const value = answer?.split("\0")[2] ?? "";
  const size = /^[0-9]{1,3}$/u.test(value) ? Number(value) : 0;
  return size >= MARKER_SIZE_MIN && size <= MARKER_SIZE_MAX ? size : undefined;
}

/** A path that git holds for unmerged. `sides` is 2 where both sides have the file, 1 where one of them deleted it. */
export type UnmergedPath = { readonly path: string; readonly sides: number };

/** Paths with conflict stages in the index below the root, in git's order; undefined where there is no git. */
export function listUnmergedPaths(root: string): readonly UnmergedPath[] | undefined {
  const answer = askGit(root, ["ls-files", "--unmerged", "-z"]);
  if (answer === undefined) return undefined;
  const sides = new Map<string, number>();
  for (const entry of answer.split("\0")) {
    const [, stage, path] = /^[0-7]+ [0-9a-f]+ ([123])\t(.+)$/su.exec(entry) ?? [];
    if (stage === undefined || path === undefined) continue;
    sides.set(path, (sides.get(path) ?? 0) + (stage === "1" ? 0 : 1));
  }
  return [...sides].map(([path, count]) => ({ path, sides: count }));
}

/** The folder of git's own memory, as a path from the root; undefined where there is no git. */
export function rrCacheFolder(root: string): string | undefined {
  return askGit(root, ["rev-parse", "--git-path", "rr-cache"])?.replace(/\n$/u, "");
}

/** Where git keeps the commit that is being brought in, one for each command that can stop at a conflict. */
const HEADS = ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD"] as const;
const COMMIT = /^[0-9a-f]{40,64}$/u;

/** The commit being merged now; null where no merge is under way, undefined where there is no git. */
export function commitBeingMerged(root: string): string | null | undefined {
  if (askGit(root, ["rev-parse", "--git-dir"]) === undefined) return undefined;
  for (const head of HEADS) {
    const commit = askGit(root, ["rev-parse", "--quiet", "--verify", head])?.trim() ?? "";
    if (COMMIT.test(commit)) return commit;
  }
  return null;
}

/** Where git keeps what all stops of one rebase, or of one row of cherry-picks or reverts, have in common. */
const SESSION_FILES = ["rebase-merge/orig-head", "rebase-apply/orig-head", "sequencer/head"] as const;
const SESSION_FILE_SIZE_BYTES_MAX = 256;

/** What the person is in the middle of: a rebase is one undertaking, however often it stops. Null when nothing is. */
export function sessionOf(root: string): string | null {
  const words = SESSION_FILES.flatMap((file) => ["--git-path", file]);
  const paths = askGit(root, ["rev-parse", ...words])?.split("\n") ?? [];
  for (const path of paths.filter((line) => line !== "")) {
    const bytes = readBytes(resolve(root, path), SESSION_FILE_SIZE_BYTES_MAX);
    const commit = Buffer.isBuffer(bytes) ? bytes.toString("latin1").trim() : "";
    if (COMMIT.test(commit)) return commit;
  }
  return commitBeingMerged(root) ?? null;
}

/** The commit that is merged into; null where there is none. */
export function headOf(root: string): string | null {
  const commit = askGit(root, ["rev-parse", "--quiet", "--verify", "HEAD"])?.trim() ?? "";
  return COMMIT.test(commit) ? commit : null;
}

/** True when the commit has become part of the current branch: its merge was concluded, not aborted or skipped. */
export function isMerged(root: string, commit: string): boolean {
  if (!COMMIT.test(commit)) return false;
  return (
    askGit(root, ["merge-base", "--is-ancestor", commit, "HEAD"]) !== undefined || isCarriedOver(root, commit)
  );
}

/**
 * True when the rebase under way has made a commit of this one. Git lists a skipped commit too, as rewritten to the
 * commit before it; so a new commit that stands for several old ones is no evidence.
 */
function isCarriedOver(root: string, commit: string): boolean {
  const path = askGit(root, ["rev-parse", "--git-path", "rebase-merge/rewritten-list"])?.replace(/\n$/u, "");
  const bytes = path === undefined ? null : readBytes(resolve(root, path), OUTPUT_SIZE_BYTES_MAX);
  if (!Buffer.isBuffer(bytes)) return false;
  const pairs = bytes
    .toString("latin1")
    .split("\n")
    .map((line) => line.split(" "));
  const rewritten = pairs.find(([old]) => old === commit)?.[1];
  return rewritten !== undefined && pairs.filter(([, made]) => made === rewritten).length === 1;
}
