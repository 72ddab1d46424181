// The memory is asked before a person is: what was remembered on purpose answers again, and nothing else does.

import { type Approval, type ApproveRequest, REMEMBER_DAYS_DEFAULT, type RunId } from "@assent/contract";
import { newPattern } from "@assent/harmony";
import { expect, test } from "vitest";
import { digestOf } from "../../../packages/harness/src/base/digest.ts";
import type { ToolCall } from "../../../packages/harness/src/core/run/journal.ts";
import type { Policies } from "../../../packages/harness/src/core/decide/policy-point.ts";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import { answering, countingTool, type Engine, openEngine, policiesOf, value } from "../../support/engine.ts";
import { until } from "../../support/until.ts";

const TOOL = "count";
const ASKING = policiesOf({
  texts: {
    "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
      @id("ask") @needs_approval forbid (principal, action == Action::"call", resource);`,
  },
});

const asking = (rule: string): string => `@id("act") permit (principal, action == Action::"call", resource);
  ${rule} forbid (principal, action == Action::"call", resource);`;

/** Rules that an operator changes under way. */
function changingRules(): Policies & { put(text: string): void } {
  let policies = ASKING;
  return {
    get version() {
      return policies.version;
    },
    get rules() {
      return policies.rules;
    },
    decide: (request) => policies.decide(request),
    put: (text) => {
      policies = policiesOf({ texts: { "test.cedar": text } });
    },
  };
}

/** The amount that the model asks for is the number in the task. */
const models = {
  ...answering(() => ({ text: "Done." })),
  call: async (...args: Parameters<ReturnType<typeof answering>["call"]>) => {
    const [first] = args[0].messages;
    const amount = Number(/\d+/.exec(first?.role === "user" ? first.text : "")?.[0] ?? 0);
    const call: ToolCall = { id: "c1", tool: TOOL, arguments: { amount } };
    return await answering((turn) => (turn === 0 ? { calls: [call] } : { text: "Done." })).call(...args);
  },
};

const ALL = { limit: 100, cursor: null };

async function waiting(engine: Engine, task: string): Promise<{ id: RunId; approval: Approval }> {
  const id = await engine.submit(task);
  const run = await engine.reaches(id, "awaiting_approval", "succeeded", "failed");
  const approval = run.approvals.find(({ status }) => status === "open");
  if (approval === undefined) throw new Error(`nothing waits, the run is ${run.status}`);
  return { id, approval };
}

async function person(engine: Engine, name: string, kind: "human" | "service" = "human"): Promise<Caller> {
  const key = value(
    await engine.harness.createKey(engine.caller, {
      principal: { name, kind },
      scopes: ["approvals:decide", "runs:read"],
    }),
  );
  const caller = await engine.harness.authenticate(key.secret);
  if (caller === null) throw new Error("a new key is known");
  return caller;
}

const neverAgain = (approval: Approval): ApproveRequest => ({
  approval_id: approval.id,
  decision: "deny",
  comment: "Never.",
  remember: true,
});

const yes = (approval: Approval, remember: boolean, days: number | null = null): ApproveRequest => ({
  approval_id: approval.id,
  decision: "approve",
  action_digest: approval.action_digest,
  comment: "Ten is fine.",
  ...(remember ? { remember: true as const } : {}),
  ...(days === null ? {} : { remember_days: days }),
});

test("a yes that is to be remembered answers the very same question, once for each run, and says who gave it", async () => {
  const tool = countingTool(TOOL, "once");
  await using engine = await openEngine({ models, tools: [tool], policies: ASKING });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  const { id, approval } = await waiting(engine, "Count 10.");
  value(await engine.harness.decide(ann, yes(approval, true)));
  await engine.reaches(id, "succeeded");
  const again = await engine.reaches(await engine.submit("Count 10."), "succeeded", "awaiting_approval");
  expect(again.status).toBe("succeeded");
  expect(again.approvals).toEqual([]);
  expect(tool.effects).toHaveLength(2);
  const reasons = again.steps.find(({ kind }) => kind === "tool")?.decision?.reasons ?? [];
  const [precedent] = value(await engine.harness.listPrecedents(engine.caller, ALL)).data;
  expect(reasons.at(-1)).toMatchObject({ code: "precedent", policy: precedent?.id });
  expect(precedent).toMatchObject({ tool: TOOL, decision: "approve", decided_by: "ann", uses: 1 });
});

test("a remembered yes is given once in a run: the same call once more in it is asked about", async () => {
  const tool = countingTool(TOOL, "once");
  const call = (id: string): ToolCall => ({ id, tool: TOOL, arguments: { amount: 10 } });
  const twice = answering((turn) =>
    turn === 0
      ? { calls: [call("c1"), call("c2")] }
      : turn === 1
        ? { calls: [call("c3")] }
        : { text: "Done." },
  );
  await using engine = await openEngine({ models: twice, tools: [tool], policies: ASKING });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  const { id, approval } = await waiting(engine, "Count 10.");
  value(await engine.harness.decide(ann, yes(approval, true)));
  for (const count of [1, 2]) {
    const asked = await engine.reaches(id, "awaiting_approval", "succeeded");
    expect(tool.effects).toHaveLength(count);
    const open = asked.approvals.find(({ status }) => status === "open");
    if (open === undefined) throw new Error(`nobody is asked, the run is ${asked.status}`);
    expect(await engine.harness.decide(ann, yes(open, true))).toMatchObject({
      ok: false,
      error: { code: "decision_not_possible" },
    });
    value(await engine.harness.decide(ann, yes(open, false)));
    await until("the question is decided", async () => {
      const run = value(await engine.harness.getRun(engine.caller, id));
      return run.approvals.find((one) => one.id === open.id)?.status === "spent" ? run : undefined;
    });
  }
  await engine.reaches(id, "succeeded");
  expect(tool.effects).toHaveLength(3);
  // In another run it is the first one again.
  await waiting(engine, "Count 10.");
  expect(tool.effects).toHaveLength(4);
});

test("another argument is another question: the earlier answer is shown and decides nothing", async () => {
  const tool = countingTool(TOOL, "once");
  await using engine = await openEngine({ models, tools: [tool], policies: ASKING });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  const first = await waiting(engine, "Count 10.");
  value(await engine.harness.decide(ann, yes(first.approval, true)));
  await engine.reaches(first.id, "succeeded");
  const { approval } = await waiting(engine, "Count 11.");
  expect(approval.advice).toMatchObject([{ decision: "approve", decided_by: "ann" }]);
  expect(tool.effects).toHaveLength(1);
});

test("however much else was asked since, what is given without asking is listed, the revoked last", async () => {
  await using engine = await openEngine({ models, tools: [countingTool(TOOL, "once")], policies: ASKING });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  for (const task of ["Count 10.", "Count 11."]) {
    const { id, approval } = await waiting(engine, task);
    value(await engine.harness.decide(ann, yes(approval, true)));
    await engine.reaches(id, "succeeded");
    engine.clock.advance(1_000);
  }
  const [newer, older] = value(await engine.harness.listPrecedents(engine.caller, ALL)).data;
  await engine.store.transaction(engine.tenant, async ({ memory }) => {
    const [known] = await memory.listPatterns({ limit: 1 });
    if (known === undefined) throw new Error("what was asked is known");
    for (let n = 1; n <= 600; n += 1)
      await memory.recordPattern(
        newPattern({
          ...known,
          blobFingerprint: digestOf("another question", n),
          recordedAt: new Date(engine.clock.now().getTime() + n),
        }),
      );
  });
  expect(value(await engine.harness.listPrecedents(engine.caller, ALL)).data).toEqual([newer, older]);
  value(await engine.harness.revokePrecedent(ann, newer?.id ?? "", { reason: "No more." }));
  const left = value(await engine.harness.listPrecedents(engine.caller, ALL)).data;
  expect(left.map(({ id }) => id)).toEqual([older?.id, newer?.id]);
  expect(left.map(({ revoked_at: revokedAt }) => revokedAt === null)).toEqual([true, false]);
});

test("precedents are listed in pages: each once, in order, and by no cursor but the list's own", async () => {
  await using engine = await openEngine({ models, tools: [countingTool(TOOL, "once")], policies: ASKING });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  for (const task of ["Count 10.", "Count 11.", "Count 12."]) {
    const { id, approval } = await waiting(engine, task);
    value(await engine.harness.decide(ann, yes(approval, true)));
    await engine.reaches(id, "succeeded");
  }
  const [, second] = value(await engine.harness.listPrecedents(engine.caller, ALL)).data;
  value(await engine.harness.revokePrecedent(ann, second?.id ?? "", { reason: "No more." }));
  const whole = value(await engine.harness.listPrecedents(engine.caller, { limit: 3, cursor: null }));
  expect([whole.data.map(({ revoked_at: at }) => at === null), whole.next_cursor]).toEqual([
    [true, true, false],
    null,
  ]);
  const pages: unknown[] = [];
  const cursors: (string | null)[] = [null];
  for (let at = 0; at < 3; at += 1) {
    const cursor = cursors[at] ?? null;
    const page = value(await engine.harness.listPrecedents(engine.caller, { limit: 1, cursor }));
    pages.push(...page.data);
    cursors.push(page.next_cursor);
  }
  expect(pages).toEqual(whole.data);
  expect(cursors.at(-1)).toBeNull();
  const first = cursors[1] ?? "";
  const stranger = await engine.newCaller("stranger", "elsewhere");
  for (const [caller, cursor] of [
    [stranger, first],
    [engine.caller, `${first}AA`],
    [engine.caller, first.toLowerCase()],
  ] as const)
    expect(await engine.harness.listPrecedents(caller, { limit: 1, cursor })).toMatchObject({
      ok: false,
      error: { code: "invalid_request", errors: [{ pointer: "#/cursor" }] },
    });
});

test("a yes for this once is for this once", async () => {
  const tool = countingTool(TOOL, "once");
  await using engine = await openEngine({ models, tools: [tool], policies: ASKING });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  const { id, approval } = await waiting(engine, "Count 10.");
  value(await engine.harness.decide(ann, yes(approval, false)));
  await engine.reaches(id, "succeeded");
  await waiting(engine, "Count 10.");
  expect(tool.effects).toHaveLength(1);
  expect(value(await engine.harness.listPrecedents(engine.caller, ALL)).data).toEqual([]);
});

test("a no that is to be remembered refuses again; revoked, people are asked again", async () => {
  const tool = countingTool(TOOL, "once");
  await using engine = await openEngine({ models, tools: [tool], policies: ASKING });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  const { id, approval } = await waiting(engine, "Count 10.");
  value(
    await engine.harness.decide(ann, {
      approval_id: approval.id,
      decision: "deny",
      comment: "Never ten.",
      remember: true,
    }),
  );
  await engine.reaches(id, "succeeded");
  const again = await engine.reaches(await engine.submit("Count 10."), "succeeded", "awaiting_approval");
  expect(again.approvals).toEqual([]);
  expect(again.steps.find(({ kind }) => kind === "tool")).toMatchObject({
    state: "refused",
    error: { code: "denied" },
  });
  const [precedent] = value(await engine.harness.listPrecedents(engine.caller, ALL)).data;
  const cleaner = await person(engine, "cleaner", "service");
  const reason = "Ten is fine after all.";
  value(await engine.harness.revokePrecedent(cleaner, precedent?.id ?? "", { reason }));
  await waiting(engine, "Count 10.");
  expect(tool.effects).toEqual([]);
  const kept = await engine.store.transaction(
    engine.tenant,
    async ({ memory }) => await memory.findResolution(precedent?.id ?? ""),
  );
  expect([kept?.resolvedBy.principalId, kept?.revokedBy?.principalId, kept?.revokedBy?.agentId]).toEqual([
    "ann",
    null,
    "cleaner",
  ]);
});

test("a precedent never crosses a tenant, an agent or a deny of the rules", async () => {
  const tool = countingTool(TOOL, "once");
  const policies = changingRules();
  await using engine = await openEngine({ models, tools: [tool], policies });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  const { id, approval } = await waiting(engine, "Count 10.");
  value(await engine.harness.decide(ann, yes(approval, true)));
  await engine.reaches(id, "succeeded");
  const stranger = await engine.newCaller("stranger", "other");
  const foreign = value(
    await engine.harness.submitRun(stranger, { agent: "tester", task: "Count 10." }, "foreign"),
  );
  const theirs = await until("the stranger's run waits", async () => {
    const run = value(await engine.harness.getRun(stranger, foreign.runId));
    return run.status === "awaiting_approval" || run.finished_at !== null ? run : undefined;
  });
  expect(theirs).toMatchObject({ status: "awaiting_approval", approvals: [{ advice: [] }] });
  expect(value(await engine.harness.listPrecedents(stranger, ALL)).data).toEqual([]);
  policies.put(`@id("no") forbid (principal, action == Action::"call", resource);`);
  const denied = await engine.reaches(await engine.submit("Count 10."), "succeeded");
  expect(denied.steps.find(({ kind }) => kind === "tool")).toMatchObject({ state: "refused" });
  expect(tool.effects).toHaveLength(1);
});

test("a payment is decided once, never for good", async () => {
  const counting = countingTool(TOOL, "once");
  const tool = { ...counting, manifest: { ...counting.manifest, harm: ["money"] as const } };
  await using engine = await openEngine({ models, tools: [tool], policies: ASKING });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  const { approval } = await waiting(engine, "Count 10.");
  expect(await engine.harness.decide(ann, yes(approval, true))).toMatchObject({
    ok: false,
    error: { code: "decision_not_possible" },
  });
  value(await engine.harness.decide(ann, yes(approval, false)));
});

test("where the rules say who has to agree, a yes is not taken for good, and a no is", async () => {
  const tool = countingTool(TOOL, "once");
  const policies = policiesOf({
    texts: {
      "test.cedar": `@id("act") permit (principal, action == Action::"call", resource);
      @id("ask") @needs_approval @approvers("ann") forbid (principal, action == Action::"call", resource);`,
    },
  });
  await using engine = await openEngine({ models, tools: [tool], policies });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  const { id, approval } = await waiting(engine, "Count 10.");
  expect(await engine.harness.decide(ann, yes(approval, true))).toMatchObject({
    ok: false,
    error: { code: "decision_not_possible" },
  });
  value(await engine.harness.decide(ann, neverAgain(approval)));
  await engine.reaches(id, "succeeded");
  const again = await engine.reaches(await engine.submit("Count 10."), "succeeded", "awaiting_approval");
  expect(again.approvals).toEqual([]);
  expect(tool.effects).toEqual([]);
});

test("a payment that is refused for good is refused again without asking; taken back, people are asked again", async () => {
  const counting = countingTool(TOOL, "once");
  const tool = { ...counting, manifest: { ...counting.manifest, harm: ["money"] as const } };
  await using engine = await openEngine({ models, tools: [tool], policies: ASKING });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  const { id, approval } = await waiting(engine, "Count 10.");
  value(await engine.harness.decide(ann, neverAgain(approval)));
  await engine.reaches(id, "succeeded");
  const again = await engine.reaches(await engine.submit("Count 10."), "succeeded", "awaiting_approval");
  expect(again.approvals).toEqual([]);
  expect(again.steps.find(({ kind }) => kind === "tool")).toMatchObject({
    state: "refused",
    error: { code: "denied" },
  });
  // Another amount is another question.
  await waiting(engine, "Count 11.");
  const [precedent, ...others] = value(await engine.harness.listPrecedents(engine.caller, ALL)).data;
  expect([precedent, others.length]).toMatchObject([{ tool: TOOL, decision: "deny", uses: 1 }, 0]);
  value(await engine.harness.revokePrecedent(ann, precedent?.id ?? "", { reason: "It is fine." }));
  await waiting(engine, "Count 10.");
  expect(tool.effects).toEqual([]);
});

test("what a service answers is shown, and repeated by nobody", async () => {
  const tool = countingTool(TOOL, "once");
  await using engine = await openEngine({ models, tools: [tool], policies: ASKING });
  await engine.startWorker();
  const { id, approval } = await waiting(engine, "Count 10.");
  value(await engine.harness.decide(engine.caller, yes(approval, true)));
  await engine.reaches(id, "succeeded");
  const again = await waiting(engine, "Count 10.");
  expect(again.approval.advice).toHaveLength(1);
  expect(tool.effects).toHaveLength(1);
});

test("one question of many runs, answered at once: every answer counts for its own run", async () => {
  const tool = countingTool(TOOL, "once");
  await using engine = await openEngine({ models, tools: [tool], policies: ASKING });
  await engine.startWorker();
  const decider = await person(engine, "ann");
  for (let round = 0; round < 4; round += 1) {
    const gates: Approval[] = [];
    for (let index = 0; index < 6; index += 1)
      gates.push((await waiting(engine, `Count ${round + 500}.`)).approval);
    const answers = await Promise.all(
      gates.map(async (approval) => await engine.harness.decide(decider, yes(approval, false))),
    );
    expect(answers.map((answer) => (answer.ok ? answer.value.status : answer.error.code))).toEqual(
      gates.map(() => "approved"),
    );
  }
});

test("what was taken back is not given for good again, and still can be decided once", async () => {
  const tool = countingTool(TOOL, "once");
  await using engine = await openEngine({ models, tools: [tool], policies: ASKING });
  await engine.startWorker();
  const decider = await person(engine, "ann");
  const first = await waiting(engine, "Count 10.");
  value(await engine.harness.decide(decider, yes(first.approval, true)));
  const [precedent] = value(await engine.harness.listPrecedents(engine.caller, ALL)).data;
  value(await engine.harness.revokePrecedent(engine.caller, precedent?.id ?? "", { reason: "A mistake." }));
  const second = await waiting(engine, "Count 10.");
  const again = await engine.harness.decide(decider, yes(second.approval, true));
  expect(again).toMatchObject({ ok: false, error: { code: "decision_not_possible" } });
  const once = await engine.harness.decide(decider, yes(second.approval, false));
  expect(once).toMatchObject({ ok: true, value: { status: "approved" } });
});

test("a remembered answer ends: a person is asked again, shown what was said, and can give it anew", async () => {
  const tool = countingTool(TOOL, "once");
  await using engine = await openEngine({ models, tools: [tool], policies: ASKING });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  const DAY_MS = 86_400_000;
  const remember = async (days: number | null): Promise<void> => {
    const { id, approval } = await waiting(engine, "Count 10.");
    value(await engine.harness.decide(ann, yes(approval, true, days)));
    await engine.reaches(id, "succeeded");
  };
  const answers = async (): Promise<boolean> => {
    const run = await engine.reaches(await engine.submit("Count 10."), "succeeded", "awaiting_approval");
    return run.status === "succeeded";
  };
  const daysLeft = async (): Promise<number> => {
    const [precedent] = value(await engine.harness.listPrecedents(engine.caller, ALL)).data;
    return (Date.parse(precedent?.expires_at ?? "") - engine.clock.now().getTime()) / DAY_MS;
  };
  await remember(2);
  expect(await daysLeft()).toBeCloseTo(2, 1);
  expect(await answers()).toBe(true);
  engine.clock.advance(2 * DAY_MS);
  const { approval, id } = await waiting(engine, "Count 10.");
  expect(approval.advice.map(({ decision, explanation }) => [decision, explanation])).toEqual([
    ["approve", expect.stringContaining("ended on")],
  ]);
  value(await engine.harness.decide(ann, yes(approval, false)));
  await engine.reaches(id, "succeeded");
  // Answered once, it is over still; given for good once more, it holds for the usual time.
  await remember(null);
  expect(await daysLeft()).toBeCloseTo(REMEMBER_DAYS_DEFAULT, 1);
  expect(await answers()).toBe(true);
  engine.clock.advance(REMEMBER_DAYS_DEFAULT * DAY_MS);
  expect(await answers()).toBe(false);
});

test("a service does not make a person's answer last longer, nor give it anew once it ended", async () => {
  const tool = countingTool(TOOL, "once");
  await using engine = await openEngine({ models, tools: [tool], policies: ASKING });
  await engine.startWorker();
  const [ann, robot] = [await person(engine, "ann"), await person(engine, "robot", "service")];
  const DAY_MS = 86_400_000;
  // Both wait before either is answered.
  const [first, second] = [await waiting(engine, "Count 10."), await waiting(engine, "Count 10.")];
  value(await engine.harness.decide(ann, yes(first.approval, true, 2)));
  value(await engine.harness.decide(robot, yes(second.approval, true, 3_000)));
  for (const { id } of [first, second]) await engine.reaches(id, "succeeded");
  engine.clock.advance(2 * DAY_MS);
  const third = await waiting(engine, "Count 10.");
  value(await engine.harness.decide(robot, yes(third.approval, true, 3_000)));
  await engine.reaches(third.id, "succeeded");
  await waiting(engine, "Count 10.");
  expect(tool.effects).toHaveLength(3);
});

test("an answer that ended does not stand against another one that is given for good", async () => {
  const tool = countingTool(TOOL, "once");
  await using engine = await openEngine({ models, tools: [tool], policies: ASKING });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  const first = await waiting(engine, "Count 10.");
  value(await engine.harness.decide(ann, yes(first.approval, true, 1)));
  await engine.reaches(first.id, "succeeded");
  engine.clock.advance(86_400_000);
  const second = await waiting(engine, "Count 10.");
  const no = {
    approval_id: second.approval.id,
    decision: "deny",
    comment: "No more.",
    remember: true,
  } as const;
  value(await engine.harness.decide(ann, no));
  await engine.reaches(second.id, "succeeded");
  const third = await engine.reaches(await engine.submit("Count 10."), "succeeded", "awaiting_approval");
  expect([third.status, tool.effects.length]).toEqual(["succeeded", 1]);
});

test("days without saying that it is to be remembered are refused, and nothing is decided", async () => {
  const tool = countingTool(TOOL, "once");
  await using engine = await openEngine({ models, tools: [tool], policies: ASKING });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  const { id, approval } = await waiting(engine, "Count 10.");
  const decided = await engine.harness.decide(ann, yes(approval, false, 3));
  expect(decided).toMatchObject({ ok: false, error: { code: "decision_not_possible" } });
  expect((await engine.run(id)).status).toBe("awaiting_approval");
});

const reasonsOf = ({ decision }: Approval): readonly (readonly [string, string])[] =>
  decision.reasons.map(({ code, detail }) => [code, detail] as const);

test("a remembered yes is none to what is wanted since, and whoever is asked reads why", async () => {
  const tool = countingTool(TOOL, "once");
  const policies = changingRules();
  await using engine = await openEngine({ models, tools: [tool], policies });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  const remember = async (): Promise<Approval> => {
    const { id, approval } = await waiting(engine, "Count 10.");
    value(await engine.harness.decide(ann, yes(approval, true)));
    await engine.reaches(id, "succeeded");
    return approval;
  };
  expect(reasonsOf(await remember())).toHaveLength(1);
  for (const [rule, why] of [
    ['@id("embargo") @needs_approval', "not to what asks now (embargo)"],
    ['@id("ask") @needs_approval @quorum("2")', "2 different people"],
    ['@id("ask") @needs_approval @approvers("ben")', "the word of ben"],
    ['@id("ask") @needs_approval @separate_duties', "somebody else than the requester"],
  ] as const) {
    policies.put(asking(rule));
    const { approval } = await waiting(engine, "Count 10.");
    expect(reasonsOf(approval).at(-1)).toEqual(["precedent_not_enough", expect.stringContaining(why)]);
    expect(approval.advice).toMatchObject([{ decision: "approve", decided_by: "ann" }]);
  }
  expect(tool.effects).toHaveLength(1);
  // The rules of then are in force again, and with them what was said to them.
  policies.put(asking('@id("ask") @needs_approval'));
  const answers = async (): Promise<string> =>
    (await engine.reaches(await engine.submit("Count 10."), "succeeded", "awaiting_approval")).status;
  expect(await answers()).toBe("succeeded");
  // As a program of before remembered it: which rules had asked is not known, and a person is asked once more.
  await engine.database.ownerPool().query("update assent.precedent_terms set rules = null");
  expect(reasonsOf(await remember()).at(-1)).toEqual([
    "precedent_not_enough",
    expect.stringContaining("was not kept with it"),
  ]);
  expect(await answers()).toBe("succeeded");
});

test("a yes to one rule and a yes to another are a yes to both, each until its own day", async () => {
  const tool = countingTool(TOOL, "once");
  const policies = changingRules();
  await using engine = await openEngine({ models, tools: [tool], policies });
  await engine.startWorker();
  const [ann, robot] = [await person(engine, "ann"), await person(engine, "robot", "service")];
  const remember = async (caller: Caller, rule: string, days: number): Promise<void> => {
    policies.put(asking(rule));
    const { id, approval } = await waiting(engine, "Count 10.");
    value(await engine.harness.decide(caller, yes(approval, true, days)));
    await engine.reaches(id, "succeeded");
  };
  const BOTH = `${asking('@id("ask") @needs_approval')}
    @id("embargo") @needs_approval forbid (principal, action == Action::"call", resource);`;
  const asks = async (): Promise<string> => {
    const run = await engine.reaches(await engine.submit("Count 10."), "succeeded", "awaiting_approval");
    return run.approvals.flatMap(reasonsOf).at(-1)?.[1] ?? "";
  };
  // What a service said to a rule does not become a person's by their yes to another.
  await remember(robot, '@id("embargo") @needs_approval', 3_000);
  await remember(ann, '@id("ask") @needs_approval', 9);
  policies.put(BOTH);
  expect(await asks()).toContain("not to what asks now (embargo)");
  await remember(ann, '@id("embargo") @needs_approval', 1);
  policies.put(BOTH);
  expect(await asks()).toBe("");
  engine.clock.advance(86_400_000);
  // The newest word ended; a yes to the one rule that is given anew does not bring back the other.
  await remember(ann, '@id("ask") @needs_approval', 9);
  policies.put(BOTH);
  expect(await asks()).toContain("not to what asks now (embargo)");
});

test("an older yes is not given where a newer no cannot be read: whoever is asked is told which row it is", async () => {
  const tool = countingTool(TOOL, "once");
  await using engine = await openEngine({ models, tools: [tool], policies: ASKING });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  // Both wait before either is answered.
  const [first, second] = [await waiting(engine, "Count 10."), await waiting(engine, "Count 10.")];
  value(await engine.harness.decide(ann, yes(first.approval, true)));
  value(await engine.harness.decide(ann, neverAgain(second.approval)));
  for (const { id } of [first, second]) await engine.reaches(id, "succeeded");
  const owner = engine.database.ownerPool();
  const damaged = await owner.query<{ id: string }>(
    `update assent.harmony_resolutions set record = (record::jsonb - 'resolved_at')::json where record ->> 'strategy' = 'deny'
     returning 'sha256:' || encode(id, 'hex') as id`,
  );
  const name = damaged.rows[0]?.id ?? "none";
  const third = await waiting(engine, "Count 10.");
  expect(reasonsOf(third.approval).at(-1)).toEqual(["precedent_unreadable", expect.stringContaining(name)]);
  expect(third.approval.advice).toMatchObject([{ decision: "approve" }]);
  expect(tool.effects).toHaveLength(1);
  expect(value(await engine.harness.listPrecedents(engine.caller, ALL)).data).toHaveLength(1);
  // What cannot be read is not taken for what is to be stored in its place.
  const again = await engine.harness.decide(ann, neverAgain(third.approval));
  expect(again).toMatchObject({
    ok: false,
    error: { code: "decision_not_possible", detail: expect.stringContaining(name) },
  });
  await owner.query("delete from assent.harmony_resolutions where record ->> 'strategy' = 'deny'");
  value(await engine.harness.decide(ann, yes(third.approval, true)));
  await engine.reaches(third.id, "succeeded");
  expect(tool.effects).toHaveLength(2);
});

test("a yes is not given where its question cannot be read: a person is asked, and reads which row it is, as the log does", async () => {
  const tool = countingTool(TOOL, "once");
  await using engine = await openEngine({ models, tools: [tool], policies: ASKING });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  const owner = engine.database.ownerPool();
  for (const task of ["Count 10.", "Count 11."]) {
    const { id, approval } = await waiting(engine, task);
    value(await engine.harness.decide(ann, yes(approval, true)));
    await engine.reaches(id, "succeeded");
  }
  const [kept] = value(await engine.harness.listPrecedents(engine.caller, ALL)).data;
  const damage = async (record: string): Promise<string> =>
    (
      await owner.query<{ id: string }>(
        `update assent.harmony_patterns set record = ${record} where id = decode($1, 'hex')
         returning 'sha256:' || encode(id, 'hex') as id`,
        [kept?.pattern_id.slice("sha256:".length)],
      )
    ).rows[0]?.id ?? "none";
  const name = await damage(`(record::jsonb - 'scope')::json`);
  expect(name).toBe(kept?.pattern_id);
  // The other question is near this one, and answered as before.
  const answered = await engine.reaches(await engine.submit("Count 10."), "succeeded", "awaiting_approval");
  const asked = await engine.reaches(await engine.submit("Count 11."), "succeeded", "awaiting_approval");
  const [good, bad] = answered.status === "succeeded" ? [answered, asked] : [asked, answered];
  expect([good.status, bad.status]).toEqual(["succeeded", "awaiting_approval"]);
  const [approval] = bad.approvals;
  if (approval === undefined) throw new Error("it waits");
  expect(reasonsOf(approval).at(-1)).toEqual([
    "precedent_unreadable",
    expect.stringContaining(`the row ${name} of assent.harmony_patterns`),
  ]);
  expect(engine.logged.filter((line) => line.includes("cannot be read") && line.includes(name))).toHaveLength(
    1,
  );
  expect(value(await engine.harness.listPrecedents(engine.caller, ALL)).data).toHaveLength(1);
  expect(
    await engine.harness.revokePrecedent(engine.caller, kept?.id ?? "", { reason: "why" }),
  ).toMatchObject({
    ok: false,
    error: { code: "precedent_not_found" },
  });
  value(await engine.harness.decide(ann, yes(approval, true)));
  await engine.reaches(bad.id, "succeeded");
  expect(tool.effects).toHaveLength(4);
  // Another question's record under this id is none either.
  await damage(
    "(select o.record from assent.harmony_patterns o where o.id <> decode($1, 'hex') and o.tenant_id = harmony_patterns.tenant_id limit 1)",
  );
  await waiting(engine, bad.task);
});

test("another rule under an old id is not answered by the yes to the old one; the same in other words is", async () => {
  const policies = changingRules();
  await using engine = await openEngine({ models, tools: [countingTool(TOOL, "idempotent")], policies });
  await engine.startWorker();
  const ann = await person(engine, "ann");
  const rule = (description: string, condition: string): string =>
    `@id("all") permit (principal, action, resource);
     @id("ask") @needs_approval @description("${description}") forbid (principal, action == Action::"call", resource)
     ${condition};`;
  const ends = async (): Promise<string> =>
    (await engine.reaches(await engine.submit("Count 10."), "succeeded", "awaiting_approval")).status;
  policies.put(rule("It counts.", ""));
  const { id, approval } = await waiting(engine, "Count 10.");
  value(await engine.harness.decide(ann, yes(approval, true)));
  await engine.reaches(id, "succeeded");
  expect(await ends()).toBe("succeeded");
  policies.put(rule("It counts, and that is seen.", "// in other words\n"));
  expect(await ends()).toBe("succeeded");
  policies.put(rule("It counts.", "when { true }"));
  const asked = await waiting(engine, "Count 10.");
  expect(reasonsOf(asked.approval).at(-1)).toEqual([
    "precedent_not_enough",
    expect.stringContaining("not to what asks now (ask)"),
  ]);
  // What was asked under rules that are not loaded any more is a yes to none: nobody can say what they meant.
  policies.put(rule("It counts.", "when { 1 < 2 }"));
  value(await engine.harness.decide(ann, yes(asked.approval, true)));
  await engine.reaches(asked.id, "succeeded", "awaiting_approval");
  expect(await ends()).toBe("awaiting_approval");
  policies.put(rule("It counts.", "when { true }"));
  expect(await ends()).toBe("awaiting_approval");
});
