// Durable runs per second (submit -> tool step -> approval -> resume -> finish), and what one costs, beside a floor of
// five plain commits on the same Postgres. `npm run bench:runs -- --help` says how.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Pool } from "pg";
import { startToolSink } from "@assent/suite";
import { z } from "zod";
import { openEmbedded } from "../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { parseDatabaseUrl } from "../../packages/harness/src/adapters/postgres/connect.ts";
import { readCredentials } from "../../packages/harness/src/home.ts";
import { addNotary } from "../support/target/notary.ts";
import { createInstallation, type Installation } from "../support/target/installation.ts";
import { type Given, startGivenPostgres } from "./given-postgres.ts";
import { driveOne } from "./driven-run.ts";
import { addLibrarian, measureLongRun, startLibrary } from "./long-run.ts";
import {
  createExplanation,
  statementsBy,
  timesBetweenEvents,
  type Explanation,
  type Texts,
} from "./explain.ts";
import { atOnce, measureFloor } from "./floor.ts";
import { postgresCpuMs } from "../../packages/harness/bench/postgres-cpu.ts";
import { storeFinishedRuns } from "./stored-runs.ts";
import { compareEvidence, type RunCost, switchEvidence } from "./evidence-of-runs.ts";
import { serve, type Served } from "./served.ts";
import { keepAlone, keepRow, leaveReport } from "./left-report.ts";
import { createWatcher, type Watcher } from "./watcher.ts";

const HELP = `node --conditions=assent-source tests/bench/runs.bench.ts [options]
  --runs <n>          runs of each measurement (default 200)
  --in-flight <list>  at once (default 1,8,16,32)
  --stored <list>     finished runs stored before (default 0,10000; up to 1000000)
  --only-runs         without the measures of idling and of a long run
  --evidence          nothing but runs with the evidence and without it, in turns
  --driven            runs of a loop outside, without a model: what the peers of docs/peers.md are measured by
  --explain           after each measurement, what it wrote to the log by table, and its statements by time
  --given             on a Postgres of its own that is handed over by DATABASE_URL, as a fleet's is
  DATABASE_URL (and DATABASE_MIGRATION_URL) name another Postgres than the embedded one.`;

type Figures = {
  readonly commits: number;
  readonly walBytes: number;
  readonly statements: number;
  readonly control: number;
  readonly cpuMs: number;
  readonly postgresCpuMs: number;
  readonly texts: Texts;
};

async function figures(owner: Pool, served: Served): Promise<Figures> {
  const { rows } = await owner.query<{ commits: string; wal: string }>(
    `select pg_stat_get_db_xact_commit(d.oid)::text as commits, (pg_current_wal_lsn() - '0/0'::pg_lsn)::text as wal
     from (select pg_stat_clear_snapshot()) s, pg_database d where d.datname = current_database()`,
  );
  return {
    commits: Number(rows[0]?.commits),
    walBytes: Number(rows[0]?.wal),
    postgresCpuMs: await postgresCpuMs(owner),
    ...(await served.stats()),
  };
}

type Sample = { readonly totalMs: number };

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** What a start writes is not idling, and a connection that has become idle tells of its commits after ten seconds. */
const SETTLE_MS = 15_000;
const IDLE_SECONDS = 20;

type Bench = {
  readonly url: string;
  readonly key: string;
  readonly watcher: Watcher;
  /** Whether who decides waits for the answer, which comes with a receipt. */
  readonly areReceiptsExpected: boolean;
};

let sequence = 0;
/** Of who decided: kept until it was waited for. */
const answers = new Set<Promise<void>>();

type Submission = { readonly agent: string; readonly task: string };

