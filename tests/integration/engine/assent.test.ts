// What a rule can want of an approval, and what becomes of one when the rules change while a run waits.

import type { Approval, RunId } from "@assent/contract";
import { expect, test } from "vitest";
import { createRunObjects } from "../../../packages/harness/src/core/audit/run-objects.ts";
import { RUN_INPUT_TOKENS_MAX, RUN_OUTPUT_TOKENS_MAX } from "../../../packages/harness/src/base/limits.ts";
import {
  decisionRecordSchema,
  questionOfRecord,
} from "../../../packages/harness/src/core/decide/decision-record.ts";
import type { Policies } from "../../../packages/harness/src/core/decide/policy-point.ts";
import type { ToolCall } from "../../../packages/harness/src/core/run/journal.ts";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import { answering, countingTool, type Engine, openEngine, policiesOf, value } from "../../support/engine.ts";

const call: ToolCall = { id: "c1", tool: "count", arguments: { amount: 10 } };
const oneCall = answering((turn) => (turn === 0 ? { calls: [call] } : { text: "Done." }));

const asking = (annotations: string): Policies =>
  policiesOf({
    texts: {
      "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
        @id("ask") @needs_approval ${annotations} forbid (principal, action == Action::"call", resource);`,
    },
  });

async function waiting(engine: Engine): Promise<{ id: RunId; approval: Approval }> {
  const id = await engine.submit();
  const run = await engine.reaches(id, "awaiting_approval");
  const approval = run.approvals.find(({ status }) => status === "open");
  if (approval === undefined) throw new Error("nothing waits");
  return { id, approval };
}

const human = async (engine: Engine, name: string): Promise<Caller> =>
  await engine.newCaller(name, "default", "human");

const approveAs = async (
  engine: Engine,
  caller: Caller,
  approval: Approval,
): ReturnType<Engine["harness"]["decide"]> =>
  await engine.harness.decide(caller, {
    approval_id: approval.id,
    decision: "approve",
    action_digest: approval.action_digest,
  });

/** What whoever has the run's events alone finds: what is wrong, and of how many approvals they tell who had to agree and did. */
async function judgedByItsEvents(engine: Engine, id: RunId): Promise<unknown> {
  const { events } = value(await engine.harness.listEvents(engine.caller, id, 0));
  const [objects, findings] = [createRunObjects(false), new Array<string>()];
  for (const { kind, data, actor } of events)
    objects.follow(id, { kind, data, actor: actor?.id ?? null }, (code, detail) =>
      findings.push(`${code}: ${detail}`),
    );
  return { findings, ...objects.given() };
}
const WELL_APPROVED = { findings: [], told: 1, untold: 0 };

test("a quorum of two wants two different people, however often one of them says yes", async () => {
  const tool = countingTool("count", "once");
  await using engine = await openEngine({ models: oneCall, tools: [tool], policies: asking('@quorum("2")') });
  await engine.startWorker();
  const [ann, bob] = [await human(engine, "ann"), await human(engine, "bob")];
  const { id, approval } = await waiting(engine);
  expect(approval).toMatchObject({ requirement: { quorum: 2 }, votes: 0 });
  const first = await Promise.all([1, 2, 3].map(async () => await approveAs(engine, ann, approval)));
  expect(first.every((answer) => answer.ok)).toBe(true);
  expect((await engine.run(id)).approvals[0]).toMatchObject({ status: "open", votes: 1 });
  expect(tool.effects).toEqual([]);
  expect(value(await approveAs(engine, bob, approval)).status).toBe("approved");
  await engine.reaches(id, "succeeded");
  expect(tool.effects).toHaveLength(1);
  const { events } = value(await engine.harness.listEvents(engine.caller, id, 0));
  const votes = events.filter(({ kind }) => ["approval_voted", "approval_approved"].includes(kind));
  expect(votes.map(({ kind, actor }) => `${kind} by ${actor?.name}`)).toEqual([
    "approval_voted by ann",
    "approval_approved by bob",
  ]);
  expect(await judgedByItsEvents(engine, id)).toEqual(WELL_APPROVED);
  expect(votes.map(({ data }) => data["given"])).toEqual(
    [ann, bob].map(({ key, roles, scopes }) =>
      expect.objectContaining({
        key,
        roles,
        rules: null,
        scopes: scopes.filter((scope) => scope === "approvals:decide"),
      }),
    ),
  );
  // Of the names nothing stands there.
  expect(JSON.stringify(events.map(({ data }) => data))).not.toMatch(/ann|bob/);
  // By which word it was made stands in the call's own event, for whoever has the log alone.
  const made = events.find(({ kind, data }) => kind === "step_intended" && data["step_kind"] === "tool");
  expect(made?.data).toMatchObject({ approval_id: approval.id, approved_digest: approval.action_digest });
});

test("a quorum is of people: a service counts where the rule names it, and nobody counts twice by another name", async () => {
  const tool = countingTool("count", "once");
  const policies = asking('@quorum("2")');
  await using engine = await openEngine({ models: oneCall, tools: [tool], policies });
  await engine.startWorker();
  const [ann, again, bob] = [
    await human(engine, "ann"),
    await human(engine, "Ann"),
    await human(engine, "bob"),
  ];
  const { id, approval } = await waiting(engine);
  for (const service of [engine.caller, await engine.newCaller("robot")])
    expect(await approveAs(engine, service, approval)).toMatchObject({
      ok: false,
      error: { code: "not_an_approver", detail: expect.stringContaining("service/") },
    });
  expect(value(await approveAs(engine, ann, approval))).toMatchObject({ status: "open", votes: 1 });
  expect(await approveAs(engine, again, approval)).toMatchObject({ ok: false, error: { code: "four_eyes" } });
  expect(value(await approveAs(engine, bob, approval)).status).toBe("approved");
  await engine.reaches(id, "succeeded");
  expect(tool.effects).toHaveLength(1);
  expect(await judgedByItsEvents(engine, id)).toEqual(WELL_APPROVED);
});

test("one of a quorum who says no ends it", async () => {
  const tool = countingTool("count", "once");
  await using engine = await openEngine({ models: oneCall, tools: [tool], policies: asking('@quorum("2")') });
  await engine.startWorker();
  const [ann, bob] = [await human(engine, "ann"), await human(engine, "bob")];
  const { id, approval } = await waiting(engine);
  value(await approveAs(engine, ann, approval));
  value(await engine.harness.decide(bob, { approval_id: approval.id, decision: "deny", comment: "No." }));
  await engine.reaches(id, "succeeded");
  expect(tool.effects).toEqual([]);
});

test("whoever asked for the run cannot approve it where the rule separates duties", async () => {
  const tool = countingTool("count", "once");
  await using engine = await openEngine({
    models: oneCall,
    tools: [tool],
    policies: asking("@separate_duties"),
  });
  await engine.startWorker();
  const other = await human(engine, "other");
  const { id, approval } = await waiting(engine);
  expect(await approveAs(engine, engine.caller, approval)).toMatchObject({
    ok: false,
    error: { code: "four_eyes" },
  });
  // Nor does anybody approve alone what is of their own making.
  expect(await editTo(engine, other, approval, 999)).toMatchObject({
    ok: false,
    error: { code: "edit_refused" },
  });
  expect((await engine.run(id)).status).toBe("awaiting_approval");
  value(await approveAs(engine, other, approval));
  await engine.reaches(id, "succeeded");
  expect(tool.effects).toHaveLength(1);
  expect(await judgedByItsEvents(engine, id)).toEqual(WELL_APPROVED);
});

test("who is called like a named approver and is of another kind is somebody else", async () => {
  const policies = asking('@approvers("chief, service/clerk")');
  await using engine = await openEngine({
    models: oneCall,
    tools: [countingTool("count", "once")],
    policies,
  });
  await engine.startWorker();
  const refused = { ok: false, error: { code: "not_an_approver" } };
  for (const [named, other] of [
    [await engine.newCaller("chief", "default", "human"), await engine.newCaller("chief")],
    [await engine.newCaller("clerk"), await engine.newCaller("clerk", "default", "human")],
  ] as const) {
    const { id, approval } = await waiting(engine);
    expect(await approveAs(engine, other, approval)).toMatchObject(refused);
    expect(await editTo(engine, other, approval, 1)).toMatchObject(refused);
    value(await approveAs(engine, named, approval));
    await engine.reaches(id, "succeeded");
    expect(await judgedByItsEvents(engine, id)).toEqual(WELL_APPROVED);
  }
});

test("only those whom the rule names can approve, and the approval expires when the rule says", async () => {
  const tool = countingTool("count", "once");
  const policies = asking('@approvers("chief") @timeout("30m")');
  await using engine = await openEngine({ models: oneCall, tools: [tool], policies });
  await engine.startWorker();
  const { id, approval } = await waiting(engine);
  expect(await approveAs(engine, engine.caller, approval)).toMatchObject({
    ok: false,
    error: { code: "not_an_approver" },
  });
  expect(Date.parse(approval.expires_at) - Date.parse(approval.requested_at)).toBe(30 * 60_000);
  engine.clock.advance(31 * 60_000);
  await engine.reaches(id, "succeeded");
  expect(tool.effects).toEqual([]);
});

test.each([
  ["forbid it now", '@id("no") forbid (principal, action == Action::"call", resource);', "refused"],
  ["want two people now", "", "asked again"],
] as const)("rules that %s: a yes given under the old ones is not enough", async (_what, more, outcome) => {
  const tool = countingTool("count", "once");
  const stricter = policiesOf({
    texts: {
      "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
        @id("ask") @needs_approval @quorum("2") forbid (principal, action == Action::"call", resource); ${more}`,
    },
  });
  let current = asking("");
  const policies: Policies = {
    get version() {
      return current.version;
    },
    get rules() {
      return current.rules;
    },
    decide: (request) => current.decide(request),
  };
  await using engine = await openEngine({ models: oneCall, tools: [tool], policies });
  const worker = await engine.startWorker();
  const { id, approval } = await waiting(engine);
  await worker.stop();
  value(await approveAs(engine, engine.caller, approval));
  current = stricter;
  await engine.startWorker();
  const run = await engine.reaches(id, outcome === "refused" ? "succeeded" : "awaiting_approval");
  expect(tool.effects).toEqual([]);
  expect(run.approvals[0]?.status).toBe("cancelled");
  if (outcome === "refused")
    expect(run.steps.find(({ kind }) => kind === "tool")).toMatchObject({ state: "refused" });
  else expect(run.approvals[1]).toMatchObject({ status: "open", requirement: { quorum: 2 } });
});

