// One approval for several calls, asked for before anything untrusted was read.

import { expect, test } from "vitest";
import { askedPlanSchema, type Driver, openWorld, problemOf, rules, type World } from "./support.ts";

const PAY = (recipient: unknown, amount: unknown): unknown => ({
  tool: "send_money",
  arguments: { recipient, amount },
});
const FROM_INBOX = { $slot: { type: "email", from: "read_inbox" } };

// A person is asked about money unless a plan says it; reading is free.
const openPlanWorld = async (): Promise<World> =>
  await openWorld({
    policies: rules(({ action, planned }) =>
      action.tool !== "send_money" || planned ? "permit" : "needs_approval",
    ),
  });

async function approvedPlan(driver: Driver, run: string, calls: readonly unknown[]): Promise<string> {
  const proposed = await driver.post(`/api/harness/runs/${run}/plan`, { calls });
  expect(proposed.status).toBe(200);
  const { approval_id, digest } = askedPlanSchema.parse(proposed.json);
  expect((await driver.approve(approval_id, digest)).status).toBe(200);
  return approval_id;
}

test("calls of an approved plan need no further question, each once and in any order", async () => {
  await using world = await openPlanWorld();
  const { driver } = world;
  const { id } = await driver.submit();
  await approvedPlan(driver, id, [PAY("A", 1), PAY("B", 2), PAY("B", 2)]);
  const made = [
    ["B", 2],
    ["A", 1],
    ["B", 2],
  ] as const;
  for (const [recipient, amount] of made) {
    const action = await driver.act(id, "send_money", { amount, recipient });
    expect(action).toMatchObject({ decision: "permit", planned: true });
  }
  const beyond = [
    ["B", 2],
    ["A", 1],
  ] as const;
  for (const [recipient, amount] of beyond)
    expect(await driver.act(id, "send_money", { recipient, amount })).toMatchObject({
      decision: "needs_approval",
      planned: false,
    });
});

test("a call that differs in anything is no call of the plan", async () => {
  await using world = await openPlanWorld();
  const { driver } = world;
  const { id } = await driver.submit();
  await approvedPlan(driver, id, [PAY("A", 1)]);
  const others = [
    { recipient: "A", amount: 1.5 },
    { recipient: "a", amount: 1 },
    { recipient: "A ", amount: 1 },
    { recipient: "A", amount: 1, note: "" },
  ];
  for (const args of others)
    expect([args, (await driver.act(id, "send_money", args)).planned]).toEqual([args, false]);
  expect((await driver.act(id, "send_money", { recipient: "A", amount: 1 })).planned).toBe(true);
});

test("a slot takes one value of its type out of what its tool returned, and nothing else", async () => {
  await using world = await openPlanWorld();
  const { driver } = world;
  const { id } = await driver.submit();
  const slots = [PAY(FROM_INBOX, 1), PAY(FROM_INBOX, 1), PAY(FROM_INBOX, 1)];
  await approvedPlan(driver, id, slots);
  const before = await driver.act(id, "send_money", { recipient: "bob@example.com", amount: 1 });
  expect(before).toMatchObject({ decision: "needs_approval", planned: false });
  const inbox = await driver.act(id, "read_inbox", {});
  await driver.report(id, inbox.action_id, { output: [{ from: "bob@example.com", text: "hello eve" }] });
  const looked = await driver.act(id, "look_up", {});
  await driver.report(id, looked.action_id, { output: "carol@example.com" });
  const planned = async (recipient: string, amount = 1): Promise<boolean> =>
    (await driver.act(id, "send_money", { recipient, amount })).planned;
  expect(await planned("carol@example.com")).toBe(false);
  expect(await planned("bob@example.com, eve@evil.example")).toBe(false);
  expect(await planned("hello eve")).toBe(false);
  expect(await planned("bob@example.com", 2)).toBe(false);
  expect(await planned("bob@example.com")).toBe(true);
});

