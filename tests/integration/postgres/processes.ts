// Real processes and real folders for the races: what is tested is what survives a process, so mocks prove nothing.

import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { makeSweptFolder } from "../../support/database.ts";
import { fillHome } from "../../support/migrated-home.ts";
import { stopUnusedServer } from "../../../packages/harness/src/adapters/postgres/embedded/embedded.ts";

export type ScratchFolder = AsyncDisposable & { readonly path: string };

/** A folder whose server, if a failed test left one, is stopped with it; the sweep of the next run knows it too. */
export function makeScratchFolder(): ScratchFolder {
  const path = makeSweptFolder();
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await stopUnusedServer(path);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** The same with a cluster in it that stands still: who does not look at how it is made need not make it. */
export function makeFolderWithCluster(): ScratchFolder {
  const folder = makeScratchFolder();
  fillHome(folder.path);
  return folder;
}

type Message = { readonly event: string; readonly value: string };

const isMessage = (value: unknown): value is Message =>
  typeof value === "object" && value !== null && "event" in value && "value" in value;

export async function nextMessage(child: ChildProcess): Promise<Message> {
  const { promise, resolve, reject } = Promise.withResolvers<Message>();
  child.once("message", (message) => {
    if (isMessage(message)) resolve(message);
    else reject(new Error("not a message of ours"));
  });
  // Not when it exits: what it has said may still be on its way then.
  child.once("disconnect", () => {
    reject(new Error(`the process ended without a word: ${child.exitCode ?? child.signalCode ?? "left"}`));
  });
  return await promise;
}

export function forkChild(
  name: "opener" | "migrator" | "throw-away-user",
  args: string[],
  variables: NodeJS.ProcessEnv = {},
): ChildProcess {
  return fork(fileURLToPath(new URL(`./children/${name}.ts`, import.meta.url)), args, {
    execArgv: ["--conditions=assent-source"],
    env: { ...process.env, ...variables },
  });
}

export type Opener = AsyncDisposable & {
  readonly serverPid: number;
  release(): Promise<string>;
  kill(): Promise<void>;
};

/** A process that has opened the folder. */
export async function startOpener(folder: string): Promise<Opener> {
  const child = forkChild("opener", [folder]);
  const { event, value } = await nextMessage(child);
  if (event !== "opened") throw new Error(value);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };
  return {
    serverPid: Number(value),
    release: async () => {
      const ended = once(child, "exit");
      child.send("release");
      const { value: end } = await nextMessage(child);
      await ended;
      return end;
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

/** Whether a process of this number runs; one that ended but that init has not reaped yet does not. */
export function isRunning(pid: number): boolean {
  const state = process.platform === "linux" ? readState(pid) : askState(pid);
  return state !== "" && state !== "Z";
}

// proc(5): the state is the first field after the program's name, which stands in brackets and may hold anything.
function readState(pid: number): string {
  if (!existsSync(`/proc/${pid}/stat`)) return "";
  return /.*\) (.)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1] ?? "";
}

const askState = (pid: number): string =>
  spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" })
    .stdout.trim()
    .slice(0, 1);
