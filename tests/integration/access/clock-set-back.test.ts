// The machine's clock is set, and the database's with it: ahead by a day, and back again. No signature is taken twice, no
// kept answer is forgotten, and nobody is shut out for as long as it was ahead (invariants 6 one key, one run, 7 accepted
// once, 14 refuse early).

import { type RunId, uuidOf } from "@assent/contract";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { IDEMPOTENCY_RETENTION_HOURS } from "../../../packages/harness/src/base/limits.ts";
import { ok } from "../../../packages/harness/src/base/result.ts";
import { CLOSED, open } from "../../../packages/harness/src/core/resilience/breaker.ts";
import { DEFAULT_PROVIDER_SETTINGS } from "../../../packages/harness/src/core/resilience/settings.ts";
import { createCapacity } from "../../../packages/harness/src/services/capacity.ts";
import { createGates } from "../../../packages/harness/src/services/models/gates.ts";
import { type Engine, openEngine, value } from "../../support/engine.ts";
import { setDatabaseClock, withSettableClock } from "../../support/settable-database-clock.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Past the time for which an answer is kept. */
const KEPT_MS = IDEMPOTENCY_RETENTION_HOURS * 3_600_000 + MINUTE_MS;

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({
    quotas: { tenant: null, principal: { requests: 2, windowSeconds: 60 }, actions: {} },
  });
  await withSettableClock(engine.database);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

let aheadMs = 0;
/** Both clocks, as they are of one machine. */
async function setClock(ms: number): Promise<void> {
  engine.clock.advance(ms - aheadMs);
  aheadMs = ms;
  await setDatabaseClock(engine.database, ms);
}
beforeEach(async () => {
  await setClock(0);
  // One sweep by a clock that is right again, and what is kept is kept by that one.
  await sweep();
});
// By a clock that is ahead they have waited too long, and no others are let in.
afterEach(async () => {
  await setClock(0);
  const queued = { states: ["queued"], agent: null, label: null, cursor: null, limit: 100 } as const;
  const { data } = value(await engine.harness.listRuns(engine.caller, queued));
  for (const { id } of data) value(await engine.harness.cancelRun(engine.caller, id));
});

const sweep = async (): Promise<number> => await engine.store.sweepExpired(engine.clock.now(), 1_000);
const inMs = (ms: number): Date => new Date(engine.clock.now().getTime() + ms);

test("a clock of the database can be set here", async () => {
  const time = async (): Promise<number> =>
    (
      await engine.database.ownerPool().query<{ at: Date }>("select assent_test.clock() as at")
    ).rows[0]?.at.getTime() ?? 0;
  await setClock(DAY_MS);
  expect(Math.abs((await time()) - Date.now() - DAY_MS)).toBeLessThan(MINUTE_MS);
});

async function newSigningKey(name: string) {
  const made = value(
    await engine.harness.createSigningKey(engine.caller, {
      principal: { name, kind: "service" },
      algorithm: "hmac-sha256",
    }),
  );
  return made.id;
}

test.each([
  ["ahead by a day and back", DAY_MS, 0],
  ["back by a day, when it was forgotten in its time", 20 * MINUTE_MS, -DAY_MS],
])("a signature is not taken again where the clock is set %s; the next one is", async (_, swept, after) => {
  const key = await newSigningKey(`signer ${swept} ${after}`);
  const take = async (nonce: string, until: Date): Promise<boolean> =>
    await engine.store.takeNonce(engine.tenant, key, nonce, until);
  const until = inMs(10 * MINUTE_MS);
  expect(await take("first", until)).toBe(true);
  await setClock(swept);
  expect(await sweep()).toBeGreaterThan(0);
  await setClock(after);
  expect(await take("first", until)).toBe(false);
  // Made a moment later: nothing of it can have been forgotten.
  expect(await take("second", new Date(until.getTime() + 1))).toBe(true);
});

test("a nonce is forgotten for its own key alone", async () => {
  const [one, other] = [await newSigningKey("one"), await newSigningKey("other")];
  const until = inMs(10 * MINUTE_MS);
  expect(await engine.store.takeNonce(engine.tenant, one, "n", until)).toBe(true);
  await setClock(DAY_MS);
  await sweep();
  await setClock(0);
  expect(await engine.store.takeNonce(engine.tenant, other, "n", until)).toBe(true);
});

test("a run that was queued while the clock was ahead is due when it is back, and one that waits for its time waits", async () => {
  const wakeOf = async (id: RunId): Promise<Date> => {
    const { rows } = await engine.database
      .ownerPool()
      .query<{ wake_at: Date }>("select wake_at from assent.runs where id = $1", [uuidOf(id)]);
    return rows[0]?.wake_at ?? expect.unreachable();
  };
  await setClock(DAY_MS);
  const id = await engine.submit();
  await setClock(0);
  const waiting = await engine.submit();
  const later = inMs(30 * MINUTE_MS);
  await engine.database
    .ownerPool()
    .query("update assent.runs set wake_at = $2 where id = $1", [uuidOf(waiting), later]);
  await sweep();
  expect((await wakeOf(id)).getTime()).toBeLessThanOrEqual(engine.clock.now().getTime());
  expect(await wakeOf(waiting)).toEqual(later);
  const worker = await engine.startWorker();
  expect((await engine.reaches(id, "succeeded", "failed")).status).toBe("succeeded");
  await worker.stop();
});

