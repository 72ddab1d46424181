// Faults in the database of a target, put there by the role that owns the schema: a trigger on each table that holds
// what belongs to a run counts statements outside of any transaction, and does to the k-th what it is told.

import { kill } from "node:process";
import type { ArmedFault, DatabaseBench, StatementFault } from "@assent/suite";
import { DatabaseError, type Pool, type PoolClient } from "pg";
import { connectPool } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import type { EmbeddedServer } from "../../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { until } from "../until.ts";
import { CONTRADICTIONS } from "./contradictions.ts";

const TABLES = ["runs", "steps", "approvals", "artifacts", "audit_events", "idempotency_keys"] as const;
/** Whose rows are also struck when their transaction commits. */
const COMMITTED = ["runs", "idempotency_keys"] as const;

/** Advisory locks of this bench, of a class that nobody else has. */
const LOCKS = { classId: 0x5355_4954, held: 1, first: 2, second: 3 } as const;

const CODES: Partial<Record<StatementFault, string>> = {
  broken: "58030",
  full: "53100",
  conflict: "40001",
  late: "55P03",
};

// The function runs as whoever made the statement: only a role's own connections may be ended by it.
const INSTALL = [
  `create sequence if not exists assent.suite_statements`,
  `create sequence if not exists assent.suite_strikes`,
  `create table if not exists assent.suite_armed (fault text not null, code text, first bigint not null, last bigint not null)`,
  `grant select on assent.suite_armed to assent_app`,
  `grant usage on assent.suite_statements, assent.suite_strikes to assent_app`,
  `create or replace function assent.suite_strike() returns trigger language plpgsql as $$
   declare
     at bigint := nextval('assent.suite_statements');
     armed record;
   begin
     select * into armed from assent.suite_armed where at between first and last;
     if not found then return null; end if;
     perform nextval('assent.suite_strikes');
     if armed.code is not null then
       raise exception using errcode = armed.code, message = 'a fault of the suite';
     elsif armed.fault = 'cut' then
       perform pg_terminate_backend(pg_backend_pid());
       perform pg_sleep(1);
     elsif armed.fault = 'deadlock' then
       perform pg_advisory_xact_lock(${LOCKS.classId}, ${LOCKS.first});
       perform pg_advisory_xact_lock(${LOCKS.classId}, ${LOCKS.second});
     elsif armed.fault = 'held' then
       perform pg_advisory_xact_lock_shared(${LOCKS.classId}, ${LOCKS.held});
     end if;
     return null;
   end $$`,
  ...TABLES.map(
    (table) => `create or replace trigger a_suite_strike before insert or update or delete on assent.${table}
      for each statement execute function assent.suite_strike()`,
  ),
  ...COMMITTED.flatMap((table) => [
    `drop trigger if exists z_suite_strike on assent.${table}`,
    `create constraint trigger z_suite_strike after insert or update on assent.${table}
      deferrable initially deferred for each row execute function assent.suite_strike()`,
  ]),
] as const;

/** Postgres gives its processes this long to end at once, then ends them by force: longer is nothing held. */
const DOWN_MS_MAX = 4_500;

type Bench = {
  readonly pool: Pool;
  /** Holds advisory locks; ended with all it holds. */
  holder: PoolClient | null;
  installed: boolean;
};

const GONE = /^(?:57P0[1-3]|08...)$/;

/** Asks again while the database is being started: who looks from outside has time. */
async function query<Row extends object>(
  { pool }: Bench,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  return await until("the database answers", async () => {
    try {
      return (await pool.query<Row>(text, [...values])).rows;
    } catch (error) {
      if (error instanceof DatabaseError && !GONE.test(error.code ?? "")) throw error;
      return undefined;
    }
  });
}

async function install(bench: Bench): Promise<void> {
  if (bench.installed) return;
  for (const statement of INSTALL) await query(bench, statement);
  bench.installed = true;
}

function letGo(bench: Bench): void {
  bench.holder?.release(true);
  bench.holder = null;
}

async function hold(bench: Bench, ...locks: readonly number[]): Promise<PoolClient> {
  const holder = await bench.pool.connect();
  // A database that is stopped is what this is for.
  holder.on("error", () => undefined);
  bench.holder = holder;
  for (const lock of locks) await holder.query("select pg_advisory_lock($1, $2)", [LOCKS.classId, lock]);
  return holder;
}

