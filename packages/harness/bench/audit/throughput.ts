import { uuidOf } from "@assent/contract";
import type { PoolClient } from "pg";
import { postgresCpuMs } from "../postgres-cpu.ts";
import { transaction } from "../../src/adapters/postgres/connect.ts";
import { type BenchDatabase, CLIENTS, runOf } from "./database.ts";

const MODES = ["no events", "events, no tree", "the evidence"] as const;
type Mode = (typeof MODES)[number];

const PAYLOAD = { name: "read_file", effect: "none", text: "x".repeat(400) };
/** Of the next step of each client's run; steps are numbered without gaps. */
const versions = Array.from({ length: CLIENTS }, () => 1);

// As a commit of a run is made (decisions/0012): the run, a step and the event in one statement.
const WRITE = `select assent.write_run(of_run => $1, to_state => 'queued', to_version => $2, at => now(), attempts => 0, format => 1,
  event_versions => $3, event_kinds => $4, event_data => $5::json[], event_digests => $6::bytea[],
  opened_seqs => array[$2]::integer[], opened_kinds => array['tool'], opened_names => array['read_file'],
  opened_states => array['intended'], opened_effects => array['none'], opened_requests => array[$7]::json[],
  opened_decisions => array[null]::json[], opened_approvals => array[null]::uuid[],
  opened_outcomes => array[null]::json[], opened_errors => array[null]::json[],
  opened_ends => array[null]::timestamptz[], opened_compensates => array[null]::integer[])`;

const DIGEST = Buffer.alloc(32, 1);

/** A small transaction as a step of a run is one: four round trips, with or without an event. */
async function business(client: PoolClient, bench: BenchDatabase, worker: number, mode: Mode): Promise<void> {
  const version = (versions[worker] ?? 1) + 1;
  await client.query("select set_config('assent.tenant', $1, true)", [uuidOf(bench.tenant)]);
  const event =
    mode === "no events"
      ? [null, null, null, null]
      : [[version], ["step_intended"], [JSON.stringify({ step: version, ...PAYLOAD })], [DIGEST]];
  await client.query(WRITE, [runOf(worker), version, ...event, JSON.stringify(PAYLOAD)]);
  versions[worker] = version;
}

/** Switches what belongs to the evidence on or off; all else of the database stays. */
async function arrange(bench: BenchDatabase, mode: Mode): Promise<void> {
  const [tree, events] = [mode === "the evidence", mode !== "no events"].map((on) =>
    on ? "enable" : "disable",
  );
  for (const sql of [
    `alter table assent.audit_events ${tree} trigger audit_events_filed`,
    `alter table assent.steps ${tree} trigger steps_event_on_insert`,
    `alter table assent.runs ${events} trigger runs_event_on_update`,
  ])
    await bench.owner.query(sql);
}

/** Commits of each client before its time is taken: what was switched has every connection plan its statements anew. */
const WARM_COMMITS = 10;

/** A second's transactions, and processor time of one, keeping its log included. */
type Figures = { readonly perSecond: number; readonly nodeMs: number; readonly postgresMs: number };

const each = async (work: (worker: number) => Promise<void>): Promise<void> => {
  await Promise.all(Array.from({ length: CLIENTS }, async (_, worker) => await work(worker)));
};

async function round(bench: BenchDatabase, mode: Mode, seconds: number): Promise<Figures> {
  await arrange(bench, mode);
  const keeper = mode === "the evidence" ? bench.startKeeper() : null;
  const commit = async (worker: number): Promise<void> => {
    await transaction(bench.app, async (client) => await business(client, bench, worker, mode));
    keeper?.wake();
  };
  await each(async (worker) => {
    for (let i = 0; i < WARM_COMMITS; i += 1) await commit(worker);
  });
  let done = 0;
  const [node, postgres] = [process.cpuUsage(), await postgresCpuMs(bench.owner)];
  const begun = performance.now();
  const end = begun + seconds * 1_000;
  await each(async (worker) => {
    for (; performance.now() < end; done += 1) await commit(worker);
  });
  const perSecond = done / ((performance.now() - begun) / 1_000);
  // What is left is sequenced outside of the time: nothing may be lost, and the next round begins clean.
  if (keeper !== null) await drained(bench, () => keeper.wake());
  await keeper?.stop();
  const { user, system } = process.cpuUsage(node);
  const postgresMs = ((await postgresCpuMs(bench.owner)) - postgres) / done;
  return { perSecond, nodeMs: (user + system) / 1_000 / done, postgresMs };
}

/** Asked for without a pause it would cost more than what it waits for. */
const DRAIN_LOOK_MS = 25;

async function drained(bench: BenchDatabase, wake: () => void): Promise<void> {
  for (;;) {
    wake();
    const { rows } = await bench.owner.query<{ waiting: string }>(
      "select count(*) as waiting from assent.audit_inbox",
    );
    if (rows[0]?.waiting === "0") return;
    await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS));
  }
}

// Of an even number of rounds the lower of the two in the middle: not the one that flatters.
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;

export async function measureThroughput(
  bench: BenchDatabase,
  seconds: number,
  rounds: number,
): Promise<void> {
  const results = new Map<Mode, Figures[]>(MODES.map((mode) => [mode, []]));
  await round(bench, "no events", 1);
  for (let i = 0; i < rounds; i += 1)
    for (const mode of MODES) results.get(mode)?.push(await round(bench, mode, seconds));
  process.stdout.write(
    `\nsmall transactions, ${CLIENTS} clients, ${rounds} rounds of ${seconds} s, median\n`,
  );
  for (const mode of MODES) {
    const [perSecond, node, postgres] = (["perSecond", "nodeMs", "postgresMs"] as const).map((name) =>
      median((results.get(mode) ?? []).map((figures) => figures[name])),
    );
    process.stdout.write(
      `  ${mode.padEnd(18)}${perSecond?.toFixed(0).padStart(7)} a second, CPU of one ${node?.toFixed(2)} ms, Postgres ${postgres?.toFixed(2)} ms\n`,
    );
  }
  for (const base of MODES.slice(0, 2)) {
    const ratios = (results.get("the evidence") ?? []).map(
      ({ perSecond }, i) => perSecond / (results.get(base)?.[i]?.perSecond ?? 1),
    );
    process.stdout.write(`  evidence / ${base.padEnd(16)} ${median(ratios).toFixed(2)}\n`);
  }
}
