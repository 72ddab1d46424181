// A sandbox and a real workspace for tests, and what lies outside of both.

import { chmodSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  openSandbox,
  type SandboxOptions,
} from "../../../packages/harness/src/adapters/sandbox/open-sandbox.ts";
import type { Sandbox, SandboxLimits, SandboxOutcome } from "../../../packages/harness/src/ports.ts";
import type { Workspace } from "../../../packages/harness/src/ports.ts";
import { copyOf, newRepository, random, temporaryFolder } from "../../integration/files/repository.ts";

export type Room = {
  readonly sandbox: Sandbox;
  /** Where the sandbox keeps its copies. */
  readonly folder: string;
  readonly workspace: Workspace;
  readonly tree: string;
  run(argv: readonly string[], limits?: Partial<SandboxLimits>): Promise<SandboxOutcome>;
  /** Names of what commands have left in the sandbox's own folder. */
  leftovers(): readonly string[];
};

/** A temporary folder that another user may pass through. */
export function openFolder(): string {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  return folder;
}

/** Rejects where there is no sandbox: on a machine that forbids namespaces the tests fail and say why. */
export async function openRoom(
  files: Readonly<Record<string, string>>,
  options: Partial<SandboxOptions> = {},
): Promise<Room> {
  const folder = join(openFolder(), "sandbox");
  mkdirSync(folder);
  const opened = await openSandbox({ folder, random, ...options });
  if (!opened.ok) throw new Error(`${opened.error.reason}: ${opened.error.message}; ${opened.error.remedy}`);
  const sandbox = opened.value;
  const { context, tree } = await copyOf(newRepository(files));
  const { workspace } = context;
  if (workspace === null) throw new Error("there is no workspace");
  return {
    sandbox,
    folder,
    workspace,
    tree,
    run: async (argv, limits) => {
      const signal = AbortSignal.timeout(50_000);
      const request = { argv, cwd: "", signal, ...(limits === undefined ? {} : { limits }) };
      const outcome = await sandbox.run(request, workspace);
      if (!outcome.ok) throw new Error(`${outcome.error.code}: ${outcome.error.detail}`);
      return outcome.value;
    },
    leftovers: () => readdirSync(folder).filter((name) => !["etc", "filter.bpf"].includes(name)),
  };
}

/** Command lines of living processes that hold a mark, other than ours. */
export function processesWith(mark: string): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const line = readFileSync(join("/proc", pid, "cmdline"), "utf8").replaceAll("\0", " ");
        return line.includes(mark) ? [`${pid} ${line}`] : [];
      } catch {
        // Gone meanwhile.
        return [];
      }
    });
}

/** Looks again and again until there is something to see; the test's own time limit ends it. */
export async function until<T>(look: () => T | null): Promise<T> {
  for (;;) {
    const seen = look();
    if (seen !== null) return seen;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
