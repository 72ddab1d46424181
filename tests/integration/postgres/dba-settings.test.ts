// What whoever runs the Postgres sets for everybody: formats, zones, limits, a time without writing. The service works as
// ever, or says that it cannot, and comes back by itself.

import { expect, test } from "vitest";
import { checkSessions } from "../../../packages/harness/src/adapters/postgres/given.ts";
import { ok } from "../../../packages/harness/src/base/result.ts";
import type { Policies } from "../../../packages/harness/src/core/decide/policy-point.ts";
import { StoreUnavailable } from "../../../packages/harness/src/ports.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import { answering, countingTool, type Engine, openEngine, value } from "../../support/engine.ts";
import { openPoolingProxy } from "../../support/pooling-proxy.ts";
import { until } from "../../support/until.ts";
import { whereIdle } from "../../support/where-idle.ts";

async function setForAll(database: ThrowAwayDatabase, settings: readonly string[]): Promise<void> {
  for (const setting of settings)
    await database.ownerPool().query(`alter database ${database.name} set ${setting}`);
}

const asking: Policies = {
  version: `sha256:${"3".repeat(64)}`,
  rules: [],
  decide: () => ({
    verdict: "needs_approval",
    reasons: [{ code: "ask", detail: "Money." }],
    assent: { quorum: 1, separateDuties: false, timeoutMs: 3_600_000, onTimeout: "deny" },
  }),
};

/** Everything that the defaults of a session could change: how times are read and written, what a statement may do. */
const FOREIGN = [
  "datestyle = 'German, DMY'",
  "intervalstyle = 'sql_standard'",
  "timezone = 'Pacific/Auckland'",
  "bytea_output = 'escape'",
  "extra_float_digits = -15",
  "default_transaction_isolation = 'serializable'",
  "default_transaction_deferrable = on",
  "statement_timeout = '1ms'",
  "lock_timeout = '1ms'",
  "idle_in_transaction_session_timeout = '1ms'",
  "idle_session_timeout = '1ms'",
  "row_security = off",
  "search_path = ''",
  "array_nulls = off",
  "transform_null_equals = on",
  "plan_cache_mode = 'force_generic_plan'",
];

test("a run is carried out as ever under the strangest defaults of a database", async () => {
  const database = await connectThrowAwayDatabase();
  await setForAll(database, FOREIGN);
  const tool = countingTool("pay", "once");
  await using engine = await openEngine({
    database,
    tools: [tool],
    policies: asking,
    models: answering((turn) =>
      turn === 0 ? { calls: [{ id: "c", tool: "pay", arguments: { amount: 1 } }] } : { text: "Paid." },
    ),
  });
  await engine.startWorker();
  const before = engine.clock.now().getTime();
  const id = await engine.submit();
  const waiting = await engine.reaches(id, "awaiting_approval");
  const [open] = waiting.approvals;
  if (open === undefined) throw new Error("somebody is asked");
  value(
    await engine.harness.decide(engine.caller, {
      approval_id: open.id,
      action_digest: open.action_digest,
      decision: "approve",
    }),
  );
  const run = await engine.reaches(id, "succeeded", "failed", "dead_lettered");
  expect([run.status, tool.effects.length]).toEqual(["succeeded", 1]);
  // Times are what they were, to the millisecond and in their zone.
  const times = [run.created_at, open.requested_at, run.finished_at ?? ""].map((at) => Date.parse(at));
  expect(times.toSorted((a, b) => a - b)).toEqual(times);
  expect(Math.abs((times[0] ?? 0) - before)).toBeLessThan(60_000);
  expect(Date.parse(open.expires_at) - Date.parse(open.requested_at)).toBe(3_600_000);
});

/** Takes writing away from everybody, or gives it back: sessions that there are end, as with a server's change of role. */
async function setReadOnly(database: ThrowAwayDatabase, isOn: boolean): Promise<void> {
  const client = await database.ownerPool().connect();
  await client.query("begin read write");
  await client.query(`alter database ${database.name} set default_transaction_read_only = ${String(isOn)}`);
  await client.query("commit");
  client.release(true);
  await database
    .appPool()
    .query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and usename = current_user order by pid = pg_backend_pid()`,
    )
    .catch(() => undefined);
}

async function readyAgain(engine: Engine, isReady: boolean): Promise<boolean> {
  return (await engine.harness.readiness()).database === isReady;
}

test("a database that takes no writes for a while: it is said, nothing is lost, and it goes on by itself", async () => {
  const tool = countingTool("pay", "once");
  const called = Promise.withResolvers<undefined>();
  const goOn = Promise.withResolvers<undefined>();
  const script = answering((turn) =>
    turn === 0 ? { calls: [{ id: "c", tool: "pay", arguments: {} }] } : { text: "Paid." },
  );
  await using engine = await openEngine({
    tools: [tool],
    policies: {
      ...asking,
      decide: () => ({ verdict: "permit", reasons: [{ code: "ok", detail: "All." }], assent: null }),
    },
    models: {
      check: () => ok(null),
      call: async (call, signal) => {
        called.resolve(undefined);
        await goOn.promise;
        return await script.call(call, signal);
      },
    },
  });
  const worker = await engine.startWorker();
  const id = await engine.submit();
  await called.promise;
  await setReadOnly(engine.database, true);
  await until("it is not ready", async () => await readyAgain(engine, false));
  goOn.resolve(undefined);
  const request = { agent: "tester", task: "Later." };
  let refused: unknown = null;
  void engine
    .again()
    .submitRun(engine.caller, request, "later")
    .catch((error: unknown) => {
      refused = error;
    });
  await until("the server and the worker have met it", async () => {
    // Their pauses pass sooner.
    engine.clock.advance(2_000);
    const isMet = engine.logged.some((line) => line.includes("read-only transaction"));
    return await Promise.resolve(refused !== null && isMet);
  });
  expect(refused).toBeInstanceOf(StoreUnavailable);
  expect(refused).toMatchObject({ commit: "none" });
  await setReadOnly(engine.database, false);
  await until("it is ready", async () => await readyAgain(engine, true));
  const run = await engine.reachesWhile(
    id,
    whereIdle(engine, id, 5_000),
    "succeeded",
    "failed",
    "dead_lettered",
  );
  expect([run.status, tool.effects.length]).toEqual(["succeeded", 1]);
  expect((await engine.again().submitRun(engine.caller, request, "later")).ok).toBe(true);
  await worker.stop();
});

test("behind a pooler that lends a session for each transaction nothing is started; one that lends it whole will do", async () => {
  await using database = await connectThrowAwayDatabase();
  await setForAll(database, ["synchronous_commit = on"]);
  for (const [mode, expected] of [
    ["transaction", { ok: false, error: { reason: "sessions_pooled" } }],
    ["session", { ok: true }],
  ] as const) {
    await using pooler = await openPoolingProxy(database.app, mode);
    const checked = await checkSessions(pooler.connection, "DATABASE_URL");
    expect({ mode, ...checked }).toMatchObject({ mode, ...expected });
  }
  expect(await checkSessions(database.app, "DATABASE_URL")).toMatchObject({ ok: true });
});