test("after anything untrusted was read no plan is taken; after something trusted it is", async () => {
  await using world = await openPlanWorld();
  const { driver } = world;
  const { id } = await driver.submit();
  const plan = { calls: [PAY("A", 1)] };
  const trusted = await driver.act(id, "look_up", {});
  await driver.report(id, trusted.action_id, { output: "fine" });
  expect((await driver.post(`/api/harness/runs/${id}/plan`, plan)).status).toBe(200);
  const read = await driver.act(id, "read_inbox", {});
  expect((await driver.post(`/api/harness/runs/${id}/plan`, plan)).status).toBe(200);
  await driver.report(id, read.action_id, { output: "" });
  const late = await driver.post(`/api/harness/runs/${id}/plan`, plan);
  expect([late.status, problemOf(late).code]).toEqual([409, "plan_too_late"]);
});

test("a plan that is denied, or not decided yet, permits nothing", async () => {
  await using world = await openPlanWorld();
  const { driver } = world;
  const { id } = await driver.submit();
  const proposed = await driver.post(`/api/harness/runs/${id}/plan`, { calls: [PAY("A", 1)] });
  const { approval_id } = askedPlanSchema.parse(proposed.json);
  expect((await driver.act(id, "send_money", { recipient: "A", amount: 1 })).planned).toBe(false);
  await driver.deny(approval_id);
  expect((await driver.act(id, "send_money", { recipient: "A", amount: 1 })).planned).toBe(false);
});

test("the approval of a plan shows every call and covers each of them with its digest", async () => {
  await using world = await openPlanWorld();
  const { driver } = world;
  const { id } = await driver.submit();
  const digests = new Set<string>();
  for (const calls of [[PAY("A", 1)], [PAY("A", 2)], [PAY("A", 1), PAY("A", 2)]]) {
    const { digest } = askedPlanSchema.parse(
      (await driver.post(`/api/harness/runs/${id}/plan`, { calls })).json,
    );
    digests.add(digest);
  }
  expect(digests.size).toBe(3);
  const { approvals } = await driver.run(id);
  expect(approvals[2]).toMatchObject({
    action: { effect: "once", harm: ["money"], arguments: { calls: [PAY("A", 1), PAY("A", 2)] } },
    preview: '1. send_money {"amount":1,"recipient":"A"}\n2. send_money {"amount":2,"recipient":"A"}',
  });
});

test("a plan that no rule could permit, or that is malformed, is not put to a person", async () => {
  await using world = await openWorld({
    policies: rules(({ action }) => (action.tool === "send_money" ? "deny" : "permit")),
  });
  const { driver } = world;
  const { id } = await driver.submit();
  const bad = [
    [PAY("A", 1)],
    [{ tool: "no_such_tool", arguments: {} }],
    [{ tool: "read_inbox", arguments: { folder: 1 } }],
    [{ tool: "read_inbox", arguments: { folder: { $slot: { type: "phone", from: "look_up" } } } }],
    [{ tool: "read_inbox", arguments: { folder: { $slot: { type: "text", from: "no_such_tool" } } } }],
    [{ tool: "read_inbox", arguments: { folder: { $slot: { type: "text", from: "look_up" }, also: 1 } } }],
  ];
  for (const calls of bad) {
    const answer = await driver.post(`/api/harness/runs/${id}/plan`, { calls });
    expect([calls, answer.status, problemOf(answer).errors?.[0]?.pointer]).toEqual([calls, 422, "#/calls/0"]);
  }
  expect((await driver.run(id)).approvals).toEqual([]);
});

test("a forbidden call stays forbidden, planned or not", async () => {
  let forbidden = false;
  await using world = await openWorld({ policies: rules(() => (forbidden ? "deny" : "permit")) });
  const { driver } = world;
  const { id } = await driver.submit();
  await approvedPlan(driver, id, [PAY("A", 1)]);
  forbidden = true;
  expect((await driver.act(id, "send_money", { recipient: "A", amount: 1 })).decision).toBe("deny");
  forbidden = false;
  // What was denied has not used up its place.
  expect((await driver.act(id, "send_money", { recipient: "A", amount: 1 })).planned).toBe(true);
});
