// What a webhook is sent, how it is signed, and what becomes of messages that are not taken (Standard Webhooks).

import { type Delivery, WEBHOOK_MESSAGES, WEBHOOK_PING, type WebhookEvent } from "@assent/contract";
import { Webhook as Verifier } from "standardwebhooks";
import { expect, test } from "vitest";
import { z } from "zod";
import { answering, countingTool, value } from "../../support/engine.ts";
import { until } from "../../support/until.ts";
import { type Answer, type Received, startReceiver } from "../../support/webhook-receiver.ts";
import { openWorld } from "./world.ts";

const SECRET_WORDS = "the account of Ada Lovelace";

const asking = {
  tools: [countingTool("send", "once")],
  agent: { tools: ["send"] },
  models: answering((turn) =>
    turn === 0
      ? { calls: [{ id: "c1", tool: "send", arguments: { id: SECRET_WORDS, amount: 1 } }] }
      : { text: `Done with ${SECRET_WORDS}.` },
  ),
};

const textHeaders = ({ headers }: Received): Record<string, string> =>
  z.record(z.string(), z.string()).parse(headers);

const isMessage = (type: string): type is WebhookEvent | typeof WEBHOOK_PING =>
  Object.hasOwn(WEBHOOK_MESSAGES, type);

const states = (deliveries: readonly Delivery[]): string[] =>
  deliveries.map(({ type, status, failure }) => `${type} ${status} ${failure ?? ""}`.trim());

test("who is asked for, what was said and how it ended: told once each, thin, and good to the reference verifier", async () => {
  await using receiver = await startReceiver();
  await using world = await openWorld([receiver], asking);
  const { engine } = world;
  const { id, secret } = await world.create(receiver);
  world.startSender();
  await engine.startWorker();
  const run = await engine.submit(`Look at ${SECRET_WORDS}.`);
  const [approval] = (await engine.reaches(run, "awaiting_approval")).approvals;
  if (approval === undefined) throw new Error("it asks");
  const decision = {
    approval_id: approval.id,
    decision: "approve",
    action_digest: approval.action_digest,
  } as const;
  value(await engine.harness.decide(engine.caller, { ...decision, comment: SECRET_WORDS }));
  await engine.reaches(run, "succeeded");
  await world.reaches("three messages", async () => (await world.deliveries(id, "delivered")).length === 3);
  const verifier = new Verifier(secret);
  const told = receiver.received.map((message) => {
    // It throws where the signature is another.
    const body = verifier.verify(message.body, textHeaders(message));
    const shape = isMessage(message.type) ? WEBHOOK_MESSAGES[message.type] : z.never();
    return shape.parse(body);
  });
  expect(
    told
      .map(({ data, ...rest }) => ({ ...rest, ...data }))
      .toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : 1)),
  ).toEqual([
    {
      type: "approval.requested",
      timestamp: expect.any(String),
      run_id: run,
      version: expect.any(Number),
      agent: "tester",
      approval_id: approval.id,
      subject: "action",
      tool: "send",
      expires_at: approval.expires_at,
    },
    {
      type: "approval.decided",
      timestamp: expect.any(String),
      run_id: run,
      version: expect.any(Number),
      agent: "tester",
      approval_id: approval.id,
      decision: "approved",
    },
    {
      type: "run.ended",
      timestamp: expect.any(String),
      run_id: run,
      version: expect.any(Number),
      agent: "tester",
      status: "succeeded",
    },
  ]);
  expect(JSON.stringify(receiver.received)).not.toContain("Lovelace");
  expect(new Set(receiver.received.map((message) => message.id)).size).toBe(3);
});

test("only what was asked for is told, and nothing of before", async () => {
  await using receiver = await startReceiver();
  await using world = await openWorld([receiver]);
  const { engine } = world;
  await engine.startWorker();
  await engine.reaches(await engine.submit(), "succeeded");
  const { id } = await world.create(receiver, ["run.ended"]);
  const { id: asked } = await world.create(receiver, ["approval.requested", "approval.decided"]);
  expect(await world.deliveries(id)).toEqual([]);
  const run = await engine.submit();
  await engine.reaches(run, "succeeded");
  // It is there as soon as its event is, though nobody sends.
  expect((await world.deliveries(id)).map(({ type, run_id, status }) => [type, run_id, status])).toEqual([
    ["run.ended", run, "pending"],
  ]);
  expect(await world.deliveries(asked)).toEqual([]);
});

