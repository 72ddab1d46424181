// Several processes that send, some of which die; receivers that hang or fail; and what a webhook may not be.

import type { DeliveryId } from "@assent/contract";
import { expect, test } from "vitest";
import { WEBHOOK_ATTEMPT_SECONDS } from "../../../packages/harness/src/base/limits.ts";
import { sweepDeliveries } from "../../../packages/harness/src/services/webhooks/delivery-sweeper.ts";
import type { Store } from "../../../packages/harness/src/ports.ts";
import { value } from "../../support/engine.ts";
import { until } from "../../support/until.ts";
import { postTo, startReceiver } from "../../support/webhook-receiver.ts";
import { openWorld, type World } from "./world.ts";

const taking = ({ engine }: World): Parameters<Store["deliveries"]["take"]>[0] => {
  const at = engine.clock.now();
  const untilMs = at.getTime() + WEBHOOK_ATTEMPT_SECONDS * 1_000;
  return { at, until: new Date(untilMs), busy: [], sending: [], most: 10, mostOfOne: 4 };
};

test("three processes send sixty messages, each once", async () => {
  await using receiver = await startReceiver();
  await using world = await openWorld([receiver]);
  const { id } = await world.create(receiver);
  const ids: DeliveryId[] = [];
  for (let at = 0; at < 60; at += 1) ids.push((await world.ping(id)).id);
  for (let at = 0; at < 3; at += 1) world.startSender();
  await world.reaches("all are taken", async () => (await world.deliveries(id, "pending")).length === 0);
  expect(receiver.received.map((message) => message.id).toSorted()).toEqual(ids.toSorted());
});

test("one look is enough for all that is due, however many hands there are", async () => {
  await using receiver = await startReceiver();
  await using world = await openWorld([receiver]);
  const { id } = await world.create(receiver);
  for (let at = 0; at < 12; at += 1) await world.ping(id);
  world.startSender({ isSwept: false }).look();
  await until("all are sent", async () => (await world.deliveries(id, "delivered")).length === 12);
});

test("whoever took a message and died: another sends it when that one's time is over, and not before", async () => {
  await using receiver = await startReceiver();
  await using world = await openWorld([receiver]);
  const { engine } = world;
  const { id } = await world.create(receiver);
  const pinged = await world.ping(id);
  const deliveries = await engine.store.deliveries.take(taking(world));
  expect(deliveries.map((delivery) => [delivery.id, delivery.attempt])).toEqual([[pinged.id, 1]]);
  expect(await engine.store.deliveries.take(taking(world))).toEqual([]);
  engine.clock.advance(WEBHOOK_ATTEMPT_SECONDS * 1_000);
  const [second] = await engine.store.deliveries.take(taking(world));
  expect(second).toMatchObject({ id: pinged.id, attempt: 2 });
  // The first one was only slow: what it has to say of its attempt is not heard any more.
  const end = { delivery: pinged.id, at: engine.clock.now(), status: 500, failure: "late", again: null };
  const late = await engine.store.transaction(
    engine.tenant,
    async (tx) =>
      await tx.webhooks.endAttempt({ ...end, attempt: 1, end: "failed", pausedUntil: engine.clock.now() }),
  );
  expect(late).toBe(false);
  expect(await world.deliveries(id)).toMatchObject([{ status: "pending", attempts: 2, failure: null }]);
  expect(value(await world.harness.webhooks.list(engine.caller))).toMatchObject([{ failures: 0 }]);
});

test("whoever stops breaks off what hangs and hands it back at once: it counts for nothing", async () => {
  await using receiver = await startReceiver((_, nth) => (nth === 1 ? "hang" : 200));
  await using world = await openWorld([receiver]);
  const { id } = await world.create(receiver);
  const pinged = await world.ping(id);
  const first = world.startSender();
  await until("it hangs", () => receiver.hanging() === 1);
  await first.stop();
  const [back] = await world.deliveries(id);
  expect(back).toMatchObject({ status: "pending", attempts: 1, failure: null });
  const { rows } = await world.engine.database
    .ownerPool()
    .query("select attempts - uncounted as counted from assent.webhook_deliveries");
  expect(rows).toEqual([{ counted: 0 }]);
  expect(Date.parse(back?.next_attempt_at ?? "")).toBeLessThanOrEqual(world.engine.clock.now().getTime());
  expect(value(await world.harness.webhooks.list(world.engine.caller))).toMatchObject([{ failures: 0 }]);
  world.startSender();
  await world.reaches("another sends it", async () => (await world.deliveries(id, "delivered")).length === 1);
  expect(receiver.received.map((message) => message.id)).toEqual([pinged.id, pinged.id]);
});

