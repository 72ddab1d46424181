// One program in bubblewrap, from its start until the last process of its namespace has ended.

import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { open } from "node:fs/promises";
import { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { assert } from "../../base/assert.ts";
import { systemCode } from "../files/file-error.ts";
import type { Identity } from "./account.ts";
import { INFO_FD } from "./bubblewrap.ts";
import { CappedOutput } from "./capped-output.ts";
import { holdsMoreThan } from "./disk-use.ts";
import { inheritedDescriptors } from "./inherited.ts";
import { namelessBytes } from "./nameless-files.ts";
import {
  hasEnded,
  knowProcess,
  type KnownProcess,
  memoryBelow,
  memoryLeft,
  temporaryEntries,
} from "./process-tree.ts";
import { socketMemory } from "./socket-memory.ts";
import type { CappedText, SandboxEnd, SandboxLimits } from "../../ports.ts";

/** Between looks at memory and disk: what a command can take beyond its limits is what it gets in this time. */
const WATCH_INTERVAL_MS = 100;
/** A look at the disk costs up to this many times less than the pause before the next. */
const DISK_PAUSE_FACTOR = 4;
/** Below this share of the machine's memory the command ends, whatever it is that takes the memory. */
const MEMORY_LEFT_MIN = 0.03;
/** Read and thrown away past this, then the command ends: it would only heat the machine. */
const OUTPUT_BYTES_READ_MAX = 256 * 1024 * 1024;
/** From SIGKILL to the end of the last process; the kernel frees memory in this time. Past it something is broken. */
const DEATH_MS_MAX = 30_000;
const DEATH_POLL_MS = 2;

export type Containment = {
  readonly program: string;
  readonly args: readonly string[];
  readonly identity: Identity | null;
  /** The compiled filter, for descriptor 3. */
  readonly seccompFile: string;
  /** The writable folder, which is watched. */
  readonly tree: string;
  readonly stdin: Uint8Array | undefined;
  readonly limits: SandboxLimits;
  readonly signal: AbortSignal;
};

export type ContainedEnd = {
  readonly end: SandboxEnd;
  readonly stdout: CappedText;
  readonly stderr: CappedText;
};

type Verdict = Exclude<SandboxEnd, { readonly how: "exited" }>;

/** Rejects when bubblewrap cannot be started, or when what it started cannot be watched or ended. */
export async function runContained(containment: Containment): Promise<ContainedEnd> {
  await using filter = await open(containment.seccompFile);
  await using nothing = await open("/dev/null");
  const child = start(containment, stdioOf(containment, filter.fd, nothing.fd));
  const stdout = new CappedOutput(containment.limits.outputBytes);
  const stderr = new CappedOutput(containment.limits.outputBytes);
  const exited = exitOf(child);
  const first = readFirst(child);
  const over = new AbortController();
  const kill = new Killer(child, first);
  const outputs = [consume(child.stdout, stdout, kill), consume(child.stderr, stderr, kill)];
  const attended = [...outputs, watch(containment, first, kill, over.signal)].map(
    async (work) => await orEnd(work, kill),
  );
  feed(child, containment.stdin);
  const abort = (): void => {
    kill.now({ how: "aborted" });
  };
  containment.signal.addEventListener("abort", abort, { once: true });
  if (containment.signal.aborted) abort();
  const clock = setTimeout(() => {
    kill.now({ how: "timed_out" });
  }, containment.limits.wallClockMs);
  try {
    const code = await exited;
    // Also after an orderly end: processes that were left in the background must not outlive the command.
    await kill.everything();
    over.abort();
    for (const failure of await Promise.all(attended)) if (failure !== null) throw failure;
    return {
      end: kill.verdict ?? { how: "exited", code },
      stdout: stdout.text(),
      stderr: stderr.text(),
    };
  } finally {
    clearTimeout(clock);
    over.abort();
    containment.signal.removeEventListener("abort", abort);
    await Promise.all(attended);
  }
}

/**
 * What cannot be watched or heard any more must not run on without its limits.
 * @returns why it could not; at once, since nobody waits for it before the command has ended
 */
async function orEnd(work: Promise<void>, kill: Killer): Promise<Error | null> {
  try {
    await work;
    return null;
  } catch (error) {
    kill.now({ how: "aborted" });
    return error instanceof Error ? error : new Error("a command could not be watched", { cause: error });
  }
}

function start({ program, args, identity }: Containment, stdio: StdioOptions): ChildProcess {
  return spawn(program, [...args], {
    cwd: "/",
    // Bubblewrap itself gets nothing of ours either.
    env: {},
    // A group of its own: a signal to our terminal's group must not reach it before we say so.
    detached: true,
    stdio,
    // libuv also drops the supplementary groups when it sets these.
    ...identity,
  });
}

function stdioOf({ stdin }: Containment, filterFd: number, nothingFd: number): StdioOptions {
  const stdio: ("ignore" | "pipe" | number)[] = [
    stdin === undefined ? "ignore" : "pipe",
    "pipe",
    "pipe",
    filterFd,
    "pipe",
  ];
  // Laid over with nothing; the numbers between stay closed, for libuv skips "ignore" above the standard three.
  for (const descriptor of inheritedDescriptors()) {
    while (stdio.length <= descriptor) stdio.push("ignore");
    if (descriptor > INFO_FD) stdio[descriptor] = nothingFd;
  }
  return stdio;
}

async function exitOf(child: ChildProcess): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once("error", reject);
  // A bubblewrap that was killed has no code of its own; then the verdict says why.
  child.once("exit", (code) => {
    resolve(code ?? -1);
  });
  return await promise;
}