test("what is not taken is sent again, under one id and with one body, each time signed anew", async () => {
  await using receiver = await startReceiver((_, nth): Answer => (nth < 3 ? 500 : 200));
  await using world = await openWorld([receiver]);
  const { id, secret } = await world.create(receiver);
  const pinged = await world.ping(id);
  world.startSender();
  await world.reaches("it is taken", async () => (await world.deliveries(id, "delivered")).length === 1);
  expect(receiver.received.map((message) => message.id)).toEqual(Array.from({ length: 3 }, () => pinged.id));
  expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
  const [first = 0, second = 0, third = 0] = receiver.received.map(({ headers }) =>
    Number(headers["webhook-timestamp"]),
  );
  // 5 s, then 5 min: what Standard Webhooks advises, and a tenth by chance.
  expect(second - first).toBeGreaterThanOrEqual(5);
  expect(second - first).toBeLessThan(40);
  expect(third - second).toBeGreaterThanOrEqual(299);
  expect(third - second).toBeLessThan(380);
  const verifier = new Verifier(secret);
  for (const { id: message, body, headers } of receiver.received)
    expect(headers["webhook-signature"]).toBe(
      verifier.sign(message, new Date(Number(headers["webhook-timestamp"]) * 1_000), body),
    );
  const [delivery] = await world.deliveries(id);
  expect(delivery).toMatchObject({ id: pinged.id, attempts: 3, failure: null, response_status: 200 });
  expect(value(await world.harness.webhooks.list(world.engine.caller))).toMatchObject([
    { failures: 0, paused_until: null },
  ]);
});

test("after ten attempts it is given up, and sent again when somebody asks for that", async () => {
  let isWell = false;
  await using receiver = await startReceiver(() => (isWell ? 200 : 503));
  await using world = await openWorld([receiver]);
  const { id } = await world.create(receiver);
  const first = await world.ping(id);
  world.startSender();
  await world.reaches("it is given up", async () => (await world.deliveries(id, "dead")).length === 1);
  expect(receiver.received).toHaveLength(10);
  expect(await world.deliveries(id)).toMatchObject([
    { attempts: 10, failure: "status_503", next_attempt_at: null },
  ]);
  const { harness, engine } = world;
  expect(
    await harness.webhooks.redeliver(engine.caller, id, { deliveries: [first.id, `msg_${"0".repeat(32)}`] }),
  ).toMatchObject({ ok: false, error: { code: "delivery_not_found" } });
  expect(states(await world.deliveries(id))).toEqual([`${WEBHOOK_PING} dead status_503`]);
  expect(value(await harness.webhooks.redeliver(engine.caller, id, {}))).toEqual({ redelivered: 1 });
  // As if it were new: one failure more is not the last one.
  await world.reaches("it failed once more", () => receiver.received.length > 10);
  await until("that is kept", async () =>
    (await world.deliveries(id)).some(({ failure }) => failure !== null),
  );
  expect(await world.deliveries(id)).toMatchObject([{ status: "pending", attempts: 11 }]);
  isWell = true;
  await world.reaches("it is taken", async () => (await world.deliveries(id, "delivered")).length === 1);
  expect(new Set(receiver.received.map((message) => message.id))).toEqual(new Set([first.id]));
  // Delivered ones are sent again by their name only.
  expect(value(await harness.webhooks.redeliver(engine.caller, id, {}))).toEqual({ redelivered: 0 });
  expect(value(await harness.webhooks.redeliver(engine.caller, id, { deliveries: [first.id] }))).toEqual({
    redelivered: 1,
  });
});

test("while a secret is replaced messages carry both signatures, and afterwards the new one's", async () => {
  await using receiver = await startReceiver();
  await using world = await openWorld([receiver]);
  const { id, secret: old } = await world.create(receiver);
  const { secret, previous_secret_until } = value(
    await world.harness.webhooks.rotate(world.engine.caller, id, { overlap_seconds: 60 }),
  );
  expect(secret).not.toBe(old);
  expect(previous_secret_until).not.toBeNull();
  world.startSender();
  await world.ping(id);
  const delivered = async (): Promise<number> => (await world.deliveries(id, "delivered")).length;
  await world.reaches("it is taken", async () => (await delivered()) === 1);
  const [during] = receiver.received;
  if (during === undefined) throw new Error("it came");
  for (const each of [old, secret])
    expect(() => new Verifier(each).verify(during.body, textHeaders(during))).not.toThrow();
  world.engine.clock.advance(61_000);
  await world.ping(id);
  await world.reaches("the next one is taken", async () => (await delivered()) === 2);
  const after = receiver.received[1];
  if (after === undefined) throw new Error("it came");
  expect(() => new Verifier(secret).verify(after.body, textHeaders(after))).not.toThrow();
  expect(() => new Verifier(old).verify(after.body, textHeaders(after))).toThrow("No matching signature");
});

