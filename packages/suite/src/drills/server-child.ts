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

const START_MS_MAX = 120_000;
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
    const [program = "", ...args] = argv;
    child = spawn(program, args, { detached: true, stdio: "ignore" });
    const { satisfied } = await lookUntil(
      async () => await answers(url),
      (ready) => ready,
      { timeoutMs: START_MS_MAX, signal: never },
    );
    if (!satisfied) throw new Error(`${program} does not answer at ${url}`);
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