async function waiters(bench: Bench, lock: number): Promise<number> {
  const rows = await query<{ waiting: number }>(
    bench,
    `select count(*)::int as waiting from pg_locks
     where locktype = 'advisory' and not granted and classid = $1 and objid = $2
       and database = (select oid from pg_database where datname = current_database())`,
    [LOCKS.classId, lock],
  );
  return rows[0]?.waiting ?? 0;
}

// Whoever waits first looks for the circle first, so that it is the target's statement that Postgres gives up.
async function closeCircle(bench: Bench, holder: PoolClient): Promise<void> {
  try {
    await until("a statement waits", async () => (await waiters(bench, LOCKS.second)) > 0);
    await holder.query("select pg_advisory_lock($1, $2)", [LOCKS.classId, LOCKS.first]);
  } catch {
    // Disarmed before anybody came, or given up in the target's place: nothing is held any more either way.
  }
  if (bench.holder === holder) letGo(bench);
}

async function arm(bench: Bench, armed: ArmedFault | null): Promise<void> {
  await install(bench);
  letGo(bench);
  if (armed?.fault === "held") await hold(bench, LOCKS.held);
  if (armed?.fault === "deadlock") void closeCircle(bench, await hold(bench, LOCKS.second));
  await query(bench, "delete from assent.suite_armed");
  await query(
    bench,
    "select setval('assent.suite_statements', 1, false), setval('assent.suite_strikes', 1, false)",
  );
  if (armed === null) return;
  await query(bench, "insert into assent.suite_armed values ($1, $2, $3, $4)", [
    armed.fault,
    CODES[armed.fault] ?? null,
    armed.from,
    armed.to,
  ]);
}

async function counted(bench: Bench, sequence: "suite_statements" | "suite_strikes"): Promise<number> {
  const rows = await query<{ n: string }>(
    bench,
    `select case when is_called then last_value else 0 end as n from assent.${sequence}`,
  );
  return Number(rows[0]?.n ?? 0);
}

async function whileLocked({ pool }: Bench, work: () => Promise<void>): Promise<void> {
  const client = await pool.connect();
  client.on("error", () => undefined);
  try {
    await client.query("begin");
    // Against writing only: who may not even look waits before they hold a connection of their own.
    await client.query("lock table assent.runs in share row exclusive mode");
    await work();
  } finally {
    // With its connection goes its lock.
    client.release(true);
  }
}

/**
 * Immediate shutdown, as `pg_ctl -m immediate`: no transaction is ended in order. One process of Postgres is frozen
 * meanwhile, and without it the shutdown is not complete, so that nobody starts it again before `work` has seen it.
 */
async function restart({ pool }: Bench, server: EmbeddedServer, work: () => Promise<void>): Promise<void> {
  const frozen = await pool.connect();
  frozen.on("error", () => undefined);
  const { rows } = await frozen.query<{ pid: number }>("select pg_backend_pid() as pid");
  const pid = rows[0]?.pid;
  if (pid === undefined) throw new Error("a connection has a process");
  kill(pid, "SIGSTOP");
  const startedAt = performance.now();
  try {
    kill(server.serverPid, "SIGQUIT");
    await work();
  } finally {
    if (performance.now() - startedAt < DOWN_MS_MAX) kill(pid, "SIGCONT");
    frozen.release(true);
  }
}

/** @param server the target's own: it is this that is stopped */
export function databaseBench(server: EmbeddedServer, started: AsyncDisposableStack): DatabaseBench {
  const pool = connectPool({ connection: server.connection("owner"), role: "owner", connectionsMax: 4 });
  const bench: Bench = { pool, holder: null, installed: false };
  started.defer(async () => {
    letGo(bench);
    await pool.end();
  });
  return {
    arm: async (armed) => await arm(bench, armed),
    disarm: async () => {
      if (bench.installed) await query(bench, "delete from assent.suite_armed");
      letGo(bench);
    },
    count: async () => await counted(bench, "suite_statements"),
    fired: async () => await counted(bench, "suite_strikes"),
    held: async () => await waiters(bench, LOCKS.held),
    contradictions: async () => {
      const found: string[] = [];
      for (const [what, sql] of CONTRADICTIONS) {
        const rows = await query(bench, `${sql} limit 1`);
        if (rows.length > 0) found.push(what);
      }
      return found;
    },
    whileLocked: async (work) => await whileLocked(bench, work),
    restart: async (whileDown) => await restart(bench, server, whileDown),
  };
}
