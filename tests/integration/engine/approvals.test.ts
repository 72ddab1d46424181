// Invariants 3 and 5: a decision is made once, binds to what was shown, and edits meet the rules again.

import type { ApproveRequest, RunId } from "@assent/contract";
import { expect, test } from "vitest";
import { err, ok } from "../../../packages/harness/src/base/result.ts";
import type { ToolCall } from "../../../packages/harness/src/core/run/journal.ts";
import { ApprovalTaken, type Tool } from "../../../packages/harness/src/ports.ts";
import { commit } from "../../../packages/harness/src/services/commit.ts";
import { answering, countingTool, type Engine, openEngine, policiesOf, value } from "../../support/engine.ts";

const call = (id: string, tool: string): ToolCall => ({ id, tool, arguments: { amount: 10 } });
const oneCall = answering((turn) => (turn === 0 ? { calls: [call("c1", "count")] } : { text: "Done." }));

async function waiting(
  engine: Engine,
): Promise<{ id: RunId; approval: Awaited<ReturnType<Engine["run"]>>["approvals"][number] }> {
  const id = await engine.submit();
  const run = await engine.reaches(id, "awaiting_approval");
  const approval = run.approvals.at(-1);
  if (approval === undefined) throw new Error("nothing waits");
  return { id, approval };
}

/** Asks for whatever has a control argument; what the model adds to it as content, or money, is denied. */
const TEST_RULES = policiesOf({
  texts: {
    "test.cedar": `
      @id("act") permit (principal, action == Action::"call", resource);
      @id("ask") @needs_approval forbid (principal, action == Action::"call", resource)
        unless { context.control_origins.isEmpty() };
      @id("never") forbid (principal, action == Action::"call", resource)
        when { context.harm.contains("money") || context.content_origins.contains("model") };`,
  },
});

test("twenty approvals and twenty denials at once: one outcome, at most one effect, one event", async () => {
  const tool = countingTool("count", "once");
  await using engine = await openEngine({ models: oneCall, tools: [tool] });
  await engine.startWorker();
  const { id, approval } = await waiting(engine);
  const votes: ApproveRequest[] = Array.from({ length: 40 }, (_, index) =>
    index % 2 === 0
      ? { approval_id: approval.id, decision: "approve", action_digest: approval.action_digest }
      : { approval_id: approval.id, decision: "deny", comment: "No." },
  );
  const answers = await Promise.all(
    votes.map(async (vote) => await engine.harness.decide(engine.caller, vote)),
  );
  const run = await engine.reaches(id, "succeeded", "failed");
  const decided = run.approvals[0]?.status;
  const approved = decided === "spent";
  expect(answers.filter((answer) => answer.ok)).toHaveLength(20);
  for (const answer of answers) if (!answer.ok) expect(answer.error.code).toBe("approval_already_decided");
  expect(tool.effects).toHaveLength(approved ? 1 : 0);
  const { events } = value(await engine.harness.listEvents(engine.caller, id, 0));
  const decisions = events.filter((event) => ["approval_approved", "approval_denied"].includes(event.kind));
  expect(decisions).toHaveLength(1);
});

test("an approval that was decided since it was read cannot be decided from what was read", async () => {
  await using engine = await openEngine({ models: oneCall, tools: [countingTool("count", "once")] });
  const worker = await engine.startWorker();
  const { id, approval } = await waiting(engine);
  await worker.stop();
  const stale = await engine.store.transaction(
    engine.tenant,
    async (tx) => await tx.approvals.find(approval.id),
  );
  if (stale === null) throw new Error("it waits");
  const deny: ApproveRequest = { approval_id: approval.id, decision: "deny", comment: "No." };
  value(await engine.harness.decide(engine.caller, deny));
  const denied = await engine.run(id);
  // Whatever orders decisions above fails here: the row itself is compared, and nothing of the commit is kept.
  const late = engine.store.transaction(engine.tenant, async (tx) => {
    const run = await tx.runs.lock(id);
    if (run === null) throw new Error("it is there");
    const journal = await tx.steps.list(id);
    const write = { write: "approval_decided", approval: stale, event: "approved", change: {} } as const;
    return await commit(tx, { run, journal }, [write], { now: engine.clock.now(), actor: null });
  });
  await expect(late).rejects.toThrow(ApprovalTaken);
  expect(await engine.run(id)).toEqual(denied);
});

