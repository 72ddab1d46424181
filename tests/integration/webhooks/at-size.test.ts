// Where a great many messages wait, as after days of a receiver that is away.

import { REDELIVERED_MAX, type WebhookId, WEBHOOKS_MAX } from "@assent/contract";
import { expect, test } from "vitest";
import { sweepDeliveries } from "../../../packages/harness/src/services/webhooks/delivery-sweeper.ts";
import { value } from "../../support/engine.ts";
import { until } from "../../support/until.ts";
import { startReceiver } from "../../support/webhook-receiver.ts";
import { openWorld, type World } from "./world.ts";

const uuid = (id: WebhookId): string => id.slice("whk_".length);

/** So many messages of a webhook, each a second older than the one before. */
async function fill(world: World, id: WebhookId, count: number, state: "pending" | "dead"): Promise<void> {
  const ended = state === "pending" ? "null" : "now()";
  await world.engine.database.ownerPool().query(
    `insert into assent.webhook_deliveries (tenant_id, id, webhook_id, type, at, data, due_at, waits_since, state, ended_at)
     select w.tenant_id, gen_random_uuid(), w.id, 'run.ended', $2::timestamptz - n * interval '1 second', '{}',
       $2::timestamptz - n * interval '1 second', $2, $3, ${ended}
     from assent.webhooks w, generate_series(1, $4::integer) n where w.id = $1::uuid`,
    [uuid(id), world.engine.clock.now(), state, count],
  );
}

test("whoever looks for messages reads a few pages of the table, however many are due", async () => {
  await using world = await openWorld([]);
  const { id } = await world.create({ url: "https://hooks.example.org/" });
  // Of another one nothing is due.
  await world.create({ url: "https://other.example.org/" });
  await fill(world, id, 8_000, "pending");
  const owner = world.engine.database.ownerPool();
  await owner.query("analyze assent.webhook_deliveries");
  await owner.query("analyze assent.webhooks");
  const pages = async (call: string): Promise<number> => {
    const { rows } = await owner.query<{ "QUERY PLAN": { Plan: Record<string, number> }[] }>(
      `explain (analyze, buffers, format json) select * from assent.${call}`,
    );
    const plan = rows[0]?.["QUERY PLAN"][0]?.Plan ?? {};
    return (plan["Shared Hit Blocks"] ?? Number.NaN) + (plan["Shared Read Blocks"] ?? Number.NaN);
  };
  const at = `'${world.engine.clock.now().toISOString()}'`;
  for (const call of [
    `oldest_delivery(${at})`,
    `due_or_waiting(${at}, ${at}, 100)`,
    `take_deliveries_in_turn(${at}, ${at}::timestamptz + interval '1 minute', '{}', '{}', 16, 4)`,
  ]) {
    // What is looked up once in a connection is no part of it.
    await pages(call);
    expect([call, await pages(call)]).toEqual([call, expect.toSatisfy((count: number) => count < 100)]);
  }
});

test("whoever takes messages locks a few more than are taken, however many webhooks have one that is due, and of each tenant first", async () => {
  await using world = await openWorld([]);
  const { engine } = world;
  const owner = engine.database.ownerPool();
  for (let at = 0; at < WEBHOOKS_MAX; at += 1) {
    const { id } = await world.create({ url: "https://hooks.example.org/" });
    await fill(world, id, 4, "pending");
  }
  // Of whom only newer ones wait than of all those.
  const other = await engine.newCaller("other", "elsewhere");
  const late = await world.create({ url: "https://late.example.org/" }, ["run.ended"], other);
  await fill(world, late.id, 1, "pending");
  // A row that is locked, or written, names the transaction that did it.
  const marks = async (table: string): Promise<ReadonlySet<string>> =>
    new Set(
      (
        await owner.query<{ mark: string }>(
          `select concat_ws(' ', ctid, xmin, xmax) as mark from assent.${table}`,
        )
      ).rows.map(({ mark }) => mark),
    );
  const tables = ["webhooks", "webhook_deliveries"];
  const before = await Promise.all(tables.map(marks));
  const at = engine.clock.now();
  const soon = new Date(at.getTime() + 60_000);
  const taken = await engine.store.deliveries.take({
    at,
    until: soon,
    busy: [],
    sending: [],
    most: 2,
    mostOfOne: 4,
  });
  expect(taken.map(({ tenant }) => tenant).toSorted()).toEqual([engine.tenant, other.tenant].toSorted());
  const after = await Promise.all(tables.map(marks));
  const touched = after.map(
    (now, table) => [...now].filter((mark) => before[table]?.has(mark) !== true).length,
  );
  expect(touched).toEqual([4, 3 * 4 + 1]);
});