/** The namespace's first process, as soon as bubblewrap names it; null where it ended without having made one. */
async function readFirst(child: ChildProcess): Promise<KnownProcess | null> {
  const pipe = child.stdio[INFO_FD];
  if (!(pipe instanceof Readable)) return null;
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  let text = "";
  // Read on after that: bubblewrap has more to say, and would die of a closed pipe.
  pipe.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
    const pid = Number(/"child-pid":\s*(\d+)\D/u.exec(text)?.[1]);
    if (Number.isSafeInteger(pid) && pid > 1) resolve(pid);
  });
  pipe.once("end", () => {
    resolve(null);
  });
  pipe.once("error", reject);
  const pid = await promise;
  return pid === null ? null : await knowProcess(pid);
}

function feed(child: ChildProcess, stdin: Uint8Array | undefined): void {
  if (stdin === undefined || !(child.stdin instanceof Writable)) return;
  // A command that does not read its input is no failure of ours.
  child.stdin.on("error", ignoreClosedPipe);
  child.stdin.end(stdin);
}

function ignoreClosedPipe(error: Error): void {
  assert(systemCode(error) !== undefined, "a pipe fails with an error of the operating system");
}

async function consume(stream: Readable | null, into: CappedOutput, kill: Killer): Promise<void> {
  if (stream === null) return;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    into.add(chunk);
    if (into.bytesSeen > OUTPUT_BYTES_READ_MAX) kill.now({ how: "limit", limit: "output" });
  }
}

/** Ends a sandbox, and remembers the first reason. */
class Killer {
  verdict: Verdict | null = null;
  readonly #child: ChildProcess;
  readonly #first: Promise<KnownProcess | null>;
  #ending: Promise<void> | null = null;

  constructor(child: ChildProcess, first: Promise<KnownProcess | null>) {
    this.#child = child;
    this.#first = first;
  }

  now(verdict: Verdict): void {
    this.verdict ??= verdict;
    this.#ending ??= this.#end();
  }

  /** Resolves when no process of the sandbox is left. */
  async everything(): Promise<void> {
    await (this.#ending ?? this.#end());
    const first = await this.#first;
    if (first === null) return;
    const deadline = Date.now() + DEATH_MS_MAX;
    while (!(await hasEnded(first))) {
      assert(Date.now() < deadline, "every process of a sandbox ends when its first is killed");
      await sleep(DEATH_POLL_MS);
    }
  }

  // The first process and not bubblewrap, and only once it is known: a bubblewrap that dies in the moment between
  // making it and its asking to die along leaves a sandbox running that nobody watches: seen in a
  // loop of early kills.
  async #end(): Promise<void> {
    const first = await this.#first;
    if (first !== null && !(await hasEnded(first))) killUnlessGone(first.pid);
    this.#child.kill("SIGKILL");
  }
}

function killUnlessGone(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (systemCode(error) !== "ESRCH") throw error;
  }
}

async function watch(
  { limits, tree }: Containment,
  first: Promise<KnownProcess | null>,
  kill: Killer,
  over: AbortSignal,
): Promise<void> {
  const root = (await first)?.pid;
  if (root === undefined) return;
  let diskDueAt = 0;
  while (!over.aborted) {
    const memory = (await memoryBelow(root)) + (await socketMemory(root));
    if (memory > limits.memoryBytes || (await memoryLeft()) < MEMORY_LEFT_MIN)
      kill.now({ how: "limit", limit: "memory" });
    const startedAt = Date.now();
    if (startedAt >= diskDueAt) {
      if (await exceedsDisk(tree, root, limits)) kill.now({ how: "limit", limit: "disk" });
      diskDueAt = Date.now() + (Date.now() - startedAt) * DISK_PAUSE_FACTOR;
    }
    await pause(over);
  }
}

const TEMPORARY: readonly string[] = ["/tmp", "/dev/shm", "/home/tool"];

async function exceedsDisk(tree: string, root: number, limits: SandboxLimits): Promise<boolean> {
  for (const folder of TEMPORARY)
    if ((await temporaryEntries(root, folder, limits.temporaryBytes)) > limits.diskEntries) return true;
  const nameless = await namelessBytes(root, tree, limits.diskBytes);
  if (nameless > limits.diskBytes) return true;
  return await holdsMoreThan(tree, limits.diskBytes - nameless, limits.diskEntries);
}

async function pause(over: AbortSignal): Promise<void> {
  try {
    await sleep(WATCH_INTERVAL_MS, undefined, { signal: over });
  } catch (error) {
    if (!over.aborted) throw error;
  }
}