test("rules that changed elsewhere do not ask again", async () => {
  const tool = countingTool("count", "once");
  let current = asking("");
  const policies: Policies = {
    get version() {
      return current.version;
    },
    get rules() {
      return current.rules;
    },
    decide: (request) => current.decide(request),
  };
  await using engine = await openEngine({ models: oneCall, tools: [tool], policies });
  const worker = await engine.startWorker();
  const { id, approval } = await waiting(engine);
  await worker.stop();
  value(await approveAs(engine, engine.caller, approval));
  current = policiesOf({
    texts: {
      "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
        @id("ask") @needs_approval forbid (principal, action == Action::"call", resource);
        @id("money") forbid (principal, action == Action::"call", resource) when { context.harm.contains("money") };`,
    },
  });
  await engine.startWorker();
  const run = await engine.reaches(id, "succeeded");
  expect(run.approvals).toHaveLength(1);
  expect(tool.effects).toHaveLength(1);
});

test("what a person is shown says where each value came from", async () => {
  const read = countingTool("look", "none");
  const act = countingTool("count", "once");
  await using engine = await openEngine({
    models: answering((turn) =>
      turn === 0
        ? { calls: [{ id: "c0", tool: "look", arguments: {} }] }
        : turn === 1
          ? { calls: [{ id: "c1", tool: "count", arguments: { id: "the blue one", amount: "counted 1" } }] }
          : { text: "Done." },
    ),
    tools: [read, act],
  });
  await engine.startWorker();
  const id = await engine.submit("Count the blue one, please.");
  const run = await engine.reaches(id, "awaiting_approval");
  expect(run.approvals[0]?.labels).toMatchObject({
    "/id": { origin: "trusted", sources: [{ source: "task", start: 6, end: 18 }] },
    "/amount": { origin: "untrusted" },
  });
});

test("a rule can rest on what is left of the run's budget, and the record says what that was", async () => {
  const whole = RUN_INPUT_TOKENS_MAX + RUN_OUTPUT_TOKENS_MAX;
  const atLeast = (tokens: number): Policies =>
    policiesOf({
      texts: {
        "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
          @id("low") @needs_approval forbid (principal, action == Action::"call", resource)
          unless { context.budget has tokens_left && context.budget.tokens_left >= ${tokens} };`,
      },
    });
  for (const [least, asks] of [
    [whole - 100_000, false],
    // The model's own answer cost something.
    [whole, true],
  ] as const) {
    const tool = countingTool("count", "once");
    await using engine = await openEngine({ models: oneCall, tools: [tool], policies: atLeast(least) });
    await engine.startWorker();
    const id = await engine.submit();
    await engine.reaches(id, asks ? "awaiting_approval" : "succeeded");
    expect([least, tool.effects.length]).toEqual([least, asks ? 0 : 1]);
    const listed = value(await engine.harness.listDecisions(engine.caller, new Date(0), null));
    const record = decisionRecordSchema.parse(listed.data[0]);
    const left = record.budget.tokens_left ?? whole;
    expect(left).toBeLessThan(whole);
    const { request, budget } = questionOfRecord(record);
    expect(atLeast(left).decide(request, budget).verdict).toBe("permit");
    expect(atLeast(left + 1).decide(request, budget).verdict).toBe("needs_approval");
    expect(record.circumstances).toBeDefined();
  }
});