test("a kept answer is not forgotten for a clock that is ahead for a while, and is in the end for one that stays", async () => {
  const submit = async (key: string): Promise<{ readonly runId: RunId; readonly replayed: boolean }> =>
    value(await engine.harness.submitRun(engine.caller, { agent: "tester", task: "Once." }, key));
  const first = await submit("kept");
  await setClock(KEPT_MS);
  for (let minute = 0; minute < 10; minute += 1) await sweep();
  // Also while it is ahead: whoever repeats then has heard no answer of before.
  expect(await submit("kept")).toMatchObject({ runId: first.runId, replayed: true });
  await setClock(0);
  expect(await submit("kept")).toMatchObject({ runId: first.runId, replayed: true });
  await setClock(KEPT_MS);
  // As it is when it has been ahead for hours.
  const owner = engine.database.ownerPool();
  await owner.query("update assent.swept_answers set until = $1, swept_at = $1", [inMs(-5 * MINUTE_MS)]);
  await sweep();
  const { rows } = await owner.query("select from assent.idempotency_keys where key = 'kept'");
  expect(rows).toEqual([]);
});

test("a clock that is ahead is believed ten minutes and twice the time that passes, whoever sweeps how often", async () => {
  const owner = engine.database.ownerPool();
  const sweptMinutes = async (since: Date): Promise<number> => {
    const { rows } = await owner.query<{ at: Date }>("select assent.answers_swept() as at");
    return Math.round(((rows[0]?.at ?? new Date(0)).getTime() - since.getTime()) / MINUTE_MS);
  };
  const began = inMs(0);
  await setClock(KEPT_MS);
  for (let times = 0; times < 30; times += 1) await sweep();
  expect(await sweptMinutes(began)).toBe(10);
  for (let minute = 1; minute <= 30; minute += 1) {
    await setClock(KEPT_MS + minute * MINUTE_MS);
    for (let process = 0; process < 3; process += 1) await sweep();
  }
  expect(await sweptMinutes(began)).toBe(10 + 2 * 30);
  // Set back and ahead again it is ten minutes more each time, and none of before.
  await setClock(0);
  await sweep();
  expect(await sweptMinutes(began)).toBe(0);
  await setClock(KEPT_MS);
  await sweep();
  expect(await sweptMinutes(began)).toBe(10);
});

test.each([true, false])("nor is that to another request, looked for first: %s", async (isLookedFor) => {
  const made = { before: 0, within: 0 };
  const before = async (): Promise<void> => {
    made.before += 1;
    await Promise.resolve();
  };
  const ask = async () =>
    await engine.harness.once(
      engine.caller,
      {
        key: `kept too, ${isLookedFor}`,
        route: "POST /somewhere",
        body: {},
        status: 201,
        secret: false,
        ...(isLookedFor && { before }),
      },
      async () => {
        made.within += 1;
        return await Promise.resolve(ok({ made }));
      },
    );
  await ask();
  await setClock(KEPT_MS);
  expect(await ask()).toMatchObject({ replayed: true });
  expect(made).toEqual({ before: isLookedFor ? 1 : 0, within: 1 });
});

test("nor is that to a request for a run, of two that come at once", async () => {
  await setClock(0);
  await engine.harness.submitRun(engine.caller, { agent: "tester", task: "Once." }, "at once");
  await setClock(KEPT_MS);
  // What a request does that found no answer a moment ago.
  const { rows } = await engine.database.ownerPool().query<{ kept: boolean }>(
    `select assent.keep_answer(i.tenant_id, i.principal_id, i.route, i.key, $1, $1, i.fingerprint, 202, 'x', 'y') as kept
     from assent.idempotency_keys i where i.key = 'at once'`,
    [inMs(0)],
  );
  expect(rows).toEqual([{ kept: false }]);
});

test("who has used a quota up while the clock was ahead is let in again when it is back", async () => {
  await setClock(DAY_MS);
  const key = await engine.newKey("busy");
  const admit = async (): Promise<boolean> =>
    (await engine.harness.admit({ credential: key, fields: new Map(), action: "runs.read" }))?.exceeded ===
    null;
  expect([await admit(), await admit(), await admit()]).toEqual([true, true, false]);
  await setClock(0);
  expect([await admit(), await admit(), await admit()]).toEqual([true, true, false]);
});

const settings = DEFAULT_PROVIDER_SETTINGS;
function gatesOfAProcess() {
  const { random } = engine.ports;
  const { breakers } = engine.store;
  const gates = createGates({ breakers, clock: engine.clock, random, log: () => undefined, settings });
  const signal = new AbortController().signal;
  return async (provider: string) => await gates.enter(provider, { who: "t", isRetry: false, signal });
}

