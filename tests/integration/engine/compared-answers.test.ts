// Whoever is asked sees what was answered to the closest question before, and what is different this time.

import type { Approval, ApproveRequest, Comparison, RunId } from "@assent/contract";
import { expect, test } from "vitest";
import type { ToolCall } from "../../../packages/harness/src/core/run/journal.ts";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import { answering, countingTool, type Engine, openEngine, policiesOf, value } from "../../support/engine.ts";

const TOOL = "count";
const asking = (rule: string): string => `@id("act") permit (principal, action == Action::"call", resource);
  @id("${rule}") @needs_approval forbid (principal, action == Action::"call", resource);`;
const ASKING = policiesOf({ texts: { "test.cedar": asking("ask") } });

/** Random, as a key is; nobody's. */
const SECRET = "AKIAQ4XJ7RT2M5ZK9WHD";

/** The call that is wanted is the task itself, as JSON. */
const models = {
  ...answering(() => ({ text: "Done." })),
  call: async (...args: Parameters<ReturnType<typeof answering>["call"]>) => {
    const [first] = args[0].messages;
    const text = first?.role === "user" ? first.text : "";
    const wanted: ToolCall = {
      id: "c1",
      tool: TOOL,
      arguments: JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1)),
    };
    return await answering((turn) => (turn === 0 ? { calls: [wanted] } : { text: "Done." })).call(...args);
  },
};

async function waiting(engine: Engine, args: unknown): Promise<{ id: RunId; approval: Approval }> {
  const id = await engine.submit(`Count ${JSON.stringify(args)}`);
  const run = await engine.reaches(id, "awaiting_approval", "succeeded", "failed");
  const approval = run.approvals.find(({ status }) => status === "open");
  if (approval === undefined) throw new Error(`nothing waits, the run is ${run.status}`);
  return { id, approval: value(await engine.harness.getApproval(engine.caller, approval.id)) };
}

const person = async (engine: Engine): Promise<Caller> => await engine.newCaller("ann", "default", "human");

const forGood = (approval: Approval, comment: string, days?: number): ApproveRequest => ({
  approval_id: approval.id,
  decision: "approve",
  action_digest: approval.action_digest,
  comment,
  remember: true,
  ...(days === undefined ? {} : { remember_days: days }),
});

function comparisonOf({ advice }: Approval): Comparison {
  const found = advice[0]?.comparison;
  if (found === undefined) throw new Error("there is no comparison");
  return found;
}

async function answered(engine: Engine, args: unknown, days?: number): Promise<Approval> {
  const { id, approval } = await waiting(engine, args);
  value(await engine.harness.decide(await person(engine), forGood(approval, "Ten is fine.", days)));
  await engine.reaches(id, "succeeded");
  return approval;
}

test("a similar call's values stand beside these: what was there, who chose it, and why it was agreed to", async () => {
  await using engine = await openEngine({ models, tools: [countingTool(TOOL, "once")], policies: ASKING });
  await engine.startWorker();
  const before = await answered(engine, { amount: 10, to: "ann", of: { note: "x" } });
  const { id, approval } = await waiting(engine, { amount: 11, to: "ann", of: { why: "y" } });
  expect(comparisonOf(approval)).toMatchObject({
    rationale: "Ten is fine.",
    revoked_at: null,
    approval_id: before.id,
    run_id: before.run_id,
    arguments_more: 0,
    circumstances: [],
    differs: "other values: /amount; new: /of/why; left out: /of/note",
  });
  expect(comparisonOf(approval).arguments).toEqual([
    expect.objectContaining({ pointer: "/amount", difference: "value", value: "10", origin: "model" }),
    expect.objectContaining({ pointer: "/of/why", difference: "added", value: null }),
    expect.objectContaining({ pointer: "/of/note", difference: "left_out", value: "x", is_text: true }),
  ]);
  // Of a run's own list nothing is compared: it is read again and again while it is watched.
  expect((await engine.run(id)).approvals[0]?.advice[0]).not.toHaveProperty("comparison");
  // Taken back meanwhile, it says so.
  const [precedent] = approval.advice;
  value(
    await engine.harness.revokePrecedent(engine.caller, precedent?.precedent_id ?? "", { reason: "No." }),
  );
  const again = value(await engine.harness.getApproval(engine.caller, approval.id));
  expect(comparisonOf(again).revoked_at).not.toBeNull();
});

