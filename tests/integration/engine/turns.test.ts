// Slots of workers are shared: a tenant's long runs do not keep another's from being begun, and nobody has more than was
// configured, however many workers there are.

import { type RunId, type TenantId, uuidOf } from "@assent/contract";
import { expect, test } from "vitest";
import { ok } from "../../../packages/harness/src/base/result.ts";
import {
  type Caller,
  type Models,
  StoreUnavailable,
  type Store,
} from "../../../packages/harness/src/ports.ts";
import { answering, countingTool, type Engine, openEngine, type Turn, value } from "../../support/engine.ts";
import { until } from "../../support/until.ts";

/** Runs whose task is long ask for one call after the other, each of which takes until it is let go; others end at once. */
type Long = {
  readonly tool: ReturnType<typeof countingTool>;
  readonly models: Models;
  inCall(): number;
  letGo(): void;
};

function longRuns(calls: number): Long {
  let waiting: (() => void)[] = [];
  const tool = countingTool("look", "none", async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    waiting.push(() => resolve(undefined));
    await promise;
  });
  const long = answering((turn): Turn =>
    turn < calls ? { calls: [{ id: `call_${turn}`, tool: "look", arguments: { turn } }] } : { text: "done" },
  );
  const short = answering(() => ({ text: "done" }));
  return {
    tool,
    models: {
      check: () => ok(null),
      call: async (call, signal) =>
        await (JSON.stringify(call.messages).includes("Take long.") ? long : short).call(call, signal),
    },
    inCall: () => waiting.length,
    letGo(): void {
      const each = waiting;
      waiting = [];
      for (const go of each) go();
    },
  };
}

const submit = async (engine: Engine, caller: Caller, task: string, count: number): Promise<RunId[]> =>
  await Promise.all(
    Array.from({ length: count }, async (_, index) =>
      value(
        await engine.harness.submitRun(
          caller,
          { agent: "tester", task },
          `${caller.actor.name}-${task}-${index}`,
        ),
      ),
    ),
  ).then((all) => all.map(({ runId }) => runId));

// By one statement: read one after the other, a run that has ended since and the one that took its slot would both count.
async function statesOf(engine: Engine, ids: readonly RunId[]): Promise<string[]> {
  const { rows } = await engine.database
    .ownerPool()
    .query<{ id: string; state: string }>("select id, state from assent.runs where id = any ($1)", [
      ids.map(uuidOf),
    ]);
  return ids.map((id) => rows.find((row) => row.id === uuidOf(id))?.state ?? "unknown");
}

const allSucceed = async (engine: Engine, ids: readonly RunId[]): Promise<void> => {
  await until("all have succeeded", async () =>
    (await statesOf(engine, ids)).every((state) => state === "succeeded"),
  );
};

/** Lets a worker look for who waits as often as the test says, and says how often it did. */
function countedLooks(store: Store): { readonly store: Store; looks: number; allowed: number } {
  const counted = {
    looks: 0,
    allowed: 1,
    store: {
      ...store,
      slots: async (turn: Parameters<Store["slots"]>[0]) => {
        await until("the next look is allowed", () => counted.allowed > counted.looks);
        const found = await store.slots(turn);
        counted.looks += 1;
        return found;
      },
    },
  };
  return counted;
}

const releasesOf = async (engine: Engine): Promise<{ tenant: string; reason: string }[]> =>
  (
    await engine.database.ownerPool().query<{ tenant: string; reason: string }>(
      `select 'ten_' || replace(tenant_id::text, '-', '') as tenant, data->>'reason' as reason
       from assent.audit_events where kind = 'run_released'`,
    )
  ).rows;

const HOUR_MS = 3_600_000;

async function crowded(long: Long): Promise<{ engine: Engine; crowd: Caller; few: Caller }> {
  const engine = await openEngine({ models: long.models, tools: [long.tool], agent: { tools: ["look"] } });
  return {
    engine,
    crowd: await engine.newCaller("crowd", "crowd"),
    few: await engine.newCaller("few", "few"),
  };
}

test("a long run gives way after its step to a tenant that holds fewer slots, and ends as it would have", async () => {
  const long = longRuns(3);
  const { engine, crowd, few } = await crowded(long);
  await using _ = engine;
  const counted = countedLooks(engine.store);
  await engine.startWorker({ runsMax: 2, store: counted.store });
  const theirs = await submit(engine, crowd, "Take long.", 4);
  await until("both slots are held", () => long.inCall() === 2);
  const short = await submit(engine, few, "Be short.", 1);
  engine.clock.advance(7_000);
  await until("somebody looked who waits", () => counted.looks === 1);
  expect(await statesOf(engine, short)).toEqual(["queued"]);
  long.letGo();
  await until("the short run ends", async () => (await statesOf(engine, short))[0] === "succeeded");
  expect(await releasesOf(engine)).toEqual([{ tenant: crowd.tenant, reason: "turn_over" }]);
  counted.allowed = Number.POSITIVE_INFINITY;
  await until("the long ones end", async () => {
    long.letGo();
    return (await statesOf(engine, theirs)).every((state) => state === "succeeded");
  });
  // Each call was made once, those of the run that gave way too.
  expect(long.tool.effects).toHaveLength(4 * 3);
  expect(new Set(long.tool.effects).size).toBe(4 * 3);
});

