// A second try of a call whose outcome nobody knows is the call once more: the rules say who has to agree to it, and
// whether it may be at all (invariants 2, 4 and 5). What became of it, anybody who decides may say.

import type { Approval, RunId } from "@assent/contract";
import { expect, test } from "vitest";
import type { Policies } from "../../../packages/harness/src/core/decide/policy-point.ts";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import { advanceRun, claimRun } from "../../../packages/harness/src/services/orchestrator.ts";
import { answering, countingTool, type Engine, openEngine, policiesOf } from "../../support/engine.ts";
import { until } from "../../support/until.ts";

const ACT = `@id("act") permit (principal, action == Action::"call", resource);`;
const rules = (asking: string): Policies =>
  policiesOf({
    texts: {
      "test.cedar": `${ACT} @id("ask") @needs_approval ${asking} forbid (principal, action == Action::"call", resource);`,
    },
  });
const FORBIDDEN = policiesOf({
  texts: { "test.cedar": `${ACT} @id("never") forbid (principal, action == Action::"call", resource);` },
});

const never = new AbortController().signal;

/** Rules that are others once somebody has changed them. */
function changing(first: Policies): Policies & { change(to: Policies): void } {
  let now = first;
  return {
    get version() {
      return now.version;
    },
    get rules() {
      return now.rules;
    },
    decide: (...args) => now.decide(...args),
    change: (to) => {
      now = to;
    },
  };
}

async function opened(policies: Policies): Promise<{ engine: Engine; effects: readonly string[] }> {
  let isFirst = true;
  const tool = countingTool("pay", "once", async (_id, signal) => {
    if (!isFirst) return;
    isFirst = false;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    signal.addEventListener("abort", () => resolve(undefined));
    await promise;
  });
  const models = answering((turn) =>
    turn === 0 ? { calls: [{ id: "c1", tool: "pay", arguments: { amount: 10 } }] } : { text: "Done." },
  );
  return { engine: await openEngine({ models, tools: [tool], policies }), effects: tool.effects };
}

async function openApproval(engine: Engine, id: RunId): Promise<Approval> {
  const run = await engine.reaches(id, "awaiting_approval");
  const open = run.approvals.find(({ status }) => status === "open");
  if (open === undefined) throw new Error("nothing waits");
  return open;
}

const say = async (
  { harness }: Engine,
  caller: Caller,
  { id, action_digest: digest }: Approval,
  decision: "approve" | "confirm" = "approve",
): Promise<string> => {
  const word = { approval_id: id, action_digest: digest, comment: "Looked it up." };
  const said = await harness.decide(caller, { ...word, decision });
  return said.ok ? said.value.status : said.error.code;
};

/** A run whose worker was killed inside the call that these people had agreed to, up to the question about it. */
async function inDoubt(engine: Engine, agreed: readonly Caller[]): Promise<{ id: RunId; doubt: Approval }> {
  const id = await engine.submit();
  const claim = async (worker: number): Promise<Parameters<typeof advanceRun>[1]> =>
    (await claimRun(engine.ports, worker, engine.tenant, id)) ?? expect.unreachable();
  await advanceRun(engine.ports, await claim(1), never, never);
  const asked = await openApproval(engine, id);
  for (const caller of agreed) await say(engine, caller, asked);
  const dead = new AbortController();
  const advancing = advanceRun(engine.ports, await claim(2), dead.signal, never);
  await until("the call is intended", async () =>
    (await engine.run(id)).steps.some(({ kind, state }) => kind === "tool" && state === "intended"),
  );
  engine.clock.advance(60_000);
  await engine.sweep();
  dead.abort();
  await advancing;
  await engine.startWorker();
  const doubt = await openApproval(engine, id);
  expect(doubt.subject).toBe("in_doubt");
  return { id, doubt };
}

