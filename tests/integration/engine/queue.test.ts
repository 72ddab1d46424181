// The queue is the run's own row: what is queued is taken once, in turn, by whoever understands it, and nothing that
// cannot be taken stands in the way of the rest.

import type { RunId } from "@assent/contract";
import { expect, test } from "vitest";
import type { Caller } from "../../../packages/harness/src/ports.ts";
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
    engine.clock.advance(400_000);
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
