import { uuidOf } from "@assent/contract";
import type { PoolClient } from "pg";
import { transaction } from "../../src/adapters/postgres/connect.ts";
import { type BenchDatabase, CLIENTS, runOf } from "./database.ts";

const MODES = ["no events", "events, no tree", "the evidence"] as const;
type Mode = (typeof MODES)[number];

const PAYLOAD = { name: "read_file", effect: "none", text: "x".repeat(400) };
/** Of the next step of each client's run; steps are numbered without gaps. */
const versions = Array.from({ length: CLIENTS }, () => 1);

/** A small transaction as a step of a run is one: five statements, each a round trip. */
async function business(client: PoolClient, bench: BenchDatabase, worker: number, mode: Mode): Promise<void> {
  const tenant = uuidOf(bench.tenant);
  const run = runOf(worker);
  const version = (versions[worker] ?? 1) + 1;
  await client.query("select set_config('assent.tenant', $1, true)", [tenant]);
  await client.query(
    "update assent.runs set version = $3, updated_at = now() where tenant_id = $1 and id = $2",
    [tenant, run, version],
  );
  await client.query(
    `insert into assent.steps (tenant_id, run_id, seq, kind, name, state, effect, request, started_at)
     values ($1, $2, $3, 'tool', 'read_file', 'intended', 'none', $4, now())`,
    [tenant, run, version, JSON.stringify(PAYLOAD)],
  );
  if (mode !== "no events")
    await client.query(
      `insert into assent.audit_events (tenant_id, run_id, version, at, kind, data, digest)
       values ($1, $2, $3, now(), 'step_intended', $4, sha256('bench'))`,
      [tenant, run, version, JSON.stringify({ step: version, ...PAYLOAD })],
    );
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

async function round(bench: BenchDatabase, mode: Mode, seconds: number): Promise<number> {
  await arrange(bench, mode);
  const keeper = mode === "the evidence" ? bench.startKeeper() : null;
  const end = performance.now() + seconds * 1_000;
  let done = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, worker) => {
      while (performance.now() < end) {
        await transaction(bench.app, async (client) => await business(client, bench, worker, mode));
        keeper?.wake();
        done += 1;
      }
    }),
  );
  const perSecond = done / ((performance.now() - begun) / 1_000);
  // What is left is sequenced outside of the time: nothing may be lost, and the next round begins clean.
  if (keeper !== null) await drained(bench, () => keeper.wake());
  await keeper?.stop();
  return perSecond;
}

async function drained(bench: BenchDatabase, wake: () => void): Promise<void> {
  for (;;) {
    wake();
    const { rows } = await bench.owner.query<{ waiting: string }>(
      "select count(*) as waiting from assent.audit_inbox",
    );
    if (rows[0]?.waiting === "0") return;
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
  const results = new Map<Mode, number[]>(MODES.map((mode) => [mode, []]));
  await round(bench, "no events", 1);
  for (let i = 0; i < rounds; i += 1)
    for (const mode of MODES) results.get(mode)?.push(await round(bench, mode, seconds));
  process.stdout.write(
    `\nsmall transactions, ${CLIENTS} clients, ${rounds} rounds of ${seconds} s, median\n`,
  );
  for (const mode of MODES)
    process.stdout.write(
      `  ${mode.padEnd(18)}${median(results.get(mode) ?? [])
        .toFixed(0)
        .padStart(7)} a second\n`,
    );
  for (const base of MODES.slice(0, 2)) {
    const ratios = (results.get("the evidence") ?? []).map(
      (value, i) => value / (results.get(base)?.[i] ?? 1),
    );
    process.stdout.write(`  evidence / ${base.padEnd(16)} ${median(ratios).toFixed(2)}\n`);
  }
}
