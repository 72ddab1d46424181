// What copies at one commit begin with is made by git once, and then copied: whole, apart from one another, or not at all.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openWorkspaces } from "../../../packages/harness/src/adapters/files/workspaces.ts";
import type { Workspace, Workspaces } from "../../../packages/harness/src/ports.ts";
import { git, newRepository, newRunId, put, random, REPOSITORY, temporaryFolder } from "./repository.ts";

const { signal } = new AbortController();

type Place = {
  readonly folder: string;
  readonly kept: string;
  readonly source: string;
  readonly workspaces: Workspaces;
  /** What git was asked for since the last call of this. */
  readonly asked: () => readonly string[];
};

/** Its git is the real one, which also writes down what it is asked for. */
function newPlace(
  sources?: Readonly<Record<string, string>>,
  folder = join(temporaryFolder(), "copies"),
): Place {
  const source = sources?.["source"] ?? newRepository(REPOSITORY);
  const [gitProgram, log] = [join(temporaryFolder(), "git"), join(temporaryFolder(), "asked")];
  writeFileSync(log, "");
  writeFileSync(gitProgram, `#!/bin/sh\nprintf '%s\\n' "$*" >> '${log}'\nexec git "$@"\n`);
  chmodSync(gitProgram, 0o755);
  const asked = (): readonly string[] => {
    const lines = readFileSync(log, "utf8").split("\n").slice(0, -1);
    writeFileSync(log, "");
    return lines.flatMap(
      (line) =>
        /(?:init|fetch|read-tree|checkout-index|ls-tree|add|diff|rev-parse)(?= -|$| [0-9a-f]{40})/u.exec(
          line,
        ) ?? [],
    );
  };
  return {
    folder,
    kept: join(folder, ".histories"),
    source,
    workspaces: openWorkspaces({ folder, sources: sources ?? { source }, random, gitProgram }),
    asked,
  };
}

const headOf = (source: string): string => git(source, "rev-parse", "HEAD").trim();

async function openAt(workspaces: Workspaces, commit: string, name = "source"): Promise<Workspace> {
  const opened = await workspaces.open(newRunId(), { name, commit }, signal);
  if (!opened.ok) throw new Error(opened.error.detail);
  return opened.value.workspace;
}

async function textsOf(workspace: Workspace): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const path of Object.keys(REPOSITORY)) {
    const read = await workspace.read(path);
    texts[path] = read.ok ? Buffer.from(read.value).toString("hex") : read.error.code;
  }
  return texts;
}

const patchOf = async (workspace: Workspace): Promise<string> =>
  Buffer.from(await workspace.patch()).toString();

function packOf(kept: string): string {
  const [history = ""] = readdirSync(kept);
  const folder = join(kept, history, "git", "objects", "pack");
  return join(folder, readdirSync(folder).find((name) => name.endsWith(".pack")) ?? "");
}

test("the second copy at a commit is the first one's equal, and git is asked for its files only", async () => {
  const { workspaces, source, asked } = newPlace();
  const commit = headOf(source);
  const first = await openAt(workspaces, commit);
  expect(asked()).toEqual(["init", "fetch", "ls-tree", "read-tree", "checkout-index"]);
  const second = await openAt(workspaces, commit);
  expect(asked()).toEqual(["checkout-index"]);
  expect(await textsOf(second)).toEqual(await textsOf(first));
  expect(await second.history(5)).toEqual(await first.history(5));
  for (const workspace of [first, second]) await workspace.write("README.md", Buffer.from("changed\n"));
  expect(await patchOf(second)).toBe(await patchOf(first));
  expect(await patchOf(second)).toContain("+changed");
  for (const workspace of [first, second])
    expect(await workspace.write("link-in", Buffer.from("x"))).toMatchObject({ ok: false });
});

test("copies and what they began with share no file", async () => {
  const { workspaces, source, folder } = newPlace();
  const commit = headOf(source);
  await openAt(workspaces, commit);
  await openAt(workspaces, commit);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  expect(files.filter(({ name }) => name.endsWith(".pack"))).toHaveLength(3);
  expect(files.filter(({ parentPath, name }) => lstatSync(join(parentPath, name)).nlink > 1)).toEqual([]);
});

