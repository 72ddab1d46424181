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
import { until } from "../../support/until.ts";
import { whereIdle } from "../../support/where-idle.ts";

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

/**
 * The sequence of Thue and Morse: half of all, never more than two in a row, and no period. Every other one would be met by the same
 * of two who take turns (who repeats a commit, and who looks for work) for as long as they do.
 */
const isHalf = (commit: number): boolean => {
  let ones = 0;
  for (let rest = commit; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones % 2 === 1;
};

test.for(["before", "after"] as const)(
  "a run whose commits break off %s they were kept, half of them, ends with each event and effect once",
  async (when) => {
    await using engine = await openEngine();
    await using faulty = breakCommits(engine, when, isHalf);
    const id = await engine.submit();
    const worker = await engine.startWorker({ store: faulty.store });
    const run = await engine.reachesWhile(id, whereIdle(engine, id, 5_000), "succeeded");
    await worker.stop();
    expect(faulty.fired()).toBeGreaterThan(3);
    expect(run.steps.map(({ kind, state }) => `${kind} ${state}`)).toEqual([
      "model succeeded",
      "finalise succeeded",
    ]);
    expect(run.artifacts).toHaveLength(1);
  },
);

const releases = async (engine: Engine, id: RunId): Promise<unknown[]> => {
  const events = await engine.store.transaction(engine.tenant, async (tx) => await tx.audit.list(id, 0, 50));
  return events.flatMap(({ kind, data }) => (kind === "run_released" ? [data["reason"]] : []));
};

test("a worker that never hears that it was given a run gives it back, long before its lease is over", async () => {
  await using engine = await openEngine();
  await using faulty = breakCommits(engine, "after", (commit) => commit === 1);
  const id = await engine.submit();
  await engine.startWorker({ store: faulty.store, lookEveryMs: 100 });
  const run = await engine.reaches(id, "succeeded");
  expect(faulty.fired()).toBe(1);
  expect(await releases(engine, id)).toEqual(["lease_unheard"]);
  // Of the two leases one led to nothing, and none of it was begun twice.
  expect(run.steps.map(({ kind, state }) => `${kind} ${state}`)).toEqual([
    "model succeeded",
    "finalise succeeded",
  ]);
});

test("a run that broke off while the database was away is given back when it is there again", async () => {
  await using engine = await openEngine();
  let asked = 0;
  // What this worker writes first, and that it sets the run aside: neither gets through.
  const unlessAway = async <T>(work: () => Promise<T>): Promise<T> => {
    asked += 1;
    if (asked <= 2) throw new StoreUnavailable("none", new Error("away"));
    return await work();
  };
  const store: Store = {
    ...engine.store,
    writeHeld: async (...given) => await unlessAway(async () => await engine.store.writeHeld(...given)),
    transaction: async (tenant, work, options) =>
      await unlessAway(async () => await engine.store.transaction(tenant, work, options)),
  };
  const id = await engine.submit();
  await engine.startWorker({ store });
  await engine.reaches(id, "succeeded");
  expect(await releases(engine, id)).toEqual(["lease_unheard"]);
});

test("a run whose answer is only on its way is in good hands, and is not given back", async () => {
  await using engine = await openEngine();
  const taken = Promise.withResolvers<void>();
  const listed = Promise.withResolvers<void>();
  let takes = 0;
  const givenBack: Promise<unknown>[] = [];
  const store: Store = {
    ...engine.store,
    take: async (...given) => {
      takes += 1;
      if (takes === 1) throw new StoreUnavailable("unknown", new Error("the answer was lost"));
      const answer = await engine.store.take(...given);
      if (answer === null) return answer;
      taken.resolve();
      await listed.promise;
      await Promise.all(givenBack);
      return answer;
    },
    leasesOf: async (worker) => {
      await taken.promise;
      const leases = await engine.store.leasesOf(worker);
      // Whoever gave back at once would have begun to by then.
      setImmediate(() => {
        listed.resolve();
      });
      return leases;
    },
    transaction: async (tenant, work, options) => {
      const done = engine.store.transaction(tenant, work, options);
      givenBack.push(done);
      return await done;
    },
  };
  await engine.startWorker({ store });
  const first = await until("the first answer is lost", () => takes > 0);
  expect(first).toBe(true);
  const id = await engine.submit();
  await engine.reaches(id, "succeeded");
  expect(await releases(engine, id)).toEqual([]);
});

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
