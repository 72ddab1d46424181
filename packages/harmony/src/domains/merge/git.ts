// A few questions to git. Arguments are passed as a list, never through a shell, and paths stand after `--`.

import { execFileSync } from "node:child_process";
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

/** Paths with conflict stages in the index, relative to the root of the work tree, in git's order. */
export function listUnmergedPaths(root: string): readonly string[] | undefined {
  const answer = askGit(root, ["diff", "--name-only", "--diff-filter=U", "--relative", "-z"]);
  return answer?.split("\0").filter((path) => path !== "");
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

/** True when the commit has become part of the current branch: its merge was concluded, not aborted. */
export function isMerged(root: string, commit: string): boolean {
  return COMMIT.test(commit) && askGit(root, ["merge-base", "--is-ancestor", commit, "HEAD"]) !== undefined;
}
