// A server that is a program of this machine: started with our own argument list and an environment of its own, in a
// process group of its own, and gone when we are. (The SDK's transport hands on HOME, USER and PATH, and ends only the
// program itself, not what it started.)

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type JSONRPCMessage,
  ReadBuffer,
  serializeMessage,
  type Transport,
} from "@modelcontextprotocol/client";

import { proveBeforeSending } from "../egress/before-sending.ts";

/** A message longer than this ends the connection. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** Questions without an answer for each of which it may write a message more than it may unasked. */
const OUTSTANDING_MAX = 8;
/** From the end of its input, and again from SIGTERM, until it has to be gone. */
const GRACE_MS = 1_000;
/** Where programs are looked up that are named without a path. */
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** From util-linux: has the kernel end the program when we are killed and can end nothing any more. */
const SETPRIV = "/usr/bin/setpriv";

export type StdioProgram = {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** All that it sees, besides a PATH. */
  readonly environment: Readonly<Record<string, string>>;
  readonly stderr: "ignore" | "inherit";
};

/** `pid` and `stderr` are how the SDK knows a pipe from HTTP, and so what silence at the first message means. */
export type StdioTransport = Transport & { readonly pid: number | null; readonly stderr: null };

export function createStdioTransport(program: StdioProgram, onEnd: () => void): StdioTransport {
  const buffer = new ReadBuffer({ maxBufferSize: MESSAGE_BYTES_MAX });
  let child: ChildProcess | null = null;
  let outstanding = 0;
  let bytesSinceAnswer = 0;
  const transport: StdioTransport = {
    stderr: null,
    get pid() {
      return child?.pid ?? null;
    },
    async start() {
      const started = launch(program);
      child = started;
      started.stdout?.on("data", (chunk: Buffer) => {
        try {
          // One that never stops to write has this process read, and all others wait, until it is ended.
          bytesSinceAnswer += chunk.byteLength;
          if (bytesSinceAnswer > (1 + outstanding) * MESSAGE_BYTES_MAX)
            throw new Error("The program writes more than anybody asked it for.");
          buffer.append(chunk);
          for (let message = buffer.readMessage(); message !== null; message = buffer.readMessage()) {
            if (!("method" in message) && outstanding > 0) {
              outstanding -= 1;
              bytesSinceAnswer = 0;
            }
            transport.onmessage?.(message);
          }
        } catch (error) {
          transport.onerror?.(error instanceof Error ? error : new Error("unreadable message"));
          started.stdout?.destroy();
          void transport.close();
        }
      });
      for (const stream of [started.stdin, started.stdout])
        stream?.on("error", (error) => transport.onerror?.(error));
      started.once("close", () => {
        child = null;
        onEnd();
        transport.onclose?.();
      });
      await spawned(started);
    },
    async send(message: JSONRPCMessage) {
      const stdin = child?.stdin;
      if (stdin === null || stdin === undefined || !stdin.writable) throw new Error("The program has ended.");
      await proveBeforeSending();
      if ("method" in message && "id" in message) outstanding = Math.min(outstanding + 1, OUTSTANDING_MAX);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      stdin.write(serializeMessage(message), (error) => {
        if (error === null || error === undefined) resolve();
        else reject(error);
      });
      await promise;
    },
    async close() {
      const ending = child;
      buffer.clear();
      if (ending !== null) await end(ending);
    },
  };
  return transport;
}

function launch({ command, args, cwd, environment, stderr }: StdioProgram): ChildProcess {
  const [program, ...rest] = existsSync(SETPRIV)
    ? [SETPRIV, "--pdeathsig", "KILL", "--", command, ...args]
    : [command, ...args];
  return spawn(program ?? command, rest, {
    cwd,
    env: { PATH: SYSTEM_PATH, ...environment },
    stdio: ["pipe", "pipe", stderr],
    shell: false,
    // A group of its own: what it starts is ended with it, and a Ctrl-C at our terminal is ours to handle.
    detached: true,
  });
}

async function spawned(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once("spawn", resolve);
  child.once("error", reject);
  await promise;
}

async function end(child: ChildProcess): Promise<void> {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  child.once("close", () => {
    resolve();
  });
  if (child.exitCode !== null || child.signalCode !== null) resolve();
  child.stdin?.end();
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const grace = new AbortController();
    await Promise.race([
      gone,
      sleep(GRACE_MS, undefined, { signal: grace.signal, ref: false }).catch(() => undefined),
    ]);
    grace.abort();
    // Also after a clean end: what the program left behind in its group goes too.
    killGroup(child.pid, signal);
  }
  child.stdout?.destroy();
  await gone;
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Nobody is left in the group.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
