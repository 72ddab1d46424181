// The real world behind a command: this process, its terminal, its clock, its network.

import { randomUUID } from "node:crypto";
import { readFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { crashText, redactionOf } from "./crash.ts";
import { confidences, readEnvironment } from "./environment.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { runGit } from "./git.ts";
import { run } from "./main.ts";
import type { StartHarness } from "./start.ts";
import type { Deps, Io } from "./world.ts";

/** Runs one command in this process and ends it. */
export async function runProcess(startHarness: StartHarness): Promise<void> {
  // `assent runs | head`: the reader left, which is its right and no error of ours.
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit(EXIT_CODES.interrupted.code);
    });
  // Node would print it as it is. An unhandled rejection comes here, too.
  process.on("uncaughtException", (error) => {
    try {
      writeSync(process.stderr.fd, crashText(error, redactionOf(confidences)));
    } finally {
      // Also where nobody can be told: a second exception in here would end it with a code of Node's.
      process.exit(EXIT_CODES.internal.code);
    }
  });
  const code = await run(process.argv.slice(2), createIo(), createDeps(startHarness));
  process.exitCode = code;
  // What was written must be out, and nothing that is left open may keep a finished command alive.
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
}

function createDeps(startHarness: StartHarness): Deps {
  return {
    startHarness,
    fetch: globalThis.fetch,
    clock: {
      now: () => new Date(),
      sleep: async (ms, signal) => {
        // Its only rejection is the abort, and then the caller looks at the signal.
        await sleep(ms, undefined, { signal }).catch((error: unknown) => {
          if (!signal.aborted) throw error;
        });
      },
    },
    newKey: () => randomUUID(),
    redact: redactionOf(confidences),
    environment: readEnvironment(),
    git: runGit,
    cwd: process.cwd(),
    pid: process.pid,
    version: ownVersion(),
  };
}

function createIo(): Io {
  return {
    out: (line) => void process.stdout.write(line),
    err: (line) => void process.stderr.write(line),
    inIsTerminal: process.stdin.isTTY,
    outIsTerminal: process.stdout.isTTY,
    errIsTerminal: process.stderr.isTTY,
    ask,
    readInput: async () => await text(process.stdin),
    onStopSignal: (handle) => {
      process.on("SIGINT", handle).on("SIGTERM", handle);
      return () => process.off("SIGINT", handle).off("SIGTERM", handle);
    },
    exitNow: (code) => process.exit(code),
  };
}

async function ask(question: string, signal: AbortSignal): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  if (signal.aborted) return null;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const close = (): void => lines.close();
  signal.addEventListener("abort", close);
  lines.once("close", () => resolve(null));
  // On a terminal the prompt takes Ctrl-C for itself; it is meant for the whole process.
  lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  lines.question(question, resolve);
  try {
    const answer = await promise;
    // Nobody pressed Enter: what is said next begins on a line of its own.
    if (answer === null) process.stderr.write("\n");
    return answer;
  } finally {
    signal.removeEventListener("abort", close);
    lines.close();
  }
}

function ownVersion(): string {
  const file = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(file)).version;
}
