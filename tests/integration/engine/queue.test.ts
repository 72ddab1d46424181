// The queue is the run's own row: what is queued is taken once, in turn, by whoever understands it, and nothing that
// cannot be taken stands in the way of the rest.

import { type RunId, uuidOf } from "@assent/contract";
import { expect, test } from "vitest";
import { eventDigest } from "../../../packages/harness/src/core/audit/event.ts";
import { type Caller, TakeFailed } from "../../../packages/harness/src/ports.ts";
import { answering, type Engine, openEngine, value } from "../../support/engine.ts";
import { poisonJournal } from "../../support/poison-journal.ts";
import { until } from "../../support/until.ts";

async function submitAs(engine: Engine, caller: Caller, count: number): Promise<RunId[]> {
  return await Promise.all(
    Array.from({ length: count }, async (_, index) =>
      value(
        await engine.harness.submitRun(
          caller,
          { agent: "tester", task: "Do it." },
          `${caller.actor.name}-${index}`,
        ),
      ),
    ),
  ).then((all) => all.map(({ runId }) => runId));
}

type Row = { readonly id: string; readonly state: string; readonly fencing_token: string };

const rowsOf = async (engine: Engine, order: string): Promise<Row[]> =>
  (
    await engine.database
      .ownerPool()
      .query<Row>(
        `select 'run_' || replace(id::text, '-', '') as id, state, fencing_token from assent.runs ${order}`,
      )
  ).rows;

const allEnded = async (engine: Engine): Promise<Row[] | undefined> => {
  const rows = await rowsOf(engine, "order by finished_at, updated_at");
  return rows.every(({ state }) => state === "succeeded") ? rows : undefined;
};

test("tenants take turns: three runs of one do not wait for forty of another that were queued before", async () => {
  await using engine = await openEngine();
  const crowd = await engine.newCaller("crowd", "crowd");
  const few = await engine.newCaller("few", "few");
  await submitAs(engine, crowd, 40);
  const patient = new Set<string>(await submitAs(engine, few, 3));
  await engine.startWorker({ runsMax: 1 });
  const ended = await until("all have ended", async () => await allEnded(engine));
  const places = ended.flatMap(({ id }, index) => (patient.has(id) ? [index] : []));
  expect(places).toHaveLength(3);
  // One of the crowd before each of theirs, and one that was under way already.
  expect(places.every((place, index) => place <= 2 * index + 2)).toBe(true);
});

test("of three workers each run is taken by one, once", async () => {
  await using engine = await openEngine();
  await submitAs(engine, engine.caller, 30);
  for (let index = 0; index < 3; index += 1) await engine.startWorker();
  const ended = await until("all have ended", async () => await allEnded(engine));
  expect(ended).toHaveLength(30);
  expect(new Set(ended.map((row) => row.fencing_token))).toEqual(new Set(["1"]));
});

test("a run that cannot even be read holds up nobody, and ends as a dead letter that says so", async () => {
  await using engine = await openEngine();
  const poisoned = await engine.submit();
  await poisonJournal(engine, poisoned);
  const healthy = await submitAs(engine, engine.caller, 5);
  await engine.startWorker();
  for (const id of healthy) await engine.reaches(id, "succeeded");
  const parked = await until("the poisoned run is parked", async () => {
    // Only while nobody has it, nor can take it yet: whom its lease runs out under gives another reason.
    const { rowCount } = await engine.database
      .ownerPool()
      .query("select from assent.runs where id = $1 and state = 'queued' and wake_at > $2", [
        uuidOf(poisoned),
        engine.clock.now(),
      ]);
    if (rowCount === 1) engine.clock.advance(400_000);
    const [row] = await rowsOf(engine, `where state = 'dead_lettered'`);
    return row;
  });
  expect(parked.id).toBe(poisoned);
  const reason = await engine.database
    .ownerPool()
    .query("select reason_code, reason_detail from assent.runs where state = 'dead_lettered'");
  expect(reason.rows).toEqual([
    {
      reason_code: "attempts_exhausted",
      reason_detail:
        "20 attempts ended without any step ending. Last reason: The worker could not go on with the run (AssertionFailed).",
    },
  ]);
});

test("a run that the database itself does not let be leased stands in nobody's way, nor does its tenant", async () => {
  await using engine = await openEngine();
  const id = await engine.submit();
  const owner = engine.database.ownerPool();
  await owner.query(
    `create function public.refuse_lease() returns trigger language plpgsql as $$
     begin raise exception 'not this one' using errcode = 'AS001'; end $$`,
  );
  await owner.query(
    `create trigger refuse_lease before update on assent.runs for each row
     when (new.task = 'Refuse.' and new.state = 'running') execute function public.refuse_lease()`,
  );
  const refused = await engine.submit("Refuse.");
  const take = async (after: Caller["tenant"] | null): ReturnType<typeof engine.store.take> =>
    await engine.store.take(
      { after, now: engine.clock.now() },
      { worker: 7, until: new Date(engine.clock.now().getTime() + 30_000), attemptsMax: 5 },
    );
  expect(await take(null)).toMatchObject({
    id,
    whole: { run: { state: "running", attempt: 1, fencingToken: 1 } },
  });
  const error = await take(null).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TakeFailed);
  // It says whose run it is, so that it is the next one's turn, and holds no lease.
  expect(error).toMatchObject({
    run: refused,
    tenant: engine.tenant,
    token: undefined,
    cause: { message: "not this one" },
  });
  expect(await engine.run(refused)).toMatchObject({ status: "queued", attempt: 0, version: 1 });
});

