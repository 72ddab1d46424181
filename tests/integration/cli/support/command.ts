import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { runGit } from "../../../../packages/harness/src/cli/git.ts";
import { run } from "../../../../packages/harness/src/cli/main.ts";
import type { Deps } from "../../../../packages/harness/src/cli/world.ts";
import type { FakeHarness } from "./fake-harness.ts";
import { NOW } from "./records.ts";
import { openTerminal, type Terminal, type TerminalOptions } from "./terminal.ts";

export type Finished = { readonly code: number; readonly terminal: Terminal };

const made: string[] = [];
afterAll(async () => {
  await Promise.all(made.splice(0).map(async (folder) => await rm(folder, { recursive: true, force: true })));
});

/** It goes when the file's tests have ended. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "assent-cli-"));
  made.push(folder);
  return folder;
}

/** A world in which nothing is left to chance or to the clock; pauses are over at once. */
export function createDeps(cwd: string, change: Partial<Deps> = {}): Deps {
  let keys = 0;
  return {
    startHarness: async () => {
      throw new Error("this command starts no harness");
    },
    fetch: globalThis.fetch,
    clock: { now: () => NOW, sleep: async () => await Promise.resolve() },
    newKey: () => `key-${(keys += 1)}`,
    environment: { url: null, token: null, signingKey: null, noColor: false },
    redact: (text) => text,
    git: runGit,
    cwd,
    pid: 4711,
    version: "0.0.0-test",
    ...change,
  };
}

/** Runs one command against the server, as `ASSENT_URL=… ASSENT_TOKEN=… assent …` would. */
export async function assent(
  fake: FakeHarness,
  words: readonly string[],
  options: TerminalOptions & { readonly cwd?: string } = {},
): Promise<Finished> {
  const terminal = openTerminal(options);
  const deps = createDeps(options.cwd ?? (await makeFolder()), {
    environment: { url: fake.url, token: fake.key, signingKey: null, noColor: false },
  });
  const code = await run(words, terminal, deps);
  return { code, terminal };
}

export function json(finished: Finished): unknown {
  return JSON.parse(finished.terminal.stdout());
}

export function jsonLines(finished: Finished): unknown[] {
  return finished.terminal
    .stdout()
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
}

/** A member of a parsed value. */
export function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) throw new Error(`${String(value)} has no members`);
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

export function elements(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${String(value)} is no list`);
  return value;
}

export async function writeCredentials(home: string, url: string, key: string): Promise<void> {
  await writeFile(join(home, "credentials.json"), JSON.stringify({ url, key }));
}
