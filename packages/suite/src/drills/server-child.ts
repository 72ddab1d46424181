// A server that the drills start themselves, so that they may kill it: with the whole group of processes that it made,
// and nothing else.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { NoAnswer, send } from "../http.ts";
import { lookUntil } from "../wait.ts";

export type ServerChild = {
  start(): Promise<void>;
  /** SIGKILL to all of it, and a new start. */
  killAndStart(): Promise<void>;
  stop(): Promise<void>;
};

/** It does not serve: there is no such program, it ended, or it says nothing for too long. */
export class NotStarted extends Error {
  override readonly name = "NotStarted";
}

const START_MS_MAX = 120_000;
/** Of what it says on its way down, the end; that is where the reason stands. */
const LAST_WORDS_CHARS_MAX = 500;
const never = new AbortController().signal;

/** @param argv program and arguments; no shell reads them */
export function serverChild(argv: readonly string[], url: string): ServerChild {
  let child: ChildProcess | null = null;
  // Whoever stops it in the middle of a start would leave behind what that start goes on to make.
  let busy: Promise<void> = Promise.resolve();
  const inTurn = async (work: () => Promise<void>): Promise<void> => {
    const turn = busy.catch(() => undefined).then(work);
    busy = turn;
    await turn;
  };
  const start = async (): Promise<void> => {
    // It would be taken for the one that is started, and killed is that one only.
    if (await answers(url)) throw new NotStarted(`somebody answers at ${url} already; end that server first`);
    const [program = "", ...args] = argv;
    const started = spawn(program, args, { detached: true, stdio: ["ignore", "ignore", "pipe"] });
    child = started;
    let ended: string | null = null;
    let words = "";
    started.stderr.setEncoding("utf8").on("data", (text: string) => {
      words = `${words}${text}`.slice(-LAST_WORDS_CHARS_MAX);
    });
    started.once("error", (error) => {
      ended = `${program} cannot be started: ${error.message}`;
    });
    started.once("exit", (code, signal) => {
      ended ??= `${program} ended (${signal ?? code}) before it answered at ${url}`;
    });
    const { seen, satisfied } = await lookUntil(
      async () => ended ?? (await answers(url)),
      (ready) => ready !== false,
      { timeoutMs: START_MS_MAX, signal: never },
    );
    if (seen === true) return;
    const why = satisfied ? String(seen) : `${program} does not answer at ${url}`;
    throw new NotStarted([why, words.trim()].filter((part) => part !== "").join("; it said: "));
  };
  const end = async (signal: "SIGKILL" | "SIGTERM"): Promise<void> => {
    const ending = child;
    child = null;
    if (ending?.pid === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = once(ending, "exit");
    process.kill(-ending.pid, signal);
    await exited;
  };
  return {
    start: async () => await inTurn(start),
    killAndStart: async () =>
      await inTurn(async () => {
        // Else nothing would have been killed, and the drill would have shown nothing.
        if (child === null || child.exitCode !== null || child.signalCode !== null)
          throw new NotStarted("the server had ended by itself before it was to be killed");
        await end("SIGKILL");
        await start();
      }),
    stop: async () => await inTurn(async () => await end("SIGTERM")),
  };
}

async function answers(url: string): Promise<boolean> {
  const request = { method: "GET", path: "/readyz", headers: {}, body: null };
  try {
    return (await send(url, request, { timeoutMs: 2_000, signal: never })).status < 500;
  } catch (error) {
    if (error instanceof NoAnswer) return false;
    throw error;
  }
}