test("what the database records of a lease is digested as every event is", async () => {
  await using engine = await openEngine();
  const id = await engine.submit();
  engine.clock.advance(7);
  await engine.store.take(
    { after: null, now: engine.clock.now() },
    { worker: 123, until: engine.clock.now(), attemptsMax: 1 },
  );
  const events = await engine.store.transaction(engine.tenant, async (tx) => await tx.audit.list(id, 0, 10));
  expect(events.map(({ kind }) => kind)).toEqual(["run_queued", "run_leased"]);
  for (const { digest, ...event } of events) expect(eventDigest(event)).toBe(digest);
  expect(events[1]?.data).toEqual({ state: "running", worker: 123, fencing_token: 1, attempt: 1 });
});

test("a run to which another transaction adds something is not passed over", async () => {
  await using engine = await openEngine();
  const id = await engine.submit();
  const client = await engine.database.ownerPool().connect();
  try {
    await client.query("begin");
    // As the check of a reference locks it.
    await client.query("select from assent.runs for key share");
    const taken = await engine.store.take(
      { after: null, now: engine.clock.now() },
      { worker: 7, until: engine.clock.now(), attemptsMax: 5 },
    );
    expect(taken).toMatchObject({ id });
  } finally {
    await client.query("rollback");
    client.release();
  }
});

test("a run that another transaction has locked, and leaves as it is, is said to be there", async () => {
  await using engine = await openEngine();
  const take = async (): ReturnType<typeof engine.store.take> =>
    await engine.store.take(
      { after: null, now: engine.clock.now() },
      { worker: 7, until: engine.clock.now(), attemptsMax: 5 },
    );
  expect(await take()).toBeNull();
  const id = await engine.submit();
  await engine.store.transaction(engine.tenant, async (tx) => {
    await tx.runs.lock(id);
    expect(await take()).toBe("locked");
  });
  // What is not due is not waited for.
  engine.clock.advance(-1_000);
  expect(await take()).toBeNull();
  engine.clock.advance(1_000);
  expect(await take()).toMatchObject({ id });
});

test("a worker whose part throws sets the run aside with a pause, and serves the others", async () => {
  let isBroken = true;
  await using engine = await openEngine({
    models: {
      check: () => ({ ok: true, value: null }),
      call: async (call, signal) => {
        if (isBroken) throw new TypeError("a bug of ours");
        return await answering(() => ({ text: "done" })).call(call, signal);
      },
    },
  });
  const id = await engine.submit();
  await engine.startWorker();
  const set = await until("it is set aside", async () => {
    const run = await engine.run(id);
    return run.status === "queued" && run.attempt > 0 ? run : undefined;
  });
  expect(set.reason).toEqual({
    code: "worker_failed",
    detail: "The worker could not go on with the run (TypeError).",
  });
  isBroken = false;
  engine.clock.advance(60_000);
  expect((await engine.reaches(id, "succeeded")).status).toBe("succeeded");
});

test("what a newer program queued waits for one, and is neither run nor lost", async () => {
  await using engine = await openEngine();
  const [newer] = await submitAs(engine, engine.caller, 1);
  if (newer === undefined) throw new Error("it was submitted");
  const setVersion = async (version: number): Promise<void> => {
    await engine.database
      .ownerPool()
      .query("update assent.runs set message_version = $1 where state = 'queued'", [version]);
  };
  await setVersion(2);
  const older = await engine.submit();
  await engine.startWorker();
  await engine.reaches(older, "succeeded");
  engine.clock.advance(600_000);
  expect(await engine.sweep()).toBe(0);
  expect(await engine.run(newer)).toMatchObject({ status: "queued", attempt: 0 });
  await setVersion(1);
  engine.clock.advance(10_000);
  await engine.reaches(newer, "succeeded");
});

test("a worker that stops takes nothing any more; the next one goes on", async () => {
  await using engine = await openEngine();
  const first = await engine.startWorker();
  await first.stop();
  const id = await engine.submit();
  expect((await engine.run(id)).status).toBe("queued");
  await engine.startWorker();
  await engine.reaches(id, "succeeded");
});

test("a model call that is cut off because its worker stops is no warning, and the next worker makes it", async () => {
  const asked = Promise.withResolvers<undefined>();
  let calls = 0;
  await using engine = await openEngine({
    models: answering(
      () => (calls === 1 ? "hang" : { text: "done" }),
      () => {
        calls += 1;
        asked.resolve(undefined);
      },
    ),
  });
  const first = await engine.startWorker();
  const id = await engine.submit();
  await asked.promise;
  await first.stop();
  expect(engine.logged.filter((line) => line.includes('"level":"warn"'))).toEqual([]);
  expect(engine.logged.filter((line) => line.includes("model call given up"))).toHaveLength(1);
  await engine.startWorker();
  await engine.reaches(id, "succeeded");
});
