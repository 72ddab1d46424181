// How people decide is counted from what they decided: of their tenant, of these days, and each answer once.

import type { ApproveRequest, Approval, Quality, RunId } from "@assent/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import { answering, countingTool, type Engine, openEngine, policiesOf, value } from "../../support/engine.ts";

const ACT = `@id("act") permit (principal, action == Action::"call", resource);`;
const policies = policiesOf({
  texts: {
    "test.cedar": `${ACT}
      @id("one") @needs_approval forbid (principal, action == Action::"call", resource == Tool::"count");
      @id("two") @needs_approval @quorum("2") forbid (principal, action == Action::"call", resource == Tool::"pay");`,
  },
});

let engine: Engine;
let [ann, ben]: [Caller | undefined, Caller | undefined] = [undefined, undefined];
let amount = 0;

/** The tool is the task; each call is another one. */
const models = {
  ...answering(() => ({ text: "Done." })),
  call: async (...args: Parameters<ReturnType<typeof answering>["call"]>) => {
    const [first] = args[0].messages;
    const tool = first?.role === "user" && first.text.includes("pay") ? "pay" : "count";
    amount += 1;
    const call = { id: "c1", tool, arguments: { amount } };
    return await answering((turn) => (turn === 0 ? { calls: [call] } : { text: "Done." })).call(...args);
  },
};

beforeEach(async () => {
  engine = await openEngine({
    models,
    tools: [countingTool("count", "once"), countingTool("pay", "once")],
    policies,
  });
  await engine.startWorker();
  ann = await engine.newCaller("ann", "default", "human");
  ben = await engine.newCaller("ben", "default", "human");
});
afterEach(async () => {
  await engine[Symbol.asyncDispose]();
});

async function asked(task: string): Promise<{ id: RunId; approval: Approval }> {
  const id = await engine.submit(task);
  const run = await engine.reaches(id, "awaiting_approval");
  const [approval] = run.approvals;
  if (approval === undefined) throw new Error("nobody is asked");
  return { id, approval };
}

async function say(
  who: Caller | undefined,
  { approval }: { approval: Approval },
  decision: "approve" | "deny",
  rest: Partial<ApproveRequest> = {},
): Promise<void> {
  if (who === undefined) throw new Error("they have keys");
  const request =
    decision === "approve"
      ? { approval_id: approval.id, decision, action_digest: approval.action_digest }
      : { approval_id: approval.id, decision, comment: "No." };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  value(await engine.harness.decide(who, { ...request, ...rest } as ApproveRequest));
}

const told = async (days = 30, caller = engine.caller): Promise<Quality> =>
  await engine.harness.getQuality(caller, days);

const rowsOf = ({ data }: Quality): unknown[] =>
  // The clock goes on while a test works; by less than half of this.
  data.map((one) => [
    one.name,
    one.answered,
    one.approved,
    Math.round(one.median_seconds / 1_000) * 1_000,
    one.reversed,
  ]);

test("answers are counted by who gave them, with the share of yeses and how long half of them took at most", async () => {
  for (const [seconds, decision] of [
    [1_000, "approve"],
    [2_000, "approve"],
    [9_000, "deny"],
  ] as const) {
    const question = await asked("count");
    engine.clock.advance(seconds * 1_000);
    await say(ann, question, decision);
  }
  const question = await asked("count");
  engine.clock.advance(5_000_000);
  await say(ben, question, "deny");
  const quality = await told();
  expect(rowsOf(quality)).toEqual([
    ["ann", 3, 2, 2_000, 0],
    ["ben", 1, 0, 5_000, 0],
  ]);
  expect(quality.data[0]?.approved_share).toBeCloseTo(2 / 3);
  expect(quality).toMatchObject({ unanswered: 0, complete: true });
  // Another tenant sees nothing of it.
  expect((await told(30, await engine.newCaller("eve", "elsewhere"))).data).toEqual([]);
});

test("where several people have to agree each one's yes is one answer, the last one's too, and a no is one", async () => {
  const first = await asked("pay");
  engine.clock.advance(5_000_000);
  await say(ann, first, "approve");
  engine.clock.advance(5_000_000);
  await say(ben, first, "approve");
  const second = await asked("pay");
  engine.clock.advance(1_000_000);
  await say(ann, second, "approve");
  engine.clock.advance(1_000_000);
  await say(ann, second, "deny");
  expect(rowsOf(await told())).toEqual([
    ["ann", 3, 2, 2_000, 0],
    ["ben", 1, 1, 10_000, 0],
  ]);
});

test("answers that were given for good and are taken back, or answered otherwise, count as such with who gave them", async () => {
  const forGood = { remember: true as const };
  const [kept, revoked] = [await asked("count"), await asked("count")];
  engine.clock.advance(1_000);
  await say(ann, kept, "approve", forGood);
  await say(ann, await asked("count"), "approve");
  engine.clock.advance(1_000);
  await say(ann, revoked, "approve", forGood);
  expect((await told()).data.map(({ reversed }) => reversed)).toEqual([0]);
  const { data } = value(await engine.harness.listPrecedents(engine.caller, { limit: 10, cursor: null }));
  const newest = data.toSorted((a, b) => (a.decided_at < b.decided_at ? 1 : -1))[0];
  value(await engine.harness.revokePrecedent(engine.caller, newest?.id ?? "", { reason: "No." }));
  expect(rowsOf(await told())).toEqual([["ann", 3, 3, expect.any(Number), 1]]);
  // Another answer of somebody to the very same question weighs against the one before.
  await engine.database
    .ownerPool()
    .query(
      `update assent.harmony_resolutions set record = replace(record::text, '"overridden_count":0', '"overridden_count":1')::json where not revoked`,
    );
  expect(rowsOf(await told())).toEqual([["ann", 3, 3, expect.any(Number), 2]]);
});

test("what was answered before these days is not counted, what nobody answered is, as such", async () => {
  const old = await asked("count");
  await say(ann, old, "approve");
  await engine.reaches(old.id, "succeeded");
  engine.clock.advance(2 * 86_400_000);
  const { id } = await asked("count");
  const late = await asked("count");
  await say(ben, late, "approve");
  await engine.reaches(late.id, "succeeded");
  expect(rowsOf(await told(1)).map((row) => Object(row)[0])).toEqual(["ben"]);
  expect((await told(3)).data.map(({ name }) => name)).toEqual(["ann", "ben"]);
  engine.clock.advance(4 * 86_400_000);
  await engine.sweep();
  await engine.reaches(id, "succeeded", "failed");
  expect(await told(5)).toMatchObject({ unanswered: 1, data: [{ name: "ben" }] });
});