test.each<[string, (kept: string) => void]>([
  ["cut off", (kept) => truncateSync(packOf(kept), 40)],
  ["taken away in part", (kept) => rmSync(packOf(kept))],
  ["without its list of links", (kept) => rmSync(join(kept, readdirSync(kept)[0] ?? "", "links.json"))],
  ["gone", (kept) => rmSync(kept, { recursive: true })],
])("what is kept and %s is made anew", async (_, damage) => {
  const { workspaces, source, kept, asked } = newPlace();
  const commit = headOf(source);
  const first = await openAt(workspaces, commit);
  damage(kept);
  asked();
  const second = await openAt(workspaces, commit);
  expect(asked()).toContain("fetch");
  expect(await textsOf(second)).toEqual(await textsOf(first));
  await openAt(workspaces, commit);
  expect(asked()).toEqual(["checkout-index"]);
});

test("what is put away while it is copied is not taken for whole", async () => {
  const { workspaces, source, kept, asked } = newPlace();
  const commit = headOf(source);
  await openAt(workspaces, commit);
  asked();
  const [name = ""] = readdirSync(kept);
  const opening = openAt(workspaces, commit);
  renameSync(join(kept, name), join(kept, "elsewhere"));
  expect(await textsOf(await opening)).toMatchObject({
    "README.md": Buffer.from(REPOSITORY["README.md"]).toString("hex"),
  });
  expect(asked()).toContain("fetch");
});

test("of a source the newest two are kept, of others theirs, of sources that are no more none", async () => {
  const [source, other] = [newRepository(REPOSITORY), newRepository({ "a.txt": "1" })];
  const { workspaces, kept, folder } = newPlace({ source, other });
  await openAt(workspaces, headOf(other), "other");
  const commits: string[] = [];
  for (let at = 0; at < 4; at += 1) {
    put(source, { "README.md": `${at}\n` });
    git(source, "commit", "--quiet", "--all", "-m", String(at));
    commits.push(headOf(source));
    await openAt(workspaces, commits.at(-1) ?? "");
  }
  const commitsKept = (): string[] => readdirSync(kept).map((name) => name.slice(-40));
  expect(commitsKept().toSorted()).toEqual([headOf(other), ...commits.slice(2)].toSorted());
  const later = newPlace({ source: other }, folder);
  expect(await later.workspaces.resolve("source")).toMatchObject({ ok: true });
  expect(commitsKept()).toEqual([headOf(other)]);
});

test("of eight runs that begin at once each has its copy, and one history is kept", async () => {
  const { workspaces, source, kept } = newPlace();
  const commit = headOf(source);
  const opened = await Promise.all(Array.from({ length: 8 }, async () => await openAt(workspaces, commit)));
  const texts = await Promise.all(opened.map(textsOf));
  for (const each of texts) expect(each).toEqual(texts[0]);
  expect(readdirSync(kept)).toHaveLength(1);
});

/** A commit of `levels` folders in one another, each named `width` times in the one above; the files are all one. */
function bomb({ levels, width, bytes }: Readonly<Record<"levels" | "width" | "bytes", number>>): string {
  const source = newRepository({});
  const content = join(temporaryFolder(), "content");
  writeFileSync(content, Buffer.alloc(bytes));
  let object = git(source, "hash-object", "-w", content).trim();
  for (let level = 0; level < levels; level += 1)
    object = folderOf(source, level === 0 ? `100644 blob ${object}` : `040000 tree ${object}`, width);
  const commit = git(source, "commit-tree", "-m", "So little.", object).trim();
  git(source, "update-ref", "refs/heads/main", commit);
  return source;
}

function folderOf(source: string, entry: string, width: number): string {
  const input = Array.from({ length: width }, (_, at) => `${entry}\t${at}\n`).join("");
  return execFileSync("git", ["-C", source, "mktree"], { input, encoding: "utf8" }).trim();
}

test.each([
  ["files than there is memory", { levels: 6, width: 12, bytes: 1 }],
  ["bytes than there is disk", { levels: 1, width: 9_000, bytes: 1_000_000 }],
])(
  "a few kilobytes that stand for more %s are refused before anything is made of them",
  async (_what, of) => {
    const { workspaces, source, asked } = newPlace({ source: bomb(of) });
    const opened = await workspaces.open(newRunId(), { name: "source", commit: headOf(source) }, signal);
    expect(opened).toMatchObject({ ok: false, error: { code: "workspace_too_large" } });
    expect(asked()).toEqual(["init", "fetch", "ls-tree"]);
  },
);
