import { afterEach, beforeEach, expect, test } from "vitest";
import { CREATED_WEBHOOK, DELIVERY, WEBHOOK } from "../api/samples.ts";
import { assent, json } from "./support/command.ts";
import { type FakeHarness, sendJson, sendProblem, startFakeHarness } from "./support/fake-harness.ts";

let fake: FakeHarness;
beforeEach(async () => void (fake = await startFakeHarness()));
afterEach(async () => await fake.close());

const ALL = /^\/api\/harness\/webhooks/u;

test("webhooks create: what was asked for is sent, the secret is shown, and that it is shown once", async () => {
  fake.intercept("POST", ALL, (response) => {
    sendJson(response, 201, CREATED_WEBHOOK);
  });
  const words = ["webhooks", "create", WEBHOOK.url, "--event", "run.ended,approval.requested"];
  const done = await assent(fake, [...words, "--description", "a room"]);
  expect(fake.received[0]?.body).toEqual({
    url: WEBHOOK.url,
    events: ["run.ended", "approval.requested"],
    description: "a room",
  });
  expect(done.terminal.stdout()).toContain(CREATED_WEBHOOK.secret);
  expect(done.terminal.stdout()).toContain("shown this once");
  // What no server would take is not sent.
  expect((await assent(fake, ["webhooks", "create", WEBHOOK.url, "--event", "run.begun"])).code).toBe(2);
  expect((await assent(fake, [...words, "--event", "run.ended"])).code).toBe(2);
  expect((await assent(fake, [...words, "--description", "two\nlines"])).code).toBe(2);
  expect(fake.received).toHaveLength(1);
});

test("webhooks list: which are on, which fail, which are off", async () => {
  const failing = { ...WEBHOOK, failures: 3, paused_until: "2027-01-01T00:00:00.000Z" };
  fake.intercept("GET", ALL, (response) => {
    sendJson(response, 200, { data: [WEBHOOK, failing, { ...WEBHOOK, status: "off" }] });
  });
  const done = await assent(fake, ["webhooks", "list"]);
  const [, on, fails, off] = done.terminal.stdout().trimEnd().split("\n");
  expect(on).toMatch(/ on$/);
  expect(on).toContain(WEBHOOK.description);
  expect(fails).toMatch(/on, 3 failed in a row, next /);
  expect(off).toMatch(/off: it answered 410$/);
});

test("webhooks rotate, enable, remove, ping: each asks for what it says", async () => {
  fake.intercept(
    "POST",
    /./u,
    (response, request) => {
      const { path } = request;
      sendJson(
        response,
        200,
        path.endsWith("/rotate") ? CREATED_WEBHOOK : path.endsWith("/ping") ? DELIVERY : WEBHOOK,
      );
    },
    3,
  );
  fake.intercept("DELETE", ALL, (response) => {
    sendJson(response, 200, WEBHOOK);
  });
  const { id } = WEBHOOK;
  const rotated = await assent(fake, ["webhooks", "rotate", id, "--overlap", "15m"]);
  expect(rotated.terminal.stdout()).toContain(CREATED_WEBHOOK.secret);
  expect((await assent(fake, ["webhooks", "enable", id])).terminal.stdout()).toContain("again");
  expect((await assent(fake, ["webhooks", "ping", id])).terminal.stdout()).toContain(DELIVERY.id);
  expect((await assent(fake, ["webhooks", "remove", id])).terminal.stdout()).toContain("any more");
  expect(fake.received.map(({ method, path, body }) => [method, path.slice(-7), body])).toEqual([
    ["POST", "/rotate", { overlap_seconds: 900 }],
    ["POST", "/enable", undefined],
    ["POST", `77/ping`, undefined],
    ["DELETE", id.slice(-7), undefined],
  ]);
  expect((await assent(fake, ["webhooks", "ping", "key_1"])).code).toBe(2);
});

test("webhooks deliveries and redeliver: what became of them, and which are sent again", async () => {
  fake.intercept("GET", ALL, (response) => {
    const waits = {
      ...DELIVERY,
      status: "pending",
      next_attempt_at: "2027-01-01T00:00:00.000Z",
      ended_at: null,
    };
    const held = { ...waits, next_attempt_at: null, attempts: 1, failure: "gone" };
    sendJson(response, 200, { data: [waits, DELIVERY, held], next_cursor: "there" });
  });
  const listed = await assent(fake, [
    "webhooks",
    "deliveries",
    WEBHOOK.id,
    "--status",
    "dead",
    "--limit",
    "2",
  ]);
  expect(Object.fromEntries(fake.received[0]?.query.entries() ?? [])).toEqual({ status: "dead", limit: "2" });
  const [, waits, dead, held, more] = listed.terminal.stdout().trimEnd().split("\n");
  expect(waits).toMatch(/waits, 10 attempts: status_500, next /);
  expect(dead).toMatch(/dead, 10 attempts: status_500$/);
  expect(held).toMatch(/waits, 1 attempt: gone$/);
  expect(more).toBe("More: --cursor there");
  fake.intercept(
    "POST",
    ALL,
    (response) => {
      sendJson(response, 202, { redelivered: 1 });
    },
    2,
  );
  const again = await assent(fake, ["webhooks", "redeliver", WEBHOOK.id, DELIVERY.id]);
  expect(again.terminal.stdout()).toBe("1 message is sent again.\n");
  expect(json(await assent(fake, ["webhooks", "redeliver", WEBHOOK.id, "--json"]))).toEqual({
    redelivered: 1,
  });
  expect(fake.received.slice(1).map(({ body }) => body)).toEqual([{ deliveries: [DELIVERY.id] }, {}]);
  fake.intercept("POST", ALL, (response) => {
    sendProblem(response, "webhook_off", "It answered 410 and wants no more messages.");
  });
  const refused = await assent(fake, ["webhooks", "redeliver", WEBHOOK.id]);
  expect(refused.code).not.toBe(0);
  expect(refused.terminal.stderr()).toContain("assent webhooks enable");
});