const editTo = async (
  engine: Engine,
  caller: Caller,
  approval: Approval,
  amount: number,
): ReturnType<Engine["harness"]["decide"]> =>
  await engine.harness.decide(caller, {
    approval_id: approval.id,
    decision: "approve",
    action_digest: approval.action_digest,
    arguments: { amount },
  });

test("an edit meets the budget that is left, like any call", async () => {
  const whole = RUN_INPUT_TOKENS_MAX + RUN_OUTPUT_TOKENS_MAX;
  const largeWith = (tokens: number): Policies =>
    policiesOf({
      texts: {
        "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
          @id("ask") @needs_approval forbid (principal, action == Action::"call", resource);
          @id("large-without-budget") forbid (principal, action == Action::"call", resource)
          when { context.budget has tokens_left && context.budget.tokens_left < ${tokens}
            && !(context.amounts.hasTag("/amount") && context.amounts.getTag("/amount") <= 10) };
          @id("budget-unknown") forbid (principal, action == Action::"call", resource)
          unless { context.budget has tokens_left };`,
      },
    });
  for (const [least, passes] of [
    [whole - 100_000, true],
    // The model's own answer cost something: there is less than the whole.
    [whole, false],
  ] as const) {
    const tool = countingTool("count", "once");
    await using engine = await openEngine({ models: oneCall, tools: [tool], policies: largeWith(least) });
    await engine.startWorker();
    const { id, approval } = await waiting(engine);
    const edited = await editTo(engine, engine.caller, approval, 11);
    expect([least, edited.ok]).toEqual([least, passes]);
    if (!passes) {
      expect(edited).toMatchObject({ error: { code: "edit_refused" } });
      value(await editTo(engine, engine.caller, approval, 9));
    }
    await engine.reaches(id, "succeeded");
    expect(tool.effects).toHaveLength(1);
  }
});

test("whoever may not approve is answered the same with an edit as without, whatever is in it", async () => {
  const tool = countingTool("count", "once");
  const policies = policiesOf({
    texts: {
      "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
        @id("bobs") @needs_approval @approvers("bob") forbid (principal, action == Action::"call", resource);
        @id("never") forbid (principal, action == Action::"call", resource)
        unless { context.amounts.hasTag("/amount") && context.amounts.getTag("/amount") <= 20 };`,
    },
  });
  await using engine = await openEngine({ models: oneCall, tools: [tool], policies });
  await engine.startWorker();
  const [ann, bob] = [await engine.newCaller("ann"), await engine.newCaller("bob", "default", "human")];
  const { id, approval } = await waiting(engine);
  const word = {
    approval_id: approval.id,
    decision: "approve",
    action_digest: approval.action_digest,
  } as const;
  const plain = await engine.harness.decide(ann, word);
  expect(plain).toMatchObject({ ok: false, error: { code: "not_an_approver" } });
  // One that would be taken, one that a rule forbids, one that does not fit.
  for (const amount of [9, 21, "much"])
    expect([amount, await engine.harness.decide(ann, { ...word, arguments: { amount } })]).toEqual([
      amount,
      plain,
    ]);
  const other = { ...word, action_digest: `sha256:${"0".repeat(64)}` } as const;
  const stale = await engine.harness.decide(bob, other);
  expect(stale).toMatchObject({ ok: false, error: { code: "approval_digest_mismatch" } });
  expect(await engine.harness.decide(bob, { ...other, arguments: { amount: 21 } })).toEqual(stale);
  expect(tool.effects).toEqual([]);
  expect(value(await editTo(engine, bob, approval, 9)).edited_arguments).toEqual({ amount: 9 });
  await engine.reaches(id, "succeeded");
  expect(tool.effects).toHaveLength(1);
});

