// A person's word on calls that are made outside: exact, used once, and never in the way of the other calls.

import { type Run, eventPageSchema } from "@assent/contract";
import { expect, test } from "vitest";
import { APPROVAL_LIFETIME_HOURS } from "../../../packages/harness/src/base/limits.ts";
import { verifyTrail } from "../../../packages/harness/src/cli/verify/trail.ts";
import type { Policies } from "../../../packages/harness/src/core/decide/policy-point.ts";
import { type Driver, openWorld, problemOf, rules, type World } from "./support.ts";

const UNKNOWN = { recipient: "DE02120300000000202051", amount: 7 };

async function expectSoundTrail(driver: Driver, run: Run): Promise<void> {
  const { data } = eventPageSchema.parse((await driver.get(`/api/harness/runs/${run.id}/events`)).json);
  expect(verifyTrail(data, run)).toEqual([]);
}

async function approvalOf(
  driver: Driver,
  run: string,
  id: string | undefined,
): Promise<Run["approvals"][number]> {
  const found = (await driver.run(run)).approvals.find((approval) => approval.id === id);
  if (found === undefined) throw new Error("the approval is there");
  return found;
}

async function askedWorld(policies: Policies = rules(() => "needs_approval")): Promise<World> {
  return await openWorld({ policies });
}

test("an approved action turns to one permit, however often it is asked for", async () => {
  await using world = await askedWorld();
  const { driver } = world;
  const { id } = await driver.submit();
  const asked = await driver.act(id, "send_money", UNKNOWN);
  expect(asked.decision).toBe("needs_approval");
  expect(await driver.read(id, asked.action_id)).toEqual(asked);
  const early = await driver.report(id, asked.action_id, { output: 1 });
  expect([early.status, problemOf(early).code]).toEqual([409, "action_not_permitted"]);

  const approval = await approvalOf(driver, id, asked.approval_id);
  expect(approval.action).toMatchObject({ tool: "send_money", arguments: UNKNOWN });
  expect((await driver.approve(approval.id, approval.action_digest)).status).toBe(200);
  // Approved is not yet handed out: whoever reports now has not read the decision.
  expect(problemOf(await driver.report(id, asked.action_id, { output: 1 })).code).toBe(
    "action_not_permitted",
  );

  const permits = await Promise.all(
    Array.from({ length: 10 }, async () => await driver.read(id, asked.action_id)),
  );
  expect(new Set(permits.map((permit) => JSON.stringify(permit))).size).toBe(1);
  expect(permits[0]).toMatchObject({ decision: "permit", approval_id: approval.id });
  expect(permits[0]?.effect_id).toMatch(/^sha256:/);
  expect((await driver.report(id, asked.action_id, { output: 1 })).status).toBe(200);
  expect(problemOf(await driver.report(id, asked.action_id, { output: 1 })).code).toBe(
    "result_already_reported",
  );
  const run = await driver.run(id);
  expect(run.approvals).toMatchObject([{ status: "spent" }]);
  expect(run.steps.map((step) => [step.kind, step.state])).toEqual([
    ["gate", "succeeded"],
    ["tool", "succeeded"],
  ]);
  await expectSoundTrail(driver, run);
});

test("an approval is for one call: the same call again needs another", async () => {
  await using world = await askedWorld();
  const { driver } = world;
  const { id } = await driver.submit();
  const first = await driver.act(id, "send_money", UNKNOWN);
  const approval = await approvalOf(driver, id, first.approval_id);
  await driver.approve(approval.id, approval.action_digest);
  expect((await driver.read(id, first.action_id)).decision).toBe("permit");
  const second = await driver.act(id, "send_money", UNKNOWN);
  expect(second.decision).toBe("needs_approval");
  expect(second.approval_id).not.toBe(first.approval_id);
  const other = await approvalOf(driver, id, second.approval_id);
  expect(other.action_digest).not.toBe(approval.action_digest);
  const wrong = await driver.approve(other.id, approval.action_digest);
  expect(problemOf(wrong).code).toBe("approval_digest_mismatch");
});

