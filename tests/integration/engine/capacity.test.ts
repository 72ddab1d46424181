// Past capacity new work is refused, counted in the database and not by what the harness says; what was accepted before is
// not concerned (invariant 14, refuse early).

import { uuidOf } from "@assent/contract";
import { expect, test } from "vitest";
import { StoreUnavailable } from "../../../packages/harness/src/ports/queue.ts";
import { createCapacity } from "../../../packages/harness/src/services/capacity.ts";
import { openEngine, type Engine } from "../../support/engine.ts";
import { until } from "../../support/until.ts";

const LIMITS = { runs: 12, tenantRuns: 8, ageSeconds: 60 };

const queued = async (engine: Engine): Promise<number> =>
  Number(
    (
      await engine.database
        .ownerPool()
        .query("select count(*)::int as n from assent.runs where state = 'queued'")
    ).rows[0].n,
  );

test("a burst fills a tenant's share and no more; others still have room, and repeats get their first answer", async () => {
  await using engine = await openEngine();
  const harness = engine.again({ capacity: createCapacity(engine.ports, LIMITS) });
  const request = { agent: "tester", task: "Do it." };
  const answers = await Promise.all(
    Array.from(
      { length: 40 },
      async (_, index) => await harness.submitRun(engine.caller, request, `burst-${index}`),
    ),
  );
  expect(answers.filter((answer) => answer.ok)).toHaveLength(8);
  expect(await queued(engine)).toBe(8);
  const refused = answers.filter((answer) => !answer.ok);
  expect(new Set(refused.map(({ error }) => error.code))).toEqual(new Set(["tenant_queue_full"]));
  expect(refused.every(({ error }) => (error.retryAfterSeconds ?? 0) >= 1)).toBe(true);
  const accepted = answers.findIndex((answer) => answer.ok);
  expect(await harness.submitRun(engine.caller, request, `burst-${accepted}`)).toMatchObject({
    ok: true,
    value: { replayed: true },
  });
  const other = await engine.newCaller("other", "other");
  expect(await harness.submitRun(other, request, "other-1")).toMatchObject({ ok: true });
  // All tenants together.
  for (let index = 2; index < 8; index += 1) await harness.submitRun(other, request, `other-${index}`);
  engine.clock.advance(1_000);
  expect(await harness.submitRun(other, request, "other-last")).toMatchObject({
    ok: false,
    error: { code: "overloaded" },
  });
  // With somebody at work there is room again.
  await engine.startWorker();
  await engine.reachesWhile(
    answers.flatMap((answer) => (answer.ok ? [answer.value.runId] : [])).at(-1) ?? "run_",
    async () => await Promise.resolve(),
    "succeeded",
  );
  engine.clock.advance(1_000);
  expect(await harness.submitRun(engine.caller, request, "later")).toMatchObject({ ok: true });
});

test("a queue that nobody serves refuses when its oldest run is too old, and takes work when it is served", async () => {
  await using engine = await openEngine();
  const harness = engine.again({ capacity: createCapacity(engine.ports, LIMITS) });
  const id = await engine.submit();
  engine.clock.advance(61_000);
  const request = { agent: "tester", task: "Do it." };
  expect(await harness.submitRun(engine.caller, request, "too-late")).toMatchObject({
    ok: false,
    error: { code: "overloaded" },
  });
  await engine.startWorker();
  await engine.reaches(id, "succeeded");
  engine.clock.advance(1_000);
  expect(await harness.submitRun(engine.caller, request, "again")).toMatchObject({ ok: true });
});

test("a tenant that has queued more than can be done in time is refused, and nobody else; nor for what nobody can do yet", async () => {
  await using engine = await openEngine();
  const harness = engine.again({ capacity: createCapacity(engine.ports, LIMITS) });
  const ids = [await engine.submit(), await engine.submit(), await engine.submit()];
  const late = await engine.newCaller("late", "other");
  engine.clock.advance(61_000);
  const request = { agent: "tester", task: "Do it." };
  const refused = { ok: false, error: { code: "overloaded" } };
  expect(await harness.submitRun(engine.caller, request, "own")).toMatchObject(refused);
  expect(await harness.submitRun(late, request, "another's")).toMatchObject({ ok: true });
  // What is left of a newer version, after going back from it, waits for that and is not late.
  await engine.database
    .ownerPool()
    .query("update assent.runs set message_version = 99, version = version where id = any ($1::uuid[])", [
      ids.map(uuidOf),
    ]);
  engine.clock.advance(1_000);
  expect(await harness.submitRun(engine.caller, request, "own")).toMatchObject({ ok: true });
});

test("while the queue's table is locked as a whole, submissions are refused in a second and take one connection", async () => {
  await using engine = await openEngine();
  const harness = engine.again({ capacity: createCapacity(engine.ports, LIMITS) });
  const request = { agent: "tester", task: "Do it." };
  const owner = engine.database.ownerPool();
  const locker = await owner.connect();
  const waiting = async (): Promise<number> =>
    (
      await owner.query<{ n: number }>(
        `select count(*)::int as n from pg_locks
         where not granted and relation = 'assent.runs'::regclass and database =
           (select oid from pg_database where datname = current_database())`,
      )
    ).rows[0]?.n ?? 0;
  try {
    await locker.query("begin");
    await locker.query("lock table assent.runs in access exclusive mode");
    // As patient as any other statement: it is still waiting when they have their answer.
    const patient = engine.database.appPool().query("select from assent.runs limit 1");
    let isPatientOver = false;
    const over = patient.then(
      () => undefined,
      () => {
        isPatientOver = true;
      },
    );
    await until("it waits", async () => (await waiting()) === 1);
    const answers: Promise<unknown>[] = [];
    for (let wave = 0; wave < 5; wave += 1) {
      for (let index = 0; index < 10; index += 1)
        answers.push(
          harness
            .submitRun(engine.caller, request, `locked-${wave}-${index}`)
            .catch((error: unknown) => error),
        );
      engine.clock.advance(300);
    }
    await until("the look waits", async () => (await waiting()) >= 2);
    expect(await waiting()).toBe(2);
    expect(new Set((await Promise.all(answers)).map((answer) => answer instanceof StoreUnavailable))).toEqual(
      new Set([true]),
    );
    expect(isPatientOver).toBe(false);
    await locker.query("rollback");
    await over;
    expect(isPatientOver).toBe(false);
  } finally {
    locker.release(true);
  }
  expect(await harness.submitRun(engine.caller, request, "afterwards")).toMatchObject({ ok: true });
});