test("one with more messages than are given up at once is removed all the same, and shows and sends none", async () => {
  await using receiver = await startReceiver();
  await using world = await openWorld([receiver]);
  const { engine, harness } = world;
  const { id } = await world.create(receiver);
  await fill(world, id, 5_001, "pending");
  value(await harness.webhooks.remove(engine.caller, id));
  const { rows } = await engine.database
    .ownerPool()
    .query(
      "select state, failure, count(*)::integer from assent.webhook_deliveries group by 1, 2 order by 1",
    );
  expect(rows).toEqual([
    { state: "dead", failure: "webhook_removed", count: 5_000 },
    { state: "pending", failure: null, count: 1 },
  ]);
  const at = engine.clock.now();
  expect(await engine.store.deliveries.oldest(at)).toBeNull();
  expect((await engine.store.due(at, 1)).isAnyMessage).toBe(false);
});

test("so many dead messages are sent again at once, the oldest first, and the others when somebody asks again", async () => {
  await using world = await openWorld([]);
  const { engine, harness } = world;
  const { id } = await world.create({ url: "https://hooks.example.org/" });
  await fill(world, id, REDELIVERED_MAX + 1, "dead");
  const again = async (): Promise<number> =>
    value(await harness.webhooks.redeliver(engine.caller, id, {})).redelivered;
  expect(await again()).toBe(REDELIVERED_MAX);
  const newest = await engine.database
    .ownerPool()
    .query(
      "select state, at = (select max(at) from assent.webhook_deliveries) as newest from assent.webhook_deliveries where state = 'dead'",
    );
  expect(newest.rows).toEqual([{ state: "dead", newest: true }]);
  expect([await again(), await again()]).toEqual([1, 0]);
});

test("one sweep gives up and forgets all that is old, also where that is more than one statement takes", async () => {
  await using world = await openWorld([]);
  const { engine } = world;
  const { id } = await world.create({ url: "https://hooks.example.org/" });
  await fill(world, id, 10, "pending");
  await fill(world, id, 25, "dead");
  const owner = engine.database.ownerPool();
  await owner.query(
    "update assent.webhook_deliveries set waits_since = waits_since - interval '5 days', ended_at = ended_at - interval '31 days'",
  );
  expect(await sweepDeliveries(engine.ports, new AbortController().signal, 4)).toBe(35);
  expect((await world.deliveries(id)).map(({ failure }) => failure)).toEqual(
    Array.from({ length: 10 }, () => "too_old"),
  );
});

test("a tenant with many slow receivers keeps no other waiting for longer than until a hand is free", async () => {
  await using slow = await startReceiver(() => "hang");
  const before: number[] = [];
  await using quick = await startReceiver(() => {
    before.push(slow.received.length);
    return 200;
  });
  await using world = await openWorld([slow, quick]);
  const { engine, harness } = world;
  for (let at = 0; at < 5; at += 1) {
    const { id } = await world.create(slow);
    for (let message = 0; message < 8; message += 1) await world.ping(id);
  }
  const sender = world.startSender({ isSwept: false });
  sender.look();
  await until("all hands are full", () => slow.hanging() === 16);
  engine.clock.advance(1_000);
  const other = await engine.newCaller("other", "elsewhere");
  const { id } = await world.create(quick, ["run.ended"], other);
  value(await harness.webhooks.ping(other, id));
  slow.release(200);
  await until("the other one is told", () => quick.received.length === 1);
  // Of the sixteen hands that are free again at once it has one, though older messages wait than there are hands.
  expect(before[0]).toBeLessThan(32);
});

test("the age of the message that waits longest is of those that could be sent", async () => {
  await using world = await openWorld([]);
  const { engine, harness } = world;
  const oldest = async (): Promise<number | null> => {
    const now = engine.clock.now();
    const at = await engine.store.deliveries.oldest(now);
    // The clock goes on beside what it is moved by.
    return at === null ? null : Math.floor((now.getTime() - at.getTime()) / 10_000);
  };
  const { id } = await world.create({ url: "https://hooks.example.org/" });
  expect(await oldest()).toBeNull();
  await world.ping(id);
  engine.clock.advance(90_000);
  await world.ping(id);
  expect(await oldest()).toBe(9);
  const owner = engine.database.ownerPool();
  const pausedUntil = async (ms: number): Promise<unknown> =>
    await owner.query("update assent.webhooks set paused_until = $1", [
      new Date(engine.clock.now().getTime() + ms),
    ]);
  await pausedUntil(60_000);
  expect(await oldest()).toBeNull();
  await pausedUntil(-40_000);
  expect(await oldest()).toBe(4);
  await owner.query("update assent.webhooks set off_because = 'gone'");
  expect(await oldest()).toBeNull();
  value(await harness.webhooks.enable(engine.caller, id));
  expect(await oldest()).toBe(9);
});
