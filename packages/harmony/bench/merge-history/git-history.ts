// The two-parent merges of a repository, each with its text conflicts and what was committed in their place.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { listConflicts, parseConflicts, type ConflictedText } from "../../src/domains/merge/conflict.ts";

const OUTPUT_SIZE_BYTES_MAX = 2 ** 30;

type MergedFile = { readonly path: string; readonly before: ConflictedText; readonly now: string };
export type Merge = { readonly commit: string; readonly at: Date; readonly files: readonly MergedFile[] };

class Repository {
  readonly #directory: string;
  readonly #environment: NodeJS.ProcessEnv;

  /** New objects go to a folder of our own, so that the repository is not written to. */
  constructor(directory: string, objects: string) {
    this.#directory = directory;
    const own = execFileSync("git", ["-C", directory, "rev-parse", "--git-path", "objects"], {
      encoding: "utf8",
    }).trim();
    this.#environment = {
      ...process.env,
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_OBJECT_DIRECTORY: objects,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: resolve(directory, own),
    };
  }

  git(args: readonly string[], input: string = ""): { readonly status: number | null; readonly out: Buffer } {
    const { status, stdout } = spawnSync(
      "git",
      ["-C", this.#directory, "-c", "merge.conflictStyle=diff3", ...args],
      {
        env: this.#environment,
        input,
        maxBuffer: OUTPUT_SIZE_BYTES_MAX,
        stdio: ["pipe", "pipe", "ignore"],
      },
    );
    return { status, out: stdout };
  }

  /** Commit, its parents, its time in seconds. */
  merges(): { commit: string; ours: string; theirs: string; at: Date }[] {
    const { out } = this.git(["log", "--all", "--merges", "--date-order", "--reverse", "--format=%H %ct %P"]);
    return out
      .toString("utf8")
      .split("\n")
      .flatMap((line) => {
        const [commit, seconds, ours, theirs, more] = line.split(" ");
        if (commit === undefined || ours === undefined || theirs === undefined || more !== undefined)
          return [];
        return [{ commit, ours, theirs, at: new Date(Number(seconds) * 1000) }];
      });
  }

  /** Contents by name (`<commit>:<path>`); null for what is not a blob. */
  blobs(names: readonly string[]): (string | null)[] {
    const { out } = this.git(["cat-file", "--batch"], `${names.join("\n")}\n`);
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    let at = 0;
    return names.map(() => {
      const end = out.indexOf(10, at);
      const header = out.subarray(at, end).toString("utf8");
      at = end + 1;
      const [, type, size] = / (\w+) (\d+)$/u.exec(header) ?? [];
      if (type === undefined || size === undefined) return null;
      const bytes = out.subarray(at, at + Number(size));
      at += Number(size) + 1;
      try {
        return type === "blob" ? decoder.decode(bytes) : null;
      } catch {
        return null;
      }
    });
  }

  /** The text conflicts of merging the two, each with what was committed; null when there are none. */
  replay({
    commit,
    ours,
    theirs,
    at,
  }: {
    commit: string;
    ours: string;
    theirs: string;
    at: Date;
  }): Merge | null {
    const { status, out } = this.git(["merge-tree", "--write-tree", "--no-messages", "-z", ours, theirs]);
    if (status !== 1) return null;
    const [tree = "", ...entries] = out.toString("utf8").split("\0");
    const stages = new Map<string, Set<string>>();
    for (const entry of entries) {
      const [, stage, path] = /^\d+ [0-9a-f]+ (\d)\t(.*)$/su.exec(entry) ?? [];
      if (stage === undefined || path === undefined || path.includes("\n")) continue;
      stages.set(path, (stages.get(path) ?? new Set()).add(stage));
    }
    const paths = [...stages].flatMap(([path, seen]) => (seen.has("2") && seen.has("3") ? [path] : []));
    if (paths.length === 0) return null;
    const texts = this.blobs(paths.flatMap((path) => [`${tree}:${path}`, `${commit}:${path}`]));
    const files = paths.flatMap((path, index): MergedFile[] => {
      const before = texts[2 * index] ?? null;
      const now = texts[2 * index + 1] ?? null;
      if (before === null || now === null) return [];
      const parsed = parseConflicts(before, 7);
      return parsed.ok && listConflicts(parsed.value).length > 0 ? [{ path, before: parsed.value, now }] : [];
    });
    return files.length === 0 ? null : { commit, at, files };
  }
}

/** The merges with text conflicts, oldest first, of the first `mergesMax` two-parent merges. */
export function readHistory(
  directory: string,
  mergesMax: number,
): { readonly all: number; readonly merges: readonly Merge[] } {
  const objects = mkdtempSync(join(tmpdir(), "harmony-bench-"));
  try {
    const repository = new Repository(directory, objects);
    const all = repository.merges().slice(0, mergesMax);
    return { all: all.length, merges: all.flatMap((merge) => repository.replay(merge) ?? []) };
  } finally {
    rmSync(objects, { recursive: true, force: true });
  }
}