test("a denial is told to the model with its reason, and nothing happens", async () => {
  const tool = countingTool("count", "once");
  const told: string[] = [];
  const models = {
    ...oneCall,
    call: async (...args: Parameters<typeof oneCall.call>) => {
      for (const message of args[0].messages) if (message.role === "tool") told.push(message.text);
      return await oneCall.call(...args);
    },
  };
  await using engine = await openEngine({ models, tools: [tool] });
  await engine.startWorker();
  const { id, approval } = await waiting(engine);
  value(
    await engine.harness.decide(engine.caller, {
      approval_id: approval.id,
      decision: "deny",
      comment: "Too much.",
    }),
  );
  expect((await engine.reaches(id, "succeeded", "failed")).status).toBe("succeeded");
  expect(tool.effects).toEqual([]);
  expect(told).toEqual(["denied: A person refused this call. Their reason: Too much."]);
});

test("another digest than the one shown is refused and changes nothing", async () => {
  await using engine = await openEngine({ models: oneCall, tools: [countingTool("count", "once")] });
  await engine.startWorker();
  const { id, approval } = await waiting(engine);
  const before = await engine.run(id);
  const refused = await engine.harness.decide(engine.caller, {
    approval_id: approval.id,
    decision: "approve",
    action_digest: `sha256:${"0".repeat(64)}`,
  });
  expect(refused).toMatchObject({ ok: false, error: { code: "approval_digest_mismatch" } });
  expect(await engine.run(id)).toEqual(before);
});

test("arguments changed in the database after the ask are not executed", async () => {
  const tool = countingTool("count", "once");
  await using engine = await openEngine({ models: oneCall, tools: [tool] });
  const worker = await engine.startWorker();
  const { id, approval } = await waiting(engine);
  await worker.stop();
  await engine.database
    .ownerPool()
    .query(
      "update assent.approvals set action = replace(action::text, '10', '99999')::json where state = 'open'",
    );
  value(
    await engine.harness.decide(engine.caller, {
      approval_id: approval.id,
      decision: "approve",
      action_digest: approval.action_digest,
    }),
  );
  await engine.startWorker();
  const run = await engine.reaches(id, "succeeded", "failed");
  expect(tool.effects).toEqual([]);
  expect(run.steps.find((step) => step.kind === "tool")).toMatchObject({
    state: "refused",
    error: { code: "approval_broken" },
  });
});

test("an edit is a new action: the rules and the tool judge it again, and exactly it is executed", async () => {
  const received: unknown[] = [];
  const counting = countingTool("count", "once");
  const tool: Tool = {
    ...counting,
    plan: async (args) =>
      await Promise.resolve(
        typeof args["amount"] === "number"
          ? ok({ summary: "Count", preview: `amount ${args["amount"]}`, precondition: null })
          : err({ code: "invalid_arguments", detail: "amount is a number" }),
      ),
    execute: async (args, precondition, context) => {
      received.push(args);
      return await counting.execute(args, precondition, context);
    },
  };
  await using engine = await openEngine({
    models: oneCall,
    tools: [tool],
    policies: TEST_RULES,
  });
  await engine.startWorker();
  const { id, approval } = await waiting(engine);
  const approve = async (args: Record<string, unknown>): ReturnType<typeof engine.harness.decide> =>
    await engine.harness.decide(engine.caller, {
      approval_id: approval.id,
      decision: "approve",
      action_digest: approval.action_digest,
      arguments: args,
    });
  expect(await approve({ amount: 10, note: "and one more thing" })).toMatchObject({
    ok: false,
    error: { code: "edit_refused" },
  });
  expect(await approve({ amount: "much" })).toMatchObject({ ok: false, error: { code: "edit_refused" } });
  expect((await engine.run(id)).status).toBe("awaiting_approval");
  const edited = value(await approve({ amount: 3 }));
  expect(edited.edited_arguments).toEqual({ amount: 3 });
  expect(edited.action_digest).not.toBe(approval.action_digest);
  await engine.reaches(id, "succeeded");
  expect(received).toEqual([{ amount: 3 }]);
});