test("where no step ends a slot is lent, and one tenant alone holds all that there are", async () => {
  const long = longRuns(1);
  const { engine, crowd, few } = await crowded(long);
  await using _ = engine;
  const counted = countedLooks(engine.store);
  counted.allowed = Number.POSITIVE_INFINITY;
  await engine.startWorker({ runsMax: 2, store: counted.store });
  const theirs = await submit(engine, crowd, "Take long.", 4);
  await until("both slots are held", () => long.inCall() === 2);
  for (let look = 1; look <= 3; look += 1) {
    engine.clock.advance(7_000);
    await until("it looked again", () => counted.looks >= look);
  }
  expect(long.inCall()).toBe(2);
  expect((await statesOf(engine, theirs)).filter((state) => state === "running")).toHaveLength(2);
  const short = await submit(engine, few, "Be short.", 2);
  await until("the short runs end", async () => {
    engine.clock.advance(2_000);
    return (await statesOf(engine, short)).every((state) => state === "succeeded");
  });
  expect(long.inCall()).toBe(2);
  expect(await releasesOf(engine)).toEqual([]);
  await until("the long ones end", async () => {
    long.letGo();
    return (await statesOf(engine, theirs)).every((state) => state === "succeeded");
  });
});

test("of one tenant no more runs are under way than configured, in all workers together, and none is late for it", async () => {
  const long = longRuns(1);
  const { engine, crowd, few } = await crowded(long);
  await using _ = engine;
  // Without a hint each would be found by the next look, and that is far away.
  const options = { runsMax: 4, tenantSlots: 2, lookEveryMs: HOUR_MS };
  for (let worker = 0; worker < 3; worker += 1) await engine.startWorker(options);
  const theirs = await submit(engine, crowd, "Take long.", 9);
  await until("two are under way", () => long.inCall() === 2);
  const short = await submit(engine, few, "Be short.", 3);
  await allSucceed(engine, short);
  expect((await statesOf(engine, theirs)).filter((state) => state === "running")).toHaveLength(2);
  let most = 0;
  await until("the long ones end", async () => {
    const states = await statesOf(engine, theirs);
    most = Math.max(most, states.filter((state) => state === "running").length, long.inCall());
    if (long.inCall() > 0) long.letGo();
    return states.every((state) => state === "succeeded");
  });
  expect(most).toBe(2);
});

test("slots of one tenant are not given out twice at the same moment", async () => {
  const long = longRuns(1);
  const { engine, crowd, few } = await crowded(long);
  await using _ = engine;
  await submit(engine, crowd, "Take long.", 3);
  const now = engine.clock.now();
  const take = async (): ReturnType<Store["take"]> =>
    await engine.store.take(
      { after: null, now: engine.clock.now() },
      { worker: 7, until: new Date(now.getTime() + 30_000), attemptsMax: 5, tenantSlots: 1 },
    );
  const other = await engine.database.appPool().connect();
  try {
    await other.query("begin");
    const taken = await other.query("select * from assent.take_leased_within(1, null, $1, 1, 8, $1, 5)", [
      now,
    ]);
    expect(taken.rows).toMatchObject([{ is_leased: true }]);
    expect(await take()).toBe("locked");
    await submit(engine, few, "Be short.", 1);
    expect(await take()).toMatchObject({ tenant: few.tenant });
    await other.query("commit");
    expect(await take()).toBeNull();
    expect(
      await other.query("select current_setting('assent.tenant_slots', true) as left_over"),
    ).toMatchObject({
      rows: [{ left_over: "" }],
    });
  } finally {
    other.release();
  }
});

test("slots are told of those who hold and of those who wait, in turn", async () => {
  const long = longRuns(1);
  const { engine, crowd, few } = await crowded(long);
  await using _ = engine;
  await submit(engine, crowd, "Take long.", 3);
  await submit(engine, few, "Be short.", 1);
  const take = async (first: TenantId): Promise<unknown> =>
    await engine.store.take(
      { after: null, first, now: engine.clock.now() },
      { worker: 7, until: new Date(engine.clock.now().getTime() + 30_000), attemptsMax: 5 },
    );
  for (let run = 0; run < 2; run += 1)
    expect(await take(crowd.tenant)).toMatchObject({ tenant: crowd.tenant });
  expect(await take(few.tenant)).toMatchObject({ tenant: few.tenant });
  // Nobody of them waits any more, so it is whose turn it would be.
  expect(await take(few.tenant)).toMatchObject({ tenant: crowd.tenant });
  await submit(engine, few, "Again.", 1);
  const now = engine.clock.now();
  expect(await engine.store.slots({ after: crowd.tenant, now })).toEqual([
    { tenant: few.tenant, held: 1, isWaiting: true },
    { tenant: crowd.tenant, held: 3, isWaiting: false },
  ]);
  expect(await engine.store.slots({ after: null, now: new Date(now.getTime() - 60_000) })).toEqual(
    expect.arrayContaining([{ tenant: few.tenant, held: 1, isWaiting: false }]),
  );
});

test("a worker that cannot look for who waits goes on with what it has", async () => {
  const long = longRuns(1);
  const { engine, crowd } = await crowded(long);
  await using _ = engine;
  let looks = 0;
  const store: Store = {
    ...engine.store,
    slots: async () => {
      looks += 1;
      return await Promise.reject(new StoreUnavailable("none", new Error("gone")));
    },
  };
  await engine.startWorker({ runsMax: 1, store });
  const theirs = await submit(engine, crowd, "Take long.", 2);
  await until("the slot is held", () => long.inCall() === 1);
  await until("it tried to look twice", () => {
    engine.clock.advance(7_000);
    return looks >= 2;
  });
  await until("the runs end", async () => {
    long.letGo();
    return (await statesOf(engine, theirs)).every((state) => state === "succeeded");
  });
  expect(engine.logged.filter((line) => line.includes("nobody could tell who waits"))).not.toEqual([]);
});
