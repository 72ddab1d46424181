// What the database does to us: deadlocks, cut connections, commits whose answer is lost, no connection left. Whole
// transactions are run again, nothing is half there, and nothing is there twice.

import { expect, test } from "vitest";
import type { Pool, PoolClient } from "pg";
import { connectPool } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { postgresStore } from "../../../packages/harness/src/adapters/postgres/store.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import type { RunId } from "@assent/contract";
import { advanceRun, claimRun } from "../../../packages/harness/src/services/orchestrator.ts";
import { type Store, StoreUnavailable } from "../../../packages/harness/src/ports.ts";
import { type Engine, openEngine } from "../../support/engine.ts";
import { anySealing } from "../../support/sealing.ts";

type Faulty = AsyncDisposable & { readonly store: Store; readonly pool: Pool; readonly fired: () => number };

/** Under a lease, and for a submission, one statement is the whole transaction. */
const commitsBy = (sent: unknown): boolean =>
  sent === "COMMIT" ||
  (typeof sent === "object" &&
    sent !== null &&
    "text" in sent &&
    /assent\.(?:hold_run|begin_call|submit_run|take_leased)\(/u.test(String(sent.text)));

/**
 * A store of its own on the engine's database whose connections break in the middle of COMMIT.
 * @param when before the server has heard of it, or after it has committed
 * @param breaks which commits, counted from 1
 */
function breakCommits(engine: Engine, when: "before" | "after", breaks: (commit: number) => boolean): Faulty {
  const pool = connectPool({ connection: engine.database.app, role: "app", connectionsMax: 4 });
  let fired = 0;
  let commits = 0;
  pool.on("connect", (client: PoolClient) => {
    const query: (...args: never[]) => Promise<unknown> = client.query.bind(client);
    const broken = async (...args: never[]): Promise<unknown> => {
      const [sent] = args as unknown[];
      if (!commitsBy(sent)) return await query(...args);
      commits += 1;
      if (!breaks(commits)) return await query(...args);
      fired += 1;
      if (when === "after") await query(...args);
      throw Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
    };
    Object.assign(client, { query: broken });
  });
  const { clock } = engine;
  return {
    pool,
    store: postgresStore({
      pool,
      wakeUps: { ring: () => undefined },
      clock,
      random: systemRandom,
      sealing: anySealing(pool),
    }),
    fired: () => fired,
    [Symbol.asyncDispose]: async () => {
      await pool.end();
    },
  };
}

const countRuns = async (engine: Engine): Promise<number> =>
  Number((await engine.database.ownerPool().query("select count(*)::int as n from assent.runs")).rows[0].n);

test.for(["before", "after"] as const)(
  "a run whose every commit breaks off %s it was kept ends with each event and effect once",
  async (when) => {
    await using engine = await openEngine();
    await using faulty = breakCommits(engine, when, (commit) => commit % 2 === 1);
    const id = await engine.submit();
    const worker = await engine.startWorker({ store: faulty.store });
    // A claim whose commit is unknown is left to the lease's end.
    const run = await engine.reachesWhile(
      id,
      async () => {
        // In steps that leave time for repetitions before the lease ends, while there is one.
        const { status } = await engine.run(id);
        engine.clock.advance(status === "queued" ? 5_000 : 1_000);
        await engine.sweep();
      },
      "succeeded",
    );
    await worker.stop();
    expect(faulty.fired()).toBeGreaterThan(3);
    expect(run.steps.map(({ kind, state }) => `${kind} ${state}`)).toEqual([
      "model succeeded",
      "finalise succeeded",
    ]);
    expect(run.artifacts).toHaveLength(1);
  },
);

test("an end whose commit breaks off after it was kept is found to be kept, by whoever commits it again", async () => {
  await using engine = await openEngine();
  // Before it come a look at the provider, the model's call, and what is written at the end.
  await using faulty = breakCommits(engine, "after", (commit) => commit === 4);
  const id = await engine.submit();
  const claimed = await claimRun(engine.ports, 1, engine.tenant, id);
  if (claimed === null) throw new Error("the claim succeeds");
  const never = new AbortController().signal;
  await advanceRun({ ...engine.ports, store: faulty.store }, claimed, never, never);
  expect(faulty.fired()).toBe(1);
  const ended = await engine.run(id);
  expect([ended.status, ended.artifacts.length]).toEqual(["succeeded", 1]);
});

test("a submission whose commit breaks off after it was kept is one run, and its answer the first one", async () => {
  await using engine = await openEngine();
  await using again = breakCommits(engine, "after", (commit) => commit % 2 === 1);
  const harness = engine.again({ store: again.store });
  const submitted = await harness.submitRun(engine.caller, { agent: "tester", task: "Once." }, "the-key");
  expect(again.fired()).toBe(1);
  expect(submitted).toMatchObject({ ok: true, value: { replayed: true } });
  expect(await countRuns(engine)).toBe(1);
});

test("what cannot find out whether it was committed is not run again, and says so", async () => {
  await using engine = await openEngine();
  await using faulty = breakCommits(engine, "after", (commit) => commit === 1);
  let runs = 0;
  const failing = faulty.store.transaction(engine.tenant, async (tx) => {
    runs += 1;
    return await tx.keys.list();
  });
  const error = await failing.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(StoreUnavailable);
  expect(error).toMatchObject({ commit: "unknown" });
  expect(runs).toBe(1);
});

test("two that lock each other's runs both get through: the loser is run again, whole", async () => {
  await using engine = await openEngine();
  const ids = [await engine.submit(), await engine.submit()];
  const met = Promise.withResolvers<undefined>();
  let firsts = 0;
  let attempts = 0;
  const lockBoth = async (order: readonly RunId[]): Promise<void> => {
    await engine.store.transaction(engine.tenant, async (tx) => {
      attempts += 1;
      const [first, second] = order;
      if (first === undefined || second === undefined) throw new Error("two runs");
      await tx.runs.lock(first);
      firsts += 1;
      if (firsts === 2) met.resolve(undefined);
      await met.promise;
      await tx.runs.lock(second);
    });
  };
  await Promise.all([lockBoth(ids), lockBoth(ids.toReversed())]);
  // The deadlock did happen.
  expect(attempts).toBe(3);
});

test("a connection that is cut in the middle of a transaction: it is run again on another, once", async () => {
  await using engine = await openEngine();
  const id = await engine.submit();
  let attempts = 0;
  const before = await engine.run(id);
  await engine.store.transaction(engine.tenant, async (tx) => {
    attempts += 1;
    const run = await tx.runs.lock(id);
    if (run === null) throw new Error("it is there");
    if (attempts === 1) {
      await engine.database.appPool().query(
        `select pg_terminate_backend(a.pid) from pg_stat_activity a
         where a.datname = current_database() and a.state = 'idle in transaction'`,
      );
    }
    await tx.runs.renew({ tenant: engine.tenant, run: id, token: run.fencingToken }, run.updatedAt);
  });
  expect(attempts).toBe(2);
  expect(await engine.run(id)).toEqual(before);
});

test("without a free connection nothing is ready and nothing hangs; with one it is ready again", async () => {
  await using engine = await openEngine();
  const pool = connectPool({ connection: engine.database.app, role: "app", connectionsMax: 2 });
  const harness = engine.again({
    store: postgresStore({
      pool,
      wakeUps: { ring: () => undefined },
      clock: engine.clock,
      random: systemRandom,
      sealing: anySealing(pool),
    }),
  });
  const held = [await pool.connect(), await pool.connect()];
  const asked = harness.readiness();
  engine.clock.advance(3_000);
  expect(await asked).toMatchObject({ database: false });
  for (const client of held) client.release();
  expect(await harness.readiness()).toMatchObject({ database: true });
  await pool.end();
});