test("a second try of what two people had to agree to wants two people, and neither of them who asked for it", async () => {
  const { engine, effects } = await opened(rules('@quorum("2") @separate_duties'));
  await using _ = engine;
  const [ann, bob] = [
    await engine.newCaller("ann", "default", "human"),
    await engine.newCaller("bob", "default", "human"),
  ];
  const { id, doubt } = await inDoubt(engine, [ann, bob]);
  expect(doubt.requirement).toMatchObject({ quorum: 2, separate_duties: true });
  expect(await say(engine, engine.caller, doubt)).toBe("four_eyes");
  expect(await say(engine, ann, doubt)).toBe("open");
  expect(await say(engine, ann, doubt)).toBe("open");
  expect(effects).toHaveLength(1);
  expect(await say(engine, bob, doubt)).toBe("approved");
  await engine.reaches(id, "succeeded");
  expect(effects).toHaveLength(2);
  expect(new Set(effects).size).toBe(1);
  const heard = await engine.harness.listEvents(engine.caller, id, 0);
  const again = heard.ok ? heard.value.events.find(({ kind }) => kind === "step_retried") : undefined;
  expect(again?.data).toMatchObject({ approval_id: doubt.id, approved_digest: doubt.action_digest });
});

test("that it happened, one person can say, whoever they are", async () => {
  const { engine, effects } = await opened(rules('@quorum("2") @separate_duties'));
  await using _ = engine;
  const agreed = [
    await engine.newCaller("ann", "default", "human"),
    await engine.newCaller("bob", "default", "human"),
  ];
  const { id, doubt } = await inDoubt(engine, agreed);
  expect(await say(engine, engine.caller, doubt, "confirm")).toBe("approved");
  await engine.reaches(id, "succeeded");
  expect(effects).toHaveLength(1);
});

test("a rule that forbids the call by now wins over the yes to a second try", async () => {
  const policies = changing(rules(""));
  const { engine, effects } = await opened(policies);
  await using _ = engine;
  const { id, doubt } = await inDoubt(engine, [engine.caller]);
  policies.change(FORBIDDEN);
  expect(await say(engine, engine.caller, doubt)).toBe("approved");
  const run = await engine.reaches(id, "succeeded");
  expect(effects).toHaveLength(1);
  expect(run.steps.find(({ kind }) => kind === "tool")).toMatchObject({
    state: "failed",
    error: { code: "denied" },
  });
});

test("rules that want more by the time of the yes have the second try asked about anew", async () => {
  const policies = changing(rules(""));
  const { engine, effects } = await opened(policies);
  await using _ = engine;
  const { id, doubt } = await inDoubt(engine, [engine.caller]);
  policies.change(rules('@approvers("carol")'));
  const carol = await engine.newCaller("carol", "default", "human");
  expect(await say(engine, engine.caller, doubt)).toBe("approved");
  await until("it is asked again", async () =>
    (await engine.run(id)).approvals.some(({ id: other, status }) => status === "open" && other !== doubt.id),
  );
  expect(effects).toHaveLength(1);
  const again = await openApproval(engine, id);
  expect(await say(engine, engine.caller, again)).toBe("not_an_approver");
  expect(await say(engine, carol, again)).toBe("approved");
  await engine.reaches(id, "succeeded");
  expect(effects).toHaveLength(2);
});

test("arguments that were changed in the database after the question are not tried again", async () => {
  const { engine, effects } = await opened(rules(""));
  await using _ = engine;
  const { id, doubt } = await inDoubt(engine, [engine.caller]);
  const owner = engine.database.ownerPool();
  await owner.query("alter table assent.steps disable trigger user");
  const { rowCount } = await owner.query(
    `update assent.steps set request = replace(request::text, '"amount":10', '"amount":99')::json
     where kind = 'tool' and state = 'in_doubt'`,
  );
  await owner.query("alter table assent.steps enable trigger user");
  expect(rowCount).toBe(1);
  expect(await say(engine, engine.caller, doubt)).toBe("approved");
  const run = await engine.reaches(id, "succeeded", "failed", "dead_lettered");
  expect(effects).toHaveLength(1);
  expect(run.steps.find(({ kind }) => kind === "tool")).toMatchObject({ error: { code: "approval_broken" } });
});
