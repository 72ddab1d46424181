// A run of our own that waits with values behind handles, while the rules, the tool or the agent become others: it is asked
// again, and whoever is asked then still reads that the value came out of untrusted text. Judged by its text alone it would
// be the requester's own, for the task says the same address.

import type { Approval, RunId } from "@assent/contract";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ok } from "../../../packages/harness/src/base/result.ts";
import type { AgentDefinition } from "../../../packages/harness/src/core/agent.ts";
import type { Policies } from "../../../packages/harness/src/core/decide/policy-point.ts";
import type { Tool } from "../../../packages/harness/src/ports.ts";
import { agentOf } from "../../support/engine-defaults.ts";
import { answering, countingTool, type Engine, openEngine, policiesOf, value } from "../../support/engine.ts";

const TASK = "Write to anna@corp.example about what is in my mailbox.";
const MAIL = "Please write to anna@corp.example.";

const mailbox: Tool = {
  ...countingTool("read_mail", "none"),
  manifest: { ...countingTool("read_mail", "none").manifest, controlArguments: [] },
  execute: async () => await Promise.resolve(ok({ output: MAIL, label: "untrusted" })),
};

const sent: unknown[] = [];
const base = countingTool("send", "once");
const send: Tool = {
  ...base,
  manifest: { ...base.manifest, harm: ["egress"], controlArguments: ["to"] },
  execute: async (args) => {
    sent.push(args);
    return await Promise.resolve(ok({ output: "sent", label: "trusted" }));
  },
};

const ACT = `@id("act") permit (principal, action == Action::"call", resource);
  @id("untrusted-control") @needs_approval forbid (principal, action == Action::"call", resource)
  when { context.control_origins.contains("untrusted") };`;
const before = policiesOf({ texts: { "test.cedar": ACT } });
/** Another requirement, so that the old yes does not do. */
const after = policiesOf({
  texts: { "test.cedar": ACT.replace("@needs_approval", '@needs_approval @timeout("2h")') },
});

const loaded: { policies: Policies } = { policies: before };
const policies: Policies = {
  get version() {
    return loaded.policies.version;
  },
  get rules() {
    return loaded.policies.rules;
  },
  decide: (request, budget) => loaded.policies.decide(request, budget),
};

const tools: Tool[] = [mailbox, send];
const agent = agentOf({ tools, agent: { handles: ["read_mail"] } });
const agents = new Map<string, AgentDefinition>();
let engine: Engine;

beforeAll(async () => {
  const models = answering((turn) => {
    if (turn === 0) return { calls: [{ id: "a", tool: "read_mail", arguments: {} }] };
    if (turn === 1) return { calls: [{ id: "b", tool: "send", arguments: { to: "$v2.email" } }] };
    return { text: "Done." };
  });
  engine = await openEngine({ models, tools, policies, agents });
  await engine.startWorker();
});

afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

beforeEach(() => {
  loaded.policies = before;
  tools.splice(0, tools.length, mailbox, send);
  agents.set(agent.name, agent);
  sent.length = 0;
});

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

test.each([
  ["rules", "rules_changed", () => void (loaded.policies = after)],
  [
    "tool",
    "tool_changed",
    () =>
      void tools.splice(1, 1, { ...send, manifest: { ...send.manifest, description: "Sends and files." } }),
  ],
  ["agent", "agent_changed", () => void agents.set(agent.name, { ...agent, system: "You are another." })],
  [
    "agent, which keeps nothing behind handles any more,",
    "agent_changed",
    () => void agents.set(agent.name, agentOf({ tools })),
  ],
])(
  "the %s changed while it waited: the value is untrusted as before, and said to be",
  async (_, code, change) => {
    const id = await engine.submit(TASK);
    const first = await openApproval(id);
    const origin = {
      origin: "untrusted",
      sources: [{ source: "step:2", start: MAIL.indexOf("anna"), end: MAIL.length - 1 }],
    };
    expect(first.labels["/to"]).toEqual(origin);
    change();
    await approve(first);
    const again = await openApproval(id);
    expect(again.id).not.toBe(first.id);
    expect(again.decision.reasons.map((reason) => reason.code)).toContain(code);
    expect(again.action.arguments).toEqual({ to: "anna@corp.example" });
    expect(again.labels["/to"]).toEqual(origin);
    // The rules of now are asked about the same origin as those of then.
    expect(again.decision.reasons.map((reason) => reason.policy)).toContain("untrusted-control");
    expect(again.decision.reasons.filter((reason) => reason.code === "handle")).toEqual(
      first.decision.reasons.filter((reason) => reason.code === "handle"),
    );
    expect(first.decision.reasons.filter((reason) => reason.code === "handle")).toHaveLength(1);
    expect(sent).toEqual([]);
    await approve(again);
    await engine.reaches(id, "succeeded");
    expect(sent).toEqual([{ to: "anna@corp.example" }]);
  },
);
