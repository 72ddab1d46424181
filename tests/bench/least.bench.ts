// What a run must cost on this machine, whoever wrote the program: the aims of runs.bench.ts held against the least that
// they leave room for. `npm run bench:least`.
//
//   --units <n>      of each round (default 1500)
//   --in-flight <n>  at once (default 16)
//   --rounds <n>     of each kind, in turns (default 3)

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startToolSink } from "@assent/suite";
import { Pool } from "pg";
import { z } from "zod";
import { postgresCpuMs } from "../../packages/harness/bench/postgres-cpu.ts";
import { openEmbedded } from "../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { atOnce, measureFloor } from "./floor.ts";

const { values: options } = parseArgs({
  options: {
    units: { type: "string", default: "1500" },
    "in-flight": { type: "string", default: "16" },
    rounds: { type: "string", default: "3" },
  },
});
const units = Number(options.units);
const inFlight = Number(options["in-flight"]);

const heardSchema = z.object({
  url: z.string().optional(),
  waits: z.string().optional(),
  ended: z.string().optional(),
  statements: z.number().optional(),
  cpuMs: z.number().optional(),
});
type Heard = z.infer<typeof heardSchema>;

type Least = {
  play(): Promise<void>;
  stats(): Promise<Heard>;
  stop(): Promise<void>;
};

const nameOf = ({ url, waits, ended }: Heard): string => {
  if (url !== undefined) return "url";
  if (waits !== undefined) return `waits ${waits}`;
  return ended === undefined ? "stats" : `ended ${ended}`;
};

/** Whoever waits for something that the child tells of, by its name. */
function listen(child: ChildProcess): (name: string) => Promise<Heard> {
  const heard = new Map<string, Heard>();
  const waiting = new Map<string, (told: Heard) => void>();
  child.on("message", (message) => {
    const told = heardSchema.parse(message);
    const name = nameOf(told);
    const who = waiting.get(name);
    waiting.delete(name);
    if (who === undefined) heard.set(name, told);
    else who(told);
  });
  return async (name) => {
    const already = heard.get(name);
    heard.delete(name);
    return already ?? (await new Promise<Heard>((resolve) => waiting.set(name, resolve)));
  };
}

async function startLeast(folder: string, sinkUrl: string, areReadsLeftOut: boolean): Promise<Least> {
  const child = fork(
    fileURLToPath(new URL("./least-run.ts", import.meta.url)),
    [folder, sinkUrl, String(inFlight), areReadsLeftOut ? "yes" : "no"],
    { execArgv: ["--conditions=assent-source"] },
  );
  const next = listen(child);
  const { url = "" } = await next("url");
  const post = async (path: string, body: unknown): Promise<string> => {
    const answer = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return z.object({ run: z.string() }).parse(await answer.json()).run;
  };
  return {
    play: async () => {
      const run = await post("/submit", { task: "Put it on record." });
      await next(`waits ${run}`);
      await post("/approve", { run });
      await next(`ended ${run}`);
    },
    stats: async () => {
      child.send("stats");
      return await next("stats");
    },
    stop: async () => {
      const ended = once(child, "exit");
      child.send("stop");
      await ended;
    },
  };
}

async function logBytes(owner: Pool): Promise<number> {
  const { rows } = await owner.query<{ at: string }>(
    "select (pg_current_wal_lsn() - '0/0'::pg_lsn)::text as at",
  );
  return Number(rows[0]?.at);
}

async function measure(owner: Pool, least: Least): Promise<string> {
  const floor = await measureFloor(owner, units, inFlight);
  const before = await least.stats();
  const [logBefore, postgresBefore] = [await logBytes(owner), await postgresCpuMs(owner)];
  const start = performance.now();
  await atOnce(units, inFlight, async () => {
    await least.play();
  });
  const rate = units / ((performance.now() - start) / 1_000);
  const [logAfter, postgresAfter] = [await logBytes(owner), await postgresCpuMs(owner)];
  const after = await least.stats();
  const each = (from = 0, to = 0): number => (to - from) / units;
  return [
    `${each(before.statements, after.statements).toFixed(0)} statements, 8 of them write`,
    `${rate.toFixed(0)} units/s (floor ${floor.toFixed(0)}, ${(rate / floor).toFixed(2)} of it)`,
    `WAL ${each(logBefore, logAfter).toFixed(0)} B`,
    `CPU ${each(before.cpuMs, after.cpuMs).toFixed(2)} ms, Postgres ${each(postgresBefore, postgresAfter).toFixed(2)} ms`,
  ].join(" | ");
}

async function runBench(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "assent-least-"));
  stack.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const sink = await startToolSink();
  stack.defer(async () => {
    await sink.stop();
  });
  const opened = await openEmbedded({ folder });
  if (!opened.ok) throw new Error(opened.error.message);
  stack.use(opened.value);
  const owner = new Pool({ ...opened.value.connection("owner"), max: 40 });
  // The server stops with the last who uses it, while connections are still closing.
  owner.on("error", () => undefined);
  stack.defer(async () => {
    await owner.end();
  });
  await owner.query("create table public.least_runs (id uuid primary key, version int not null)");
  await owner.query(
    "create table public.least_events (run uuid, n int, event text not null, primary key (run, n))",
  );
  const kinds = [await startLeast(folder, sink.url, false), await startLeast(folder, sink.url, true)];
  for (const least of kinds)
    await atOnce(units, inFlight, async () => {
      await least.play();
    });
  for (let round = 0; round < Number(options.rounds); round += 1)
    for (const least of kinds) process.stdout.write(`${await measure(owner, least)}\n`);
  for (const least of kinds) await least.stop();
}

await runBench();
