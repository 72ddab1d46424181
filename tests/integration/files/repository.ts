// Real repositories for tests: made by the real git, in folders that go away with the test file.

import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { RunId } from "@assent/contract";
import { afterAll } from "vitest";
import { openWorkspaces } from "../../../packages/harness/src/adapters/files/workspaces.ts";
import type {
  Random,
  Tool,
  ToolContext,
  Workspace,
  Workspaces,
} from "../../../packages/harness/src/ports.ts";
import { workspaceTools } from "../../../packages/harness/src/services/tools/registry.ts";

export const random: Random = { bytes: (count) => randomBytes(count) };

export const newRunId = (): RunId => `run_${randomBytes(16).toString("hex")}`;

export const sha256 = (content: string | Uint8Array): string =>
  `sha256:${createHash("sha256").update(content).digest("hex")}`;

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Goes away after the last test of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "assent-files-"));
  folders.push(folder);
  return folder;
}

/** Runs a program of the system, for what Node cannot make: a FIFO, a device. */
export function system(program: string, ...args: readonly string[]): void {
  execFileSync(program, args);
}

/** What git prints; its own configuration only, so that the tests do not depend on the machine's. */
export function git(folder: string, ...args: readonly string[]): string {
  return gitWith(folder, {}, ...args);
}

export function gitWith(
  folder: string,
  environment: Readonly<Record<string, string>>,
  ...args: readonly string[]
): string {
  return execFileSync("git", args, {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_AUTHOR_NAME: "A. Tester",
      GIT_AUTHOR_EMAIL: "a@example.org",
      GIT_COMMITTER_NAME: "A. Tester",
      GIT_COMMITTER_EMAIL: "a@example.org",
      GIT_AUTHOR_DATE: "2026-11-01T12:00:00+02:00",
      GIT_COMMITTER_DATE: "2026-11-01T12:00:00+02:00",
      GIT_ALLOW_PROTOCOL: "file",
      ...environment,
    },
  });
}

export type Files = Readonly<Record<string, string | Uint8Array | { link: string } | { script: string }>>;

export function put(folder: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    const place = join(folder, path);
    mkdirSync(dirname(place), { recursive: true });
    if (typeof content === "string" || content instanceof Uint8Array) writeFileSync(place, content);
    else if ("link" in content) symlinkSync(content.link, place);
    else {
      writeFileSync(place, content.script);
      chmodSync(place, 0o755);
    }
  }
}

export function newRepository(files: Files, folder: string = join(temporaryFolder(), "source")): string {
  mkdirSync(folder, { recursive: true });
  git(folder, "init", "--quiet", "--initial-branch=main");
  put(folder, files);
  git(folder, "add", "--all", "--force");
  git(folder, "commit", "--quiet", "--allow-empty", "-m", "First commit");
  return folder;
}

export type Copy = {
  readonly workspaces: Workspaces;
  readonly workspace: Workspace;
  readonly run: RunId;
  /** Where the copy lies, for what a test does behind the harness's back. */
  readonly folder: string;
  readonly tree: string;
  readonly source: string;
  readonly commit: string;
  /** A tool's plan and execution on this copy. */
  readonly context: ToolContext;
};

export async function copyOf(source: string): Promise<Copy> {
  const folder = join(temporaryFolder(), "copies");
  const workspaces = openWorkspaces({ folder, sources: { source }, random });
  const resolved = await workspaces.resolve("source");
  if (!resolved.ok) throw new Error(resolved.error.detail);
  const run = newRunId();
  const { commit } = resolved.value;
  const { signal } = new AbortController();
  const opened = await workspaces.open(run, { name: "source", commit }, signal);
  if (!opened.ok) throw new Error(opened.error.detail);
  const { workspace } = opened.value;
  const context: ToolContext = { workspace, effectId: `sha256:${"0".repeat(64)}`, signal };
  return { workspaces, workspace, run, folder, tree: join(folder, run, "tree"), source, commit, context };
}

export function tool(name: string): Tool {
  const found = workspaceTools.find(({ manifest }) => manifest.name === name);
  if (found === undefined) throw new Error(`there is no tool ${name}`);
  return found;
}

type Arguments = Readonly<Record<string, unknown>>;

/** Plans and carries out at once; the output, or the code of the error. */
export async function use(name: string, args: Arguments, context: ToolContext): Promise<string> {
  const planned = await tool(name).plan(args, context);
  if (!planned.ok) return planned.error.code;
  const done = await tool(name).execute(args, planned.value.precondition, context);
  return done.ok ? done.value.output : done.error.code;
}

/** A little of everything that repositories hold. */
export const REPOSITORY = {
  "README.md": "# Title\n\nText.\n",
  "crlf.dat": "one\r\ntwo\r\nthree\r\n",
  "no-end.txt": "no newline at the end",
  "empty.txt": "",
  "Ünïcode/日本語 name.md": "héllo\n",
  'odd "name"\twith tab.txt': "odd\n",
  "logo.bin": new Uint8Array([0, 1, 2, 255, 254, 0]),
  "run.sh": { script: "#!/bin/sh\necho hi\n" },
  "link-out": { link: "/etc/passwd" },
  "link-in": { link: "README.md" },
  ".gitignore": "ignored.txt\n",
  ".gitattributes": "*.bat text eol=crlf\n*.txt text=auto\nhidden.md -diff\n*.md ident\n",
  "build.bat": "echo 1\necho 2\n",
  "hidden.md": "$Id$ hidden\n",
} as const satisfies Files;