test("whoever cannot say what became of a message sends it again, under the same id", async () => {
  await using receiver = await startReceiver();
  await using world = await openWorld([receiver]);
  const { engine } = world;
  const { id } = await world.create(receiver);
  const pinged = await world.ping(id);
  let isAway = true;
  const transaction: Store["transaction"] = async (tenant, work, options) => {
    if (!isAway) return await engine.store.transaction(tenant, work, options);
    isAway = false;
    throw new Error("away");
  };
  world.startSender({ store: { ...engine.store, transaction } });
  await until("it was sent", () => receiver.received.length === 1);
  await until("it said so", () => engine.logged.some((line) => line.includes("could not be kept")));
  expect(await world.deliveries(id)).toMatchObject([{ status: "pending", attempts: 1 }]);
  engine.clock.advance(WEBHOOK_ATTEMPT_SECONDS * 1_000);
  await world.reaches(
    "it was sent again",
    async () => (await world.deliveries(id, "delivered")).length === 1,
  );
  expect(receiver.received.map((message) => message.id)).toEqual([pinged.id, pinged.id]);
});

test("attempts whose process died say nothing of the receiver: the message is tried for as long as any other", async () => {
  await using receiver = await startReceiver((_, nth) => (nth === 1 ? 503 : 200));
  await using world = await openWorld([receiver]);
  const { id } = await world.create(receiver);
  await world.ping(id);
  for (let died = 1; died < 10; died += 1) {
    const [taken] = await world.engine.store.deliveries.take(taking(world));
    expect([taken?.attempt, taken?.counted]).toEqual([died, 1]);
    // What is under way has no answer yet.
    expect(await world.deliveries(id)).toMatchObject([{ response_status: null }]);
    world.engine.clock.advance(WEBHOOK_ATTEMPT_SECONDS * 1_000);
  }
  world.startSender();
  await world.reaches("it is taken", async () => (await world.deliveries(id, "delivered")).length === 1);
  expect(receiver.received).toHaveLength(2);
});

test("a receiver that hangs has four of a process's hands, and keeps nobody else waiting", async () => {
  await using slow = await startReceiver(() => "hang");
  await using quick = await startReceiver();
  await using world = await openWorld([slow, quick]);
  const [one, other] = [await world.create(slow), await world.create(quick)];
  for (let at = 0; at < 8; at += 1) await world.ping(one.id);
  for (let at = 0; at < 8; at += 1) await world.ping(other.id);
  world.startSender();
  await until(
    "the other one has all",
    async () => (await world.deliveries(other.id, "delivered")).length === 8,
  );
  expect(slow.received).toHaveLength(4);
  slow.release(200);
});

test("a receiver that fails is tried with one message at a time, later each time, and gets all when it is well", async () => {
  let isWell = false;
  await using receiver = await startReceiver(() => (isWell ? 200 : 500));
  await using world = await openWorld([receiver]);
  const { id } = await world.create(receiver);
  for (let at = 0; at < 30; at += 1) await world.ping(id);
  // Two processes that look at the same time.
  world.startSender();
  world.startSender();
  await world.reaches("it failed sixteen times", () => receiver.received.length >= 16);
  const seconds = receiver.received.map(({ headers }) => Number(headers["webhook-timestamp"]));
  const pauses = seconds.slice(1).map((second, at) => second - (seconds[at] ?? 0));
  // At first as many as it may have at once of each; from then on one.
  for (const pause of pauses.slice(8)) expect(pause).toBeGreaterThanOrEqual(30);
  // What waits behind it is said to be sent when it may be, and not when it could.
  const [webhook] = value(await world.harness.webhooks.list(world.engine.caller));
  const waiting = await world.deliveries(id, "pending");
  expect(waiting.length).toBeGreaterThan(10);
  for (const { next_attempt_at } of waiting)
    expect(Date.parse(next_attempt_at ?? "")).toBeGreaterThanOrEqual(Date.parse(webhook?.paused_until ?? ""));
  isWell = true;
  await world.reaches("all are taken", async () => (await world.deliveries(id, "pending")).length === 0);
  expect(new Set(receiver.received.map((message) => message.id)).size).toBe(30);
});

