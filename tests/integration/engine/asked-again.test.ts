// A yes is about the tool and the agent as they were when it was asked for. When they are others by the time of the
// call, the person is asked again, with the difference (spec/peers.md, section 4, point 9).

import type { Approval, RunId } from "@assent/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { AgentDefinition } from "../../../packages/harness/src/core/agent.ts";
import type { Tool } from "../../../packages/harness/src/ports.ts";
import { agentOf } from "../../support/engine-defaults.ts";
import { answering, countingTool, type Engine, openEngine, policiesOf, value } from "../../support/engine.ts";

const count = countingTool("count", "once");
const tools: Tool[] = [count];
const agent = agentOf({ tools });
const agents = new Map<string, AgentDefinition>();
let engine: Engine;

beforeAll(async () => {
  const models = answering((turn) =>
    turn === 0 ? { calls: [{ id: "c1", tool: "count", arguments: { amount: 10 } }] } : { text: "Done." },
  );
  const policies = policiesOf({
    texts: {
      "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
        @id("ask") @needs_approval forbid (principal, action == Action::"call", resource);`,
    },
  });
  engine = await openEngine({ models, tools, policies, agents });
  await engine.startWorker();
});

afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

beforeEach(() => {
  tools.splice(0, tools.length, count);
  agents.set(agent.name, agent);
  count.effects.length = 0;
});

async function ask(): Promise<{ readonly id: RunId; readonly approval: Approval }> {
  const id = await engine.submit();
  return { id, approval: await openApproval(id) };
}

async function openApproval(id: RunId): Promise<Approval> {
  const run = await engine.reaches(id, "awaiting_approval");
  const approval = run.approvals.find(({ status }) => status === "open");
  if (approval === undefined) throw new Error("nothing waits");
  return approval;
}

const approve = async ({ id, action_digest: digest }: Approval): Promise<void> => {
  value(
    await engine.harness.decide(engine.caller, {
      approval_id: id,
      decision: "approve",
      action_digest: digest,
    }),
  );
};

async function plannedFor({
  id,
}: Approval): Promise<{ readonly outcome: string; readonly reasons: readonly string[] }> {
  const { data } = value(await engine.harness.listWaiting(engine.caller, null));
  const found = data.find((call) => call.approval_id === id);
  if (found === undefined) throw new Error("it is not among what waits");
  return { outcome: found.outcome, reasons: found.reasons.map(({ code, detail }) => `${code}: ${detail}`) };
}

const reasonsOf = ({ decision }: Approval): readonly string[] =>
  decision.reasons.map(({ code, detail }) => `${code}: ${detail}`);

const changed = (change: object): Tool => ({ ...count, manifest: { ...count.manifest, ...change } });

test.each([
  [
    "tool's description",
    () => tools.splice(0, 1, changed({ description: "Counts and mails." })),
    'tool_changed: The tool has changed since it was asked.\n/description: "Counts." → "Counts and mails."',
  ],
  [
    "tool's harm",
    () => tools.splice(0, 1, changed({ harm: ["write", "money"] })),
    'tool_changed: The tool has changed since it was asked.\n/harm: ["write"] → ["write","money"]',
  ],
  [
    "agent",
    () => agents.set(agent.name, { ...agent, system: "You are another." }),
    'agent_changed: The agent has changed since it was asked; the run goes on as it was defined.\n/system: "You are a test." → "You are another."',
  ],
  [
    "agent's being there",
    () => agents.delete(agent.name),
    "agent_changed: The agent is not defined any more; the run goes on as it was defined.",
  ],
])(
  "a %s changed after the question: asked again with the difference, then called once",
  async (_what, change, reason) => {
    const { id, approval } = await ask();

    expect(await plannedFor(approval)).toEqual({ outcome: "unchanged", reasons: [] });

    change();

    // What `assent plan` says beforehand is what happens.

    expect(await plannedFor(approval)).toEqual({ outcome: "asked_again", reasons: [reason] });
    await approve(approval);
    const again = await openApproval(id);
    expect(count.effects).toEqual([]);
    expect(again.id).not.toBe(approval.id);
    expect(again.summary).toMatch(/asked again: the (?:tool|agent) has changed since it was approved/u);
    expect(reasonsOf(again)).toContain(reason);
    expect((await engine.run(id)).approvals.map(({ status }) => status)).toEqual(["cancelled", "open"]);
    // What was asked under the change is not asked a third time because of it.
    await approve(again);
    const done = await engine.reaches(id, "succeeded");
    expect(count.effects).toHaveLength(1);
    expect(done.approvals).toHaveLength(2);
  },
);

test("a tool that is gone is refused, whoever said yes", async () => {
  const { id, approval } = await ask();
  tools.splice(0, 1);
  expect(await plannedFor(approval)).toMatchObject({ outcome: "denied" });
  await approve(approval);
  const done = await engine.reaches(id, "succeeded");
  expect(done.steps.find(({ kind }) => kind === "tool")).toMatchObject({
    state: "refused",
    error: { code: "tool_changed" },
  });
  expect(count.effects).toEqual([]);
});

test("a changed tool that does not take the arguments any more is refused", async () => {
  const { id, approval } = await ask();
  const error = { code: "arguments_invalid", detail: "The amount is in cents now." };
  tools.splice(0, 1, {
    ...changed({ version: "2" }),
    plan: async () => await Promise.resolve({ ok: false, error }),
  });
  await approve(approval);
  const done = await engine.reaches(id, "succeeded");
  expect(done.steps.find(({ kind }) => kind === "tool")).toMatchObject({ state: "refused", error });
  expect(count.effects).toEqual([]);
});

test("an edit is not asked again for a change that its author saw", async () => {
  const { id, approval } = await ask();
  agents.set(agent.name, { ...agent, description: "Another." });
  await approve(approval);
  const again = await openApproval(id);
  value(
    await engine.harness.decide(engine.caller, {
      approval_id: again.id,
      decision: "approve",
      action_digest: again.action_digest,
      arguments: { amount: 11 },
    }),
  );
  const done = await engine.reaches(id, "succeeded");
  expect(done.approvals).toHaveLength(2);
  expect(count.effects).toHaveLength(1);
});

test("what did not change is not asked about again, though other tools and agents did", async () => {
  const { id, approval } = await ask();
  tools.push(countingTool("other", "none"));
  agents.set("other", { ...agent, name: "other" });
  await approve(approval);
  const done = await engine.reaches(id, "succeeded");
  expect(done.approvals).toHaveLength(1);
  expect(count.effects).toHaveLength(1);
});