test("an answer that has ended is compared as well: nothing of the call differs, or the rules, or the agent", async () => {
  const texts = { "test.cedar": asking("ask") };
  let policies = policiesOf({ texts });
  const changing = {
    get version() {
      return policies.version;
    },
    get rules() {
      return policies.rules;
    },
    decide: (...args: Parameters<typeof policies.decide>) => policies.decide(...args),
  };
  await using engine = await openEngine({
    models,
    tools: [countingTool(TOOL, "once")],
    policies: changing,
  });
  await engine.startWorker();
  const before = await answered(engine, { amount: 10 });
  policies = policiesOf({ texts: { "test.cedar": asking("ask-again") } });
  const { approval } = await waiting(engine, { amount: 10 });
  expect(comparisonOf(approval)).toMatchObject({
    approval_id: before.id,
    arguments: [],
    circumstances: [{ what: "asking_rules", before: "ask", now: "ask-again" }],
    differs: "the rules that ask",
  });
});

test("an agent that is defined otherwise by now is said to be", async () => {
  await using first = await openEngine({ models, tools: [countingTool(TOOL, "once")], policies: ASKING });
  const agents = new Map(first.ports.agents);
  await using engine = await openEngine({
    models,
    tools: [countingTool(TOOL, "once")],
    policies: ASKING,
    agents,
  });
  await engine.startWorker();
  await answered(engine, { amount: 10 });
  for (const [name, agent] of agents) agents.set(name, { ...agent, system: `${agent.system} Be brief.` });
  const { approval } = await waiting(engine, { amount: 11 });
  expect(comparisonOf(approval)).toMatchObject({
    differs: "other values: /amount; the agent's definition",
    circumstances: [{ what: "agent" }],
  });
});

test("what the earlier call held of secrets is not told; what waits is shown as it is", async () => {
  await using engine = await openEngine({ models, tools: [countingTool(TOOL, "once")], policies: ASKING });
  await engine.startWorker();
  await answered(engine, { amount: 10, password: "correct-horse-battery", text: `the key is ${SECRET}` });
  const { approval } = await waiting(engine, { amount: 10, password: "other", text: "none" });
  const told = JSON.stringify(approval.advice);
  expect(comparisonOf(approval).arguments.map(({ pointer }) => pointer)).toEqual(["/password", "/text"]);
  expect(told).not.toContain(SECRET);
  expect(told).not.toContain("correct-horse");
  expect(approval.action.arguments).toMatchObject({ password: "other" });
});

test("an approval of another question is not shown for it, whatever the memory's record says", async () => {
  await using engine = await openEngine({ models, tools: [countingTool(TOOL, "once")], policies: ASKING });
  await engine.startWorker();
  const before = await answered(engine, { amount: 10 });
  const stranger = await answered(engine, { amount: 12, to: "eve" });
  const { approval } = await waiting(engine, { amount: 10, to: "ann" });
  const comparedIn = ({ advice }: Approval): ReadonlySet<unknown> =>
    new Set(advice.map(({ comparison }) => comparison?.approval_id));
  expect(comparedIn(approval)).toEqual(new Set([before.id, stranger.id]));
  // Somebody who can write to the database makes the arguments of the one those of the other.
  await engine.database.ownerPool().query("alter table assent.approvals disable trigger user");
  await engine.database
    .ownerPool()
    .query(
      `update assent.approvals a set action = (select action from assent.approvals b where b.id = $2::uuid) where a.id = $1::uuid`,
      [before.id.slice(4), stranger.id.slice(4)],
    );
  const after = value(await engine.harness.getApproval(engine.caller, approval.id));
  expect(comparedIn(after)).toEqual(new Set([null, stranger.id]));
  expect(after.advice.find(({ comparison }) => comparison?.approval_id === null)?.comparison).toMatchObject({
    differs: "what was asked then is not kept",
    rationale: "Ten is fine.",
    arguments: [],
  });
});