test("what could not be sent for four days is given up, and what has ended is forgotten after thirty; not by a clock that is ahead", async () => {
  await using receiver = await startReceiver();
  await using world = await openWorld([receiver]);
  const { engine } = world;
  const { id } = await world.create(receiver);
  const days = (count: number): string => `interval '${count} days'`;
  const owner = engine.database.ownerPool();
  const move = async (column: "waits_since" | "ended_at", count: number): Promise<void> => {
    await owner.query(`update assent.webhook_deliveries set ${column} = ${column} - ${days(count)}`);
  };
  await world.ping(id);
  // Our own clock is ahead: by the database's not a minute has passed.
  engine.clock.advance(5 * 86_400_000);
  expect(await sweepDeliveries(engine.ports)).toBe(0);
  await move("waits_since", 3);
  expect(await sweepDeliveries(engine.ports)).toBe(0);
  await move("waits_since", 7);
  expect(await sweepDeliveries(engine.ports)).toBe(1);
  expect(await world.deliveries(id)).toMatchObject([{ status: "dead", failure: "too_old" }]);
  // Sent again it is new, however old what it tells of.
  expect(value(await world.harness.webhooks.redeliver(engine.caller, id, {}))).toEqual({ redelivered: 1 });
  expect(await sweepDeliveries(engine.ports)).toBe(0);
  expect(await world.deliveries(id)).toMatchObject([{ status: "pending", failure: null }]);
  await move("waits_since", 10);
  expect(await sweepDeliveries(engine.ports)).toBe(1);
  await move("ended_at", 29 + 5);
  expect(await sweepDeliveries(engine.ports)).toBe(0);
  await move("ended_at", 2);
  expect(await sweepDeliveries(engine.ports)).toBe(1);
  expect(await world.deliveries(id)).toEqual([]);
});

test("thirty at once make twenty webhooks, and a place that is left is taken again", async () => {
  await using world = await openWorld([]);
  const { harness, engine } = world;
  const create = async (): ReturnType<typeof harness.webhooks.create> =>
    await harness.webhooks.create(engine.caller, {
      url: "https://hooks.example.org/",
      events: ["run.ended"],
      description: "",
    });
  const made = await Promise.all(Array.from({ length: 30 }, async () => await create()));
  expect(made.filter(({ ok }) => ok)).toHaveLength(20);
  for (const one of made) if (!one.ok) expect(one.error.code).toBe("webhooks_full");
  const [first] = value(await harness.webhooks.list(engine.caller));
  if (first === undefined) throw new Error("there are twenty");
  value(await harness.webhooks.remove(engine.caller, first.id));
  expect([(await create()).ok, (await create()).ok]).toEqual([true, false]);
});

test("no webhook is made of a URL that could mean something else, or goes in the clear", async () => {
  await using world = await openWorld([]);
  const { harness, engine } = world;
  for (const url of [
    "http://hooks.example.org/",
    "https://me:secret@hooks.example.org/",
    "https:///told",
    "file:///etc/passwd",
    "https://2130706433/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::ffff:10.0.0.1]/",
    // Written as it is sent it is longer than what is kept of a URL.
    `https://hooks.example.org/${"é".repeat(1_000)}`,
  ])
    expect(
      await harness.webhooks.create(engine.caller, { url, events: ["run.ended"], description: "" }),
    ).toMatchObject({ ok: false, error: { code: "invalid_request", errors: [{ pointer: "#/url" }] } });
  expect(value(await harness.webhooks.list(engine.caller))).toEqual([]);
});

test.each(["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]"])(
  "nothing is sent to %s, whatever name leads there",
  async (address) => {
    const bare = address.replace(/^\[(.*)\]$/, "$1");
    const post = postTo([], { resolve: async () => await Promise.resolve(["93.184.216.34", bare]) });
    const signal = new AbortController().signal;
    expect(await post.send(`https://${address}/`, {}, "{}", signal)).toEqual({
      ok: false,
      error: "no_public_address",
    });
    expect(await post.send("https://hooks.example.org/", {}, "{}", signal)).toEqual({
      ok: false,
      error: "no_public_address",
    });
  },
);

test("where the configuration names hosts, others are refused when one is made, and when it is sent to", async () => {
  const allow = [{ host: "example.org", wildcard: true, port: null }];
  const post = postTo([], { allow });
  expect(post.check("https://hooks.example.org/x").ok).toBe(true);
  expect(post.check("https://hooks.example.com/x").ok).toBe(false);
  expect(post.check("https://hooks.example.org:8443/x").ok).toBe(false);
  const signal = new AbortController().signal;
  expect(await post.send("https://hooks.example.com/x", {}, "{}", signal)).toEqual({
    ok: false,
    error: "url_refused",
  });
});

test("a receiver that does not answer in time has failed, and so has one that is not there", async () => {
  await using receiver = await startReceiver(() => "hang");
  const { url } = receiver;
  const signal = new AbortController().signal;
  expect(await postTo([receiver], { timeoutMs: 50 }).send(url, {}, '{"type":"x"}', signal)).toEqual({
    ok: false,
    error: "timed_out",
  });
  await receiver[Symbol.asyncDispose]();
  expect(await postTo([receiver]).send(url, {}, "{}", signal)).toEqual({
    ok: false,
    error: "not_reached: ECONNREFUSED",
  });
});