test("who answers 410 is told no more until somebody switches it on; what waited comes then", async () => {
  let answer = 410;
  await using receiver = await startReceiver(() => answer);
  await using world = await openWorld([receiver]);
  const { harness, engine } = world;
  const { id } = await world.create(receiver, ["run.ended"]);
  const pinged = await world.ping(id);
  world.startSender();
  const isOff = async (): Promise<boolean> =>
    value(await harness.webhooks.list(engine.caller)).some(({ status }) => status === "off");
  await world.reaches("it is off", isOff);
  await engine.startWorker();
  await engine.reaches(await engine.submit(), "succeeded");
  expect(await harness.webhooks.ping(engine.caller, id)).toMatchObject({
    ok: false,
    error: { code: "webhook_off" },
  });
  expect(await harness.webhooks.redeliver(engine.caller, id, {})).toMatchObject({
    ok: false,
    error: { code: "webhook_off" },
  });
  engine.clock.advance(600_000);
  expect(await world.deliveries(id)).toMatchObject([
    { id: pinged.id, status: "pending", response_status: 410, next_attempt_at: null },
  ]);
  expect(receiver.received).toHaveLength(1);
  const events = value(await harness.listAccessEvents(engine.caller, null)).data;
  expect(events.map(({ kind, actor }) => [kind, actor?.name ?? null]).slice(0, 2)).toEqual([
    ["webhook_gone", null],
    ["webhook_created", "requester"],
  ]);
  answer = 200;
  value(await harness.webhooks.enable(engine.caller, id));
  await world.reaches(
    "what waited is taken",
    async () => (await world.deliveries(id, "delivered")).length === 1,
  );
});

test.each([
  ["seconds", { "retry-after": "1800" }, 1_800],
  [
    "a date",
    { "retry-after": "Sun, 22 Nov 2026 13:00:00 GMT", date: "Sun, 22 Nov 2026 12:30:00 GMT" },
    1_800,
  ],
  ["more than an hour", { "retry-after": "864000" }, 3_600],
])("who asks for time in %s is given it, with all messages", async (_, headers, seconds) => {
  await using receiver = await startReceiver(() => ({ status: 429, headers }));
  await using other = await startReceiver();
  await using world = await openWorld([receiver, other]);
  const { id } = await world.create(receiver);
  const asked = world.engine.clock.now().getTime();
  await world.ping(id);
  const sender = world.startSender();
  // No time goes by but as it does.
  await until("it was answered", async () =>
    (await world.deliveries(id)).some(({ failure }) => failure !== null),
  );
  const [webhook] = value(await world.harness.webhooks.list(world.engine.caller));
  const [delivery] = await world.deliveries(id);
  for (const time of [webhook?.paused_until, delivery?.next_attempt_at]) {
    expect(Date.parse(time ?? "") - asked).toBeGreaterThanOrEqual(seconds * 1_000);
    expect(Date.parse(time ?? "") - asked).toBeLessThan(seconds * 1_000 + 60_000);
  }
  // Somebody else is told meanwhile: so it was looked.
  await world.ping(id);
  world.engine.clock.advance(seconds * 500);
  await world.ping((await world.create(other)).id);
  sender.look();
  await until("the other one is told", () => other.received.length === 1);
  expect(receiver.received).toHaveLength(1);
});

test("a redirect leads nowhere, and is a failure like any other", async () => {
  await using elsewhere = await startReceiver();
  await using receiver = await startReceiver(() => ({ status: 307, headers: { location: elsewhere.url } }));
  await using world = await openWorld([receiver, elsewhere]);
  const { id } = await world.create(receiver);
  await world.ping(id);
  world.startSender();
  await world.reaches("it was answered", async () =>
    (await world.deliveries(id)).some(({ failure }) => failure !== null),
  );
  expect(await world.deliveries(id)).toMatchObject([{ status: "pending", failure: "status_307" }]);
  expect(elsewhere.received).toEqual([]);
});

test("one that is removed is told nothing more; what waited for it is given up", async () => {
  await using receiver = await startReceiver(() => 500);
  await using world = await openWorld([receiver]);
  const { harness, engine } = world;
  const { id } = await world.create(receiver);
  await world.ping(id);
  world.startSender();
  await world.reaches("it has failed", async () =>
    (await world.deliveries(id)).some(({ failure }) => failure !== null),
  );
  value(await harness.webhooks.remove(engine.caller, id));
  await engine.startWorker();
  await engine.reaches(await engine.submit(), "succeeded");
  engine.clock.advance(600_000);
  expect(value(await harness.webhooks.list(engine.caller))).toEqual([]);
  const { rows } = await engine.database
    .ownerPool()
    .query("select state, failure from assent.webhook_deliveries order by at");
  expect(rows).toEqual([{ state: "dead", failure: "webhook_removed" }]);
  for (const asked of [
    harness.webhooks.remove(engine.caller, id),
    harness.webhooks.deliveries(engine.caller, id, { status: null, limit: 1, cursor: null }),
    harness.webhooks.ping(engine.caller, id),
    harness.webhooks.rotate(engine.caller, id, { overlap_seconds: 0 }),
  ])
    expect(await asked).toMatchObject({ ok: false, error: { code: "webhook_not_found" } });
});