async function submit({ url, key }: Pick<Bench, "url" | "key">, submission: Submission): Promise<string> {
  sequence += 1;
  const submitted = await fetch(`${url}/api/harness/run`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${key}`,
      "content-type": "application/json",
      "idempotency-key": `bench-${process.pid}-${sequence}`,
    },
    body: JSON.stringify(submission),
  });
  if (submitted.status !== 202) throw new Error(`submission: ${submitted.status} ${await submitted.text()}`);
  return z
    .looseObject({ id: z.string() })
    .parse(await submitted.json())
    .id.slice(4);
}

async function decide({ url, key }: Bench, { id, digest }: { id: string; digest: string }): Promise<void> {
  const answer = await fetch(`${url}/api/harness/approve`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ approval_id: id, decision: "approve", action_digest: digest }),
  });
  if (answer.status !== 200) throw new Error(`approval: ${answer.status} ${await answer.text()}`);
  await answer.body?.cancel();
}

async function playOne(bench: Bench): Promise<Sample> {
  const { watcher } = bench;
  const start = performance.now();
  if (options.driven === true) {
    await driveOne({ ...bench, decide: async (approval) => await decide(bench, approval) });
    return { totalMs: performance.now() - start };
  }
  const run = await submit(bench, { agent: "notary", task: "Put it on record." });
  const approval = await watcher.approval(run);
  const decided = decide(bench, approval);
  answers.add(decided);
  const [state] = await Promise.all([watcher.end(run), bench.areReceiptsExpected ? decided : null]);
  if (state !== "succeeded") throw new Error(`run ${run} is ${state}`);
  return { totalMs: performance.now() - start };
}

/** From the person's yes to the worker that goes on, or to the permit that its driver is given, by the run's own events. */
async function wakeMs(owner: Pool, count: number): Promise<readonly number[]> {
  const { rows } = await owner.query<{ ms: number }>(
    `select extract(epoch from l.at - a.at)::float8 * 1000 as ms
     from assent.audit_events a
     join lateral (
       select min(l.at) as at from assent.audit_events l
       where l.tenant_id = a.tenant_id and l.run_id = a.run_id and l.version > a.version
         and l.kind in ('run_leased', 'approval_spent')) l on true
     where a.kind = 'approval_approved' order by a.at desc limit $1`,
    [count],
  );
  return rows.map(({ ms }) => ms).toSorted((a, b) => a - b);
}

const out = (line: string): void => void process.stdout.write(`${line}\n`);

async function measure(
  bench: Bench,
  owner: Pool,
  served: Served,
  runs: number,
  inFlight: number,
  explanation: Explanation | null,
  stored = 0,
  warmRuns = Math.min(runs, 2 * inFlight),
): Promise<RunCost> {
  await atOnce(warmRuns, inFlight, async () => await playOne(bench));
  const floor = await measureFloor(owner, runs, inFlight);
  await explanation?.begin();
  const before = await figures(owner, served);
  const looksBefore = bench.watcher.waits();
  const start = performance.now();
  const samples = await atOnce(runs, inFlight, async () => await playOne(bench));
  const seconds = (performance.now() - start) / 1_000;
  const after = await figures(owner, served);
  const looks = bench.watcher.waits() - looksBefore;
  const sorted = samples.map(({ totalMs }) => totalMs).toSorted((a, b) => a - b);
  const wake = await wakeMs(owner, runs);
  const perRun = (name: Exclude<keyof Figures, "texts">, less = 0): string =>
    ((after[name] - before[name] - less) / runs).toFixed(1);
  out(
    [
      `${String(inFlight).padStart(3)} in flight:`,
      `${(runs / seconds).toFixed(1)} runs/s (floor ${floor.toFixed(1)}, ${(runs / seconds / floor).toFixed(2)} of it)`,
      `p50 ${percentile(sorted, 0.5).toFixed(0)} p95 ${percentile(sorted, 0.95).toFixed(0)} p99 ${percentile(sorted, 0.99).toFixed(0)} ms`,
      `wake p50 ${percentile(wake, 0.5).toFixed(0)} ms`,
      `commits ${perRun("commits", looks)}`,
      `statements ${perRun("statements")} + ${perRun("control")} of transactions`,
      `WAL ${perRun("walBytes")} B`,
      `CPU ${perRun("cpuMs")} ms, Postgres ${perRun("postgresCpuMs")} ms`,
    ].join(" | "),
  );
  for (const line of (await explanation?.end(runs)) ?? []) out(line);
  if (explanation !== null) {
    for (const line of statementsBy(before.texts, after.texts, runs)) out(line);
    for (const line of await timesBetweenEvents(owner, runs)) out(line);
  }
  const nodeMs = (after.cpuMs - before.cpuMs) / runs;
  const postgresMs = (after.postgresCpuMs - before.postgresCpuMs) / runs;
  keepRow({
    stored,
    inFlight,
    floorShare: runs / seconds / floor,
    commits: (after.commits - before.commits - looks) / runs,
    statements: (after.statements - before.statements + after.control - before.control) / runs,
    walBytes: (after.walBytes - before.walBytes) / runs,
    nodeCpuMs: nodeMs,
  });
  return { perSecond: runs / seconds, nodeMs, postgresMs };
}

/** Every connection plans its statements anew after a switch: so many runs for each that is in flight come first. */
const WARM_EACH = 8;
/** Until the harness has seen that the database is not busy any more. */
const SWITCHED_MS = 2_000;

async function measureEvidence(
  bench: Bench,
  owner: Pool,
  served: Served,
  runs: number,
  inFlight: number,
): Promise<void> {
  const lines = await compareEvidence(async (isOn) => {
    // Their looks would be in the way of who changes a table, and that one in the way of all.
    await Promise.all(answers);
    answers.clear();
    await switchEvidence(owner, isOn);
    await new Promise((resolve) => setTimeout(resolve, SWITCHED_MS));
    await served.expectReceipts(isOn);
    out(isOn ? "with the evidence" : "without");
    return await measure(bench, owner, served, runs, inFlight, null, 0, WARM_EACH * inFlight);
  });
  for (const line of lines) out(line);
}

async function measureIdle(owner: Pool, served: Served, isExplained: boolean): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const before = await figures(owner, served);
  await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1_000));
  const after = await figures(owner, served);
  // Less the look itself.
  const commits = (after.commits - before.commits - 1) / IDLE_SECONDS;
  const cpuMs = (after.cpuMs - before.cpuMs) / IDLE_SECONDS;
  out(`idle: ${commits.toFixed(1)} commits/s, CPU ${cpuMs.toFixed(1)} ms/s`);
  if (isExplained) for (const line of statementsBy(before.texts, after.texts, IDLE_SECONDS)) out(line);
  return commits;
}

/** What one costs that has the machine to itself: idling, and a run of many steps. */
async function measureAlone(owner: Pool, served: Served, key: string, isExplained: boolean): Promise<void> {
  const idleCommitsPerSecond = await measureIdle(owner, served, isExplained);
  const long = await measureLongRun(
    owner,
    await submit({ url: served.url, key }, { agent: "librarian", task: "Read it all." }),
  );
  out(
    `a run of ${long.steps} steps, 1 KB read in every other one: WAL ${long.first.toFixed(0)} B a step at first, ${long.last.toFixed(0)} B at last`,
  );
  keepAlone({ idleCommitsPerSecond, longRun: { first: long.first, last: long.last } });
}

const text = { type: "string" } as const;
const { values: options } = parseArgs({
  options: {
    runs: text,
    "in-flight": text,
    stored: text,
    explain: { type: "boolean" },
    "only-runs": { type: "boolean" },
    evidence: { type: "boolean" },
    driven: { type: "boolean" },
    given: { type: "boolean" },
    help: { type: "boolean" },
  },
});
const numbers = (list: string): readonly number[] => list.split(",").map(Number);

async function runBench(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const sink = await startToolSink();
  stack.defer(async () => {
    await sink.stop();
  });
  const installation = createInstallation(sink.url);
  stack.defer(() => {
    installation.remove();
  });
  addNotary(installation, sink.url);
  const library = await startLibrary();
  stack.defer(async () => {
    await library.stop();
  });
  addLibrarian(installation, library.url);
  const given: Partial<Given> = options.given === true ? await startGivenPostgres(stack) : process.env;
  const served = await serve(installation, given);
  stack.defer(async () => {
    await served.stop();
  });
  const owner = new Pool({ ...(await ownerOf(installation, given, stack)), max: 40 });
  stack.defer(async () => {
    await owner.end();
  });
  const key = readCredentials(installation.home)?.key ?? "";
  const watcher = createWatcher(owner);
  stack.defer(() => {
    watcher.stop();
  });
  const explanation =
    options.explain === true ? await createExplanation(await superuserOf(installation, stack)) : null;
  out(`${given.DATABASE_URL === undefined ? "embedded" : "DATABASE_URL"}, ${readCpu()}`);
  if (options.evidence === true) {
    const inFlight = numbers(options["in-flight"] ?? "16")[0] ?? 1;
    const bench = { url: served.url, key, watcher, areReceiptsExpected: false };
    await measureEvidence(bench, owner, served, Number(options.runs ?? 200), inFlight);
    return;
  }
  if (options["only-runs"] === true)
    await playOne({ url: served.url, key, watcher, areReceiptsExpected: true });
  else await measureAlone(owner, served, key, explanation !== null);
  for (const stored of numbers(options.stored ?? "0,10000")) {
    await storeFinishedRuns(owner, stored);
    out(`${stored} finished runs stored:`);
    for (const inFlight of numbers(options["in-flight"] ?? "1,8,16,32"))
      await measure(
        { url: served.url, key, watcher, areReceiptsExpected: true },
        owner,
        served,
        Number(options.runs ?? 200),
        inFlight,
        explanation,
        stored,
      );
  }
  leaveReport();
}

async function ownerOf(
  installation: Installation,
  { DATABASE_MIGRATION_URL, DATABASE_URL }: Partial<Given>,
  stack: AsyncDisposableStack,
): Promise<object> {
  const url = DATABASE_MIGRATION_URL ?? DATABASE_URL;
  if (url !== undefined) {
    const parsed = parseDatabaseUrl("DATABASE_URL", url);
    if (!parsed.ok) throw new Error(parsed.error.message);
    return parsed.value;
  }
  const opened = await openEmbedded({ folder: installation.home });
  if (!opened.ok) throw new Error(opened.error.message);
  stack.use(opened.value);
  return opened.value.connection("owner");
}

async function superuserOf(installation: Installation, stack: AsyncDisposableStack): Promise<Pool> {
  const opened = await openEmbedded({ folder: installation.home });
  if (!opened.ok) throw new Error(opened.error.message);
  stack.use(opened.value);
  const superuser = new Pool({ ...opened.value.connection("superuser"), max: 1 });
  stack.defer(async () => {
    await superuser.end();
  });
  return superuser;
}

const readCpu = (): string =>
  /model name\s*: (.*)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "unknown processor";

if (options.help === true) out(HELP);
else await runBench();