test("a provider that failed while the clock was ahead is asked again when it is back", async () => {
  const enter = gatesOfAProcess();
  await setClock(DAY_MS);
  for (let left = settings.breaker.failures; left > 0; left -= 1) {
    const pass = value(await enter("gone"));
    await pass.leave({ ended: "failed", code: "down", retryAfterMs: left === 1 ? 30_000 : null }, null);
  }
  expect(await enter("gone")).toMatchObject({ ok: false, error: { code: "provider_paused" } });
  await setClock(0);
  const probe = value(await enter("gone"));
  await probe.leave({ ended: "answered" }, 1);
  expect(await enter("gone")).toMatchObject({ ok: true });
});

test("what was known of a provider while the clock was ahead is asked anew when it is back", async () => {
  const enter = gatesOfAProcess();
  await setClock(DAY_MS);
  await value(await enter("well")).leave({ ended: "answered" }, 1);
  await setClock(0);
  // As another process finds it.
  await engine.store.breakers.change("well", () => open(CLOSED, engine.clock.now(), settings.breaker));
  expect(await enter("well")).toMatchObject({ ok: false, error: { code: "provider_open" } });
});

test("what was seen of a full queue while the clock was ahead is looked at anew when it is back", async () => {
  let queued = 3;
  const capacity = createCapacity(
    {
      store: {
        waiters: () => 0,
        queueLoad: async () =>
          await Promise.resolve({
            queued,
            queuedOfTenant: queued,
            oldestSeconds: 0,
            oldestOfTenantSeconds: 0,
          }),
      },
      clock: engine.clock,
      random: engine.ports.random,
    },
    { runs: 3, tenantRuns: 3, ageSeconds: 60 },
  );
  await setClock(DAY_MS);
  expect(await capacity.takeRoom(engine.tenant)).toMatchObject({ code: "tenant_queue_full" });
  queued = 0;
  await setClock(0);
  expect(await capacity.takeRoom(engine.tenant)).toBeNull();
});

type Ended = "a key" | "a signing key";
/** Makes one that ends in ten minutes. @returns whether it is good */
async function endingSoon(what: Ended, name: string): Promise<() => Promise<boolean>> {
  const owner = engine.database.ownerPool();
  const ends = inMs(10 * MINUTE_MS);
  if (what === "a key") {
    const key = await engine.newKey(name);
    const { rowCount } = await owner.query(
      `update assent.api_keys k set expires_at = $2 from assent.principals p
       where p.id = k.principal_id and p.name = $1`,
      [name, ends],
    );
    expect(rowCount).toBe(1);
    return async () => (await engine.harness.authenticate(key)) !== null;
  }
  const id = await newSigningKey(name);
  const { rowCount } = await owner.query("update assent.signing_keys set expires_at = $2 where id = $1", [
    uuidOf(id),
    ends,
  ]);
  expect(rowCount).toBe(1);
  return async () => {
    const { rows } = await owner.query(
      `select from assent.signing_keys s, assent.find_signing_key(s.tenant_id, s.principal_id, s.id, $2)
       where s.id = $1`,
      [uuidOf(id), engine.clock.now()],
    );
    return rows.length === 1;
  };
}

test.each<Ended>(["a key", "a signing key"])(
  "%s whose time was over stays so when the clock is set back, and none ends for a clock that is ahead for a while",
  async (what) => {
    const [isGood, isLaterGood] = [
      await endingSoon(what, `${what} one`),
      await endingSoon(what, `${what} two`),
    ];
    expect(await isGood()).toBe(true);
    await setClock(DAY_MS);
    expect(await isGood()).toBe(false);
    await sweep();
    await setClock(0);
    // Ten minutes are believed at most.
    expect(await isLaterGood()).toBe(true);
    for (let at = 1; at <= 11; at += 1) {
      await setClock(at * MINUTE_MS);
      await sweep();
    }
    await setClock(-DAY_MS);
    expect([await isGood(), await isLaterGood()]).toEqual([false, false]);
  },
);

test.each<Ended>(["a key", "a signing key"])(
  "nor is anything committed any more for whom %s let in",
  async (what) => {
    const owner = engine.database.ownerPool();
    const caller = await engine.harness.authenticate(await engine.newKey(`committing with ${what}`));
    if (caller?.key == null) throw new Error("the key is good");
    const signedWith = await newSigningKey(`committing with ${what}`);
    const [of, ending] = what === "a key" ? ["api_keys", caller.key] : ["signing_keys", signedWith];
    const hold = async (): Promise<boolean> =>
      await engine.store.transaction(
        engine.tenant,
        async (tx) => await tx.keys.holdGood({ ...caller, signedWith }, engine.clock.now()),
      );
    expect(await hold()).toBe(true);
    await owner.query(`update assent.${of} set expires_at = $2 where id = $1`, [
      uuidOf(ending),
      inMs(MINUTE_MS),
    ]);
    await setClock(2 * MINUTE_MS);
    await sweep();
    await setClock(-DAY_MS);
    expect(await hold()).toBe(false);
  },
);