test("questions stand open beside the run, which goes on; each is answered by itself", async () => {
  await using world = await openWorld({
    policies: rules(({ action }) => (action.tool === "send_money" ? "needs_approval" : "permit")),
  });
  const { driver } = world;
  const { id } = await driver.submit();
  const asked = [
    await driver.act(id, "send_money", { ...UNKNOWN, amount: 1 }),
    await driver.act(id, "send_money", { ...UNKNOWN, amount: 2 }),
    await driver.act(id, "send_money", { ...UNKNOWN, amount: 3 }),
  ];
  const read = await driver.act(id, "read_inbox", {});
  expect((await driver.report(id, read.action_id, { output: "mail" })).status).toBe(200);
  expect((await driver.run(id)).status).toBe("running");
  const [first, second] = [
    await approvalOf(driver, id, asked[0]?.approval_id),
    await approvalOf(driver, id, asked[1]?.approval_id),
  ];
  await driver.approve(first.id, first.action_digest);
  await driver.deny(second.id);
  const answers = await Promise.all(asked.map(async ({ action_id }) => await driver.read(id, action_id)));
  expect(answers.map(({ decision }) => decision)).toEqual(["permit", "deny", "needs_approval"]);
  expect(answers[1]?.reasons).toEqual([{ code: "approval_denied", detail: "No." }]);
  await expectSoundTrail(driver, await driver.run(id));
});

test("a waiting read answers when the decision comes, and when its time is over", async () => {
  await using world = await askedWorld();
  const { driver } = world;
  const { id } = await driver.submit();
  const asked = await driver.act(id, "send_money", UNKNOWN);
  const approval = await approvalOf(driver, id, asked.approval_id);
  const waiting = driver.read(id, asked.action_id, 60);
  const short = await driver.read(id, asked.action_id, 1);
  expect(short.decision).toBe("needs_approval");
  await driver.approve(approval.id, approval.action_digest);
  expect((await waiting).decision).toBe("permit");
});

test("nobody decides in time: a denial, and no later word changes it", async () => {
  await using world = await askedWorld();
  const { driver, engine } = world;
  const { id } = await driver.submit();
  const asked = await driver.act(id, "send_money", UNKNOWN);
  const approval = await approvalOf(driver, id, asked.approval_id);
  engine.clock.advance(APPROVAL_LIFETIME_HOURS * 3_600_000 + 1_000);
  expect(problemOf(await driver.approve(approval.id, approval.action_digest)).code).toBe("approval_expired");
  expect(await engine.sweep()).toBe(1);
  expect(await driver.read(id, asked.action_id)).toMatchObject({
    decision: "deny",
    reasons: [{ code: "approval_expired" }],
  });
  const run = await driver.run(id);
  expect([run.status, run.approvals[0]?.status]).toEqual(["running", "expired"]);
  await expectSoundTrail(driver, run);
});

test("an edit is refused: what is carried out outside cannot be changed from here", async () => {
  await using world = await askedWorld();
  const { driver } = world;
  const { id } = await driver.submit();
  const asked = await driver.act(id, "send_money", UNKNOWN);
  const { action_digest } = await approvalOf(driver, id, asked.approval_id);
  const edited = await driver.post("/api/harness/approve", {
    approval_id: asked.approval_id,
    decision: "approve",
    action_digest,
    arguments: { ...UNKNOWN, amount: 1 },
  });
  expect([edited.status, problemOf(edited).code]).toEqual([422, "edit_refused"]);
  expect((await driver.read(id, asked.action_id)).decision).toBe("needs_approval");
});

test("rules that changed while a person thought are asked again, and a deny wins", async () => {
  const before = rules(() => "needs_approval");
  const after = { ...rules(() => "deny"), version: `sha256:${"2".repeat(64)}` } as const;
  let inForce: Policies = before;
  await using world = await askedWorld({
    rules: [],
    get version() {
      return inForce.version;
    },
    decide: (request) => inForce.decide(request),
  });
  const { driver } = world;
  const { id } = await driver.submit();
  const asked = await driver.act(id, "send_money", UNKNOWN);
  const approval = await approvalOf(driver, id, asked.approval_id);
  await driver.approve(approval.id, approval.action_digest);
  inForce = after;
  expect(await driver.read(id, asked.action_id)).toMatchObject({
    decision: "deny",
    reasons: [{ code: "deny" }],
  });
  expect((await approvalOf(driver, id, asked.approval_id)).status).toBe("cancelled");
  expect(problemOf(await driver.report(id, asked.action_id, { output: 1 })).code).toBe(
    "action_not_permitted",
  );
  await expectSoundTrail(driver, await driver.run(id));
});

