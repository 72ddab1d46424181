import { join } from "node:path";
import { ok } from "../../base/result.ts";
import { createClient } from "../../client/client.ts";
import type { Context, Outcome } from "../context.ts";
import { presentDemo } from "../demo/presentation.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { beginLifetime, type Lifetime, type ServeFlags, startHere } from "../lifetime.ts";
import { failureLine } from "../report.ts";
import type { Running } from "../start.ts";

export type UpFlags = Omit<ServeFlags, "announce" | "role"> & { readonly demo?: boolean };

/** Serves until it is told to stop. */
export const up = async (context: Context, flags: UpFlags): Outcome =>
  await keepServing(context, flags, "all");

/** The API and no worker: runs are carried out by workers elsewhere on the same database. */
export const server = async (context: Context, flags: UpFlags): Outcome =>
  await keepServing(context, flags, "server");

export type WorkerFlags = Pick<ServeFlags, "config" | "model"> & { readonly runs: number };

/** A worker and no API. */
export const worker = async (context: Context, { runs, ...flags }: WorkerFlags): Outcome =>
  await keepServing(context, { ...flags, host: "", port: 0, runsMax: runs }, "worker");

async function keepServing(context: Context, flags: UpFlags, role: ServeFlags["role"]): Outcome {
  const lifetime = beginLifetime(context);
  try {
    const starting = new AbortController();
    void giveUpStart(context, lifetime, starting.signal);
    const started = startHere(context, { ...flags, announce: role !== "worker", role });
    const running = await started.finally(() => {
      starting.abort();
    });
    if (!running.ok) return running;
    try {
      await serve(context, running.value, flags, lifetime);
    } finally {
      await running.value.stop();
    }
    context.emit({ event: "stopped" });
    context.say(["Stopped. What was not finished goes on at the next start."]);
    return ok("ok");
  } finally {
    lifetime.end();
  }
}

/**
 * A start that waits (for another's migration, for a database that says nothing) is not waited for much longer than others
 * take: whoever stops services kills what is not gone in time, and a start is as good as not begun at any point.
 */
const START_GRACE_MS = 10_000;

async function giveUpStart({ deps, io }: Context, lifetime: Lifetime, isOver: AbortSignal): Promise<void> {
  await lifetime.stopped;
  await deps.clock.sleep(START_GRACE_MS, isOver);
  if (!isOver.aborted) io.exitNow(EXIT_CODES.interrupted.code);
}

async function serve(context: Context, running: Running, flags: UpFlags, lifetime: Lifetime): Promise<void> {
  const { url, consoleUrl, home } = running;
  if (url === "") {
    context.emit({ event: "working", home, pid: context.deps.pid, runs: flags.runsMax });
    context.say([`A worker is at work (home ${home}). Ctrl-C gives back what it holds, and stops it.`]);
    await lifetime.stopped;
    return;
  }
  context.emit({ event: "listening", url, console: consoleUrl, home, pid: context.deps.pid });
  context.say([
    `Assent serves at ${context.paint("bold", url)} (home ${home}). Ctrl-C stops it.`,
    ...(consoleUrl === null ? [] : [`The web console is at ${context.paint("bold", consoleUrl)}.`]),
    ...(running.firstStart
      ? [`The administrator's key is in ${join(running.home, "credentials.json")}, readable by you only.`]
      : []),
  ]);
  if (flags.demo === true && !lifetime.signal.aborted) {
    const client = createClient({
      url,
      key: running.adminKey,
      fetch: context.deps.fetch,
    });
    const demo = await presentDemo(context, client, flags.model ?? null, lifetime.signal);
    // A demo that does not work is said, and is no reason to stop serving.
    if (!demo.ok && demo.error.exit !== "interrupted") {
      context.emit({ event: "demo_failed", error: demo.error });
      context.io.err(`${failureLine(demo.error)}\n`);
    }
  }
  await lifetime.stopped;
}