test("an edit to what the rules want more people for, or others, is refused, and the question stays open", async () => {
  const tool = countingTool("count", "once");
  const over = (amount: number): string =>
    `unless { context.amounts.hasTag("/amount") && context.amounts.getTag("/amount") <= ${amount} }`;
  const policies = policiesOf({
    texts: {
      "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
        @id("ask") @needs_approval forbid (principal, action == Action::"call", resource);
        @id("apart") @needs_approval @separate_duties forbid (principal, action == Action::"call", resource) ${over(20)};
        @id("bobs") @needs_approval @approvers("bob, carol") forbid (principal, action == Action::"call", resource) ${over(30)};
        @id("two") @needs_approval @quorum("2") forbid (principal, action == Action::"call", resource) ${over(40)};`,
    },
  });
  await using engine = await openEngine({ models: oneCall, tools: [tool], policies });
  await engine.startWorker();
  const bob = await engine.newCaller("bob", "default", "human");
  const ann = await engine.newCaller("ann");
  const { id, approval } = await waiting(engine);
  for (const [caller, amount] of [
    [engine.caller, 21],
    [bob, 21],
    [ann, 31],
    [bob, 41],
  ] as const)
    expect([amount, await editTo(engine, caller, approval, amount)]).toMatchObject([
      amount,
      { ok: false, error: { code: "edit_refused" } },
    ]);
  expect((await engine.run(id)).approvals[0]?.status).toBe("open");
  expect(tool.effects).toEqual([]);
  expect(value(await editTo(engine, bob, approval, 19)).edited_arguments).toEqual({ amount: 19 });
  await engine.reaches(id, "succeeded");
  expect(tool.effects).toHaveLength(1);
});

test("decisions are listed to their end, however many rows of older programs before them hold none", async () => {
  await using engine = await openEngine({ models: oneCall, tools: [countingTool("count", "none")] });
  await engine.startWorker();
  const id = await engine.submit();
  await engine.reaches(id, "succeeded");
  // As a program left them that noted no judgement; more of them than a page holds.
  await engine.database.ownerPool().query(`alter table assent.steps disable trigger user;
    insert into assent.steps (tenant_id, run_id, seq, kind, name, state, effect, request, decision, started_at, finished_at)
      select tenant_id, run_id, 1000 + at, kind, name, state, effect, (request::jsonb - 'judgement')::json, decision, started_at - interval '1 s',
        finished_at from assent.steps, generate_series(1, 250) at where kind = 'tool';
    alter table assent.steps enable trigger user`);
  const steps: number[] = [];
  const listed = async (cursor: string | null): Promise<string | null> => {
    const page = value(await engine.harness.listDecisions(engine.caller, new Date(0), cursor));
    steps.push(...page.data.map(({ step }) => step));
    return page.next_cursor;
  };
  for (let cursor = await listed(null); cursor !== null;) cursor = await listed(cursor);
  expect(steps).toEqual([2]);
});