test("an approval nobody answers expires by the clock and counts as a denial; later words come too late", async () => {
  const tool = countingTool("count", "once");
  await using engine = await openEngine({ models: oneCall, tools: [tool] });
  await engine.startWorker();
  const { id, approval } = await waiting(engine);
  engine.clock.advance(73 * 3_600_000);
  const run = await engine.reaches(id, "succeeded", "failed");
  expect(run.approvals[0]?.status).toBe("expired");
  expect(tool.effects).toEqual([]);
  for (const decision of ["approve", "deny"] as const) {
    const late = await engine.harness.decide(
      engine.caller,
      decision === "approve"
        ? { approval_id: approval.id, decision, action_digest: approval.action_digest }
        : { approval_id: approval.id, decision, comment: "late" },
    );
    expect(late).toMatchObject({ ok: false, error: { code: "approval_expired" } });
  }
});

test("a run that is called off takes its open approval with it", async () => {
  const tool = countingTool("count", "once");
  await using engine = await openEngine({ models: oneCall, tools: [tool] });
  await engine.startWorker();
  const { id, approval } = await waiting(engine);
  value(await engine.harness.cancelRun(engine.caller, id));
  value(await engine.harness.cancelRun(engine.caller, id));
  const late = await engine.harness.decide(engine.caller, {
    approval_id: approval.id,
    decision: "approve",
    action_digest: approval.action_digest,
  });
  expect(late).toMatchObject({ ok: false, error: { code: "approval_already_decided" } });
  const run = await engine.run(id);
  expect(run).toMatchObject({ status: "cancelled", reason: { code: "cancelled" } });
  expect(run.approvals[0]?.status).toBe("cancelled");
  expect(tool.effects).toEqual([]);
});

test("a call that no rule permits is refused, its tool untouched, and the run goes on", async () => {
  const tool = { ...countingTool("count", "once") };
  const spending: Tool = { ...tool, manifest: { ...tool.manifest, harm: ["write", "money"] } };
  await using engine = await openEngine({ models: oneCall, tools: [spending], policies: TEST_RULES });
  await engine.startWorker();
  const run = await engine.reaches(await engine.submit(), "succeeded", "failed", "awaiting_approval");
  expect(run.status).toBe("succeeded");
  expect(tool.effects).toEqual([]);
  expect(run.steps.find((step) => step.kind === "tool")).toMatchObject({
    state: "refused",
    error: { code: "denied" },
    decision: { verdict: "deny" },
  });
});

test("a tool that the agent was not given is refused even though it exists", async () => {
  const tool = countingTool("count", "none");
  await using engine = await openEngine({ models: oneCall, tools: [tool], agent: { tools: [] } });
  await engine.startWorker();
  const run = await engine.reaches(await engine.submit(), "succeeded", "failed");
  expect(tool.effects).toEqual([]);
  expect(run.steps.find((step) => step.kind === "tool")).toMatchObject({
    state: "refused",
    error: { code: "unknown_tool" },
  });
});

test("another tenant's approval is not there", async () => {
  await using engine = await openEngine({ models: oneCall, tools: [countingTool("count", "once")] });
  await engine.startWorker();
  const { approval } = await waiting(engine);
  const stranger = await engine.newCaller("stranger", "other");
  const vote: ApproveRequest = {
    approval_id: approval.id,
    decision: "approve",
    action_digest: approval.action_digest,
  };
  const foreign = await engine.harness.decide(stranger, vote);
  const unknown = await engine.harness.decide(stranger, { ...vote, approval_id: `apr_${"0".repeat(32)}` });
  expect(foreign).toEqual(unknown);
});