test("calling the run off takes back what was approved and not yet permitted", async () => {
  await using world = await askedWorld();
  const { driver } = world;
  const { id } = await driver.submit();
  const asked = await driver.act(id, "send_money", UNKNOWN);
  const approval = await approvalOf(driver, id, asked.approval_id);
  await driver.approve(approval.id, approval.action_digest);
  expect((await driver.post(`/api/harness/runs/${id}/cancel`, {})).json).toMatchObject({
    status: "cancelled",
  });
  expect(await driver.read(id, asked.action_id)).toMatchObject({
    decision: "deny",
    reasons: [{ code: "run_finished" }],
  });
  await expectSoundTrail(driver, await driver.run(id));
});

test("rules that want more than was given put the question anew, under the same action", async () => {
  const before = rules(() => "needs_approval");
  const stricter: Policies = {
    ...before,
    version: `sha256:${"2".repeat(64)}`,
    decide: (request) => ({
      ...before.decide(request),
      assent: { quorum: 2, separateDuties: false, timeoutMs: 3_600_000, onTimeout: "deny" },
    }),
  };
  let inForce: Policies = before;
  await using world = await askedWorld({
    rules: [],
    get version() {
      return inForce.version;
    },
    decide: (request) => inForce.decide(request),
  });
  const { driver } = world;
  const { id } = await driver.submit();
  const asked = await driver.act(id, "send_money", UNKNOWN);
  const first = await approvalOf(driver, id, asked.approval_id);
  await driver.approve(first.id, first.action_digest);
  inForce = stricter;
  const again = await driver.read(id, asked.action_id);
  expect(again.decision).toBe("needs_approval");
  expect(again.approval_id).not.toBe(first.id);
  const second = await approvalOf(driver, id, again.approval_id);
  const one = await world.newDriver("one person", { kind: "human" });
  await one.approve(second.id, second.action_digest);
  // One of two: the same person again counts once.
  await one.approve(second.id, second.action_digest);
  expect((await driver.read(id, asked.action_id)).decision).toBe("needs_approval");
  await (await world.newDriver("another person", { kind: "human" })).approve(second.id, second.action_digest);
  expect((await driver.read(id, asked.action_id)).decision).toBe("permit");
  await expectSoundTrail(driver, await driver.run(id));
});

test("what a person answered for good is not asked again", async () => {
  await using world = await askedWorld();
  const { driver } = world;
  const { id } = await driver.submit({ tools: [{ name: "post", harm: ["write"], effect: "once" }] });
  const asked = await driver.act(id, "post", { text: "hello" });
  const approval = await approvalOf(driver, id, asked.approval_id);
  const answer = { approval_id: approval.id, decision: "approve", action_digest: approval.action_digest };
  const person = await world.newDriver("person", { kind: "human" });
  expect((await person.post("/api/harness/approve", { ...answer, remember: true })).status).toBe(200);
  const again = await driver.act(id, "post", { text: "hello" });
  expect(again.decision).toBe("permit");
  expect(again.reasons.map(({ code }) => code)).toContain("precedent");
  expect((await driver.act(id, "post", { text: "hello!" })).decision).toBe("needs_approval");
});

test("what was remembered of one declared agent answers for no other", async () => {
  await using world = await askedWorld();
  const { driver } = world;
  const post = { name: "post", effect: "once", harm: ["write"], control_arguments: [] };
  const declared = { system: "You post.", tools: [post], approver: "ask" };
  const first = await driver.submit(declared);
  const asked = await driver.act(first.id, "post", { text: "good morning" });
  const approval = await approvalOf(driver, first.id, asked.approval_id);
  const answer = { approval_id: approval.id, decision: "approve", action_digest: approval.action_digest };
  const person = await world.newDriver("rememberer", { kind: "human" });
  expect((await person.post("/api/harness/approve", { ...answer, remember: true })).status).toBe(200);
  const verdictUnder = async (other: Record<string, unknown>): Promise<string> => {
    const { id } = await driver.submit({ ...declared, ...other });
    return (await driver.act(id, "post", { text: "good morning" })).decision;
  };
  expect(await verdictUnder({ task: "Something else." })).toBe("permit");
  expect(await verdictUnder({ system: "You post more." })).toBe("needs_approval");
  expect(await verdictUnder({ tools: [post, { name: "other" }] })).toBe("needs_approval");
});
