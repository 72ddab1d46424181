// "Prior approval is evidence about a past decision. It is not standing authority." (spec/peers.md, 26): what a person
// gave for good answers the very same question, until it is taken back, and nothing else.

import { fieldsOf, isProblem, textOf } from "../../run-reading.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import type { PathCall, Role } from "../../target.ts";
import {
  arrived,
  awaitEnd,
  awaitGate,
  deputyOf,
  sayYes,
  sinkCall,
  speakFor,
  type Spoken,
  submitCall,
  submitMarked,
} from "../deputy-moves.ts";

export const rememberedAnswers: Scenario = {
  id: "harness_policy/remembered_answers",
  title: "A remembered answer answers its own question, and no other agent's, tenant's or rule's",
  tier: 1,
  phase: "unit",
  why: "An answer that spreads further than the person meant is an open gate with a person's name on it.",
  remedy:
    "Remember only what a person said is to be remembered; know a question by tenant, agent, tool, exact arguments and their origins; ask the rules first, each time; let an answer be listed and taken back.",
  needs: ["submit", "approve", "cancel", "deputy"],
  invariants: ["assent-is-exact", "deny-wins", "tenant-walls"],
  implies: { events: ["approval_approved", "step_refused"] },
  seed: "spec/peers.md section 2, numbers 22 to 26",
  timeLimitMs: 600_000,
  run: async (context) => {
    const spoken = speakFor(context);
    const question = context.unique("question");
    await onceIsOnce(context, spoken, question);
    const rationale = await forGood(context, spoken, question);
    await noOther(context, spoken, question);
    await denyOutranks(context, spoken);
    await context.part("it can be taken back", ["precedents"], async () => {
      await takeBack(context, spoken, question, rationale);
    });
  },
};

const told = (context: ScenarioContext, text: string): PathCall =>
  sinkCall(deputyOf(context).tools.asked, text);

/** FAIL where the run does not stop at a gate; it is called off there. */
async function checkAsked(
  context: ScenarioContext,
  role: Role,
  id: string,
  text: string,
  claim: string,
): Promise<void> {
  const before = arrived(context, text);
  await awaitGate(context, context.client(role), id, claim);
  await context.client(role).cancel(id);
  context.check(claim, arrived(context, text) === before);
}

async function onceIsOnce(context: ScenarioContext, spoken: Spoken, question: string): Promise<void> {
  const requester = context.client("requester");
  const first = await submitCall(context, spoken, "requester", told(context, question));
  await sayYes(context, "approver", await awaitGate(context, requester, first.id));
  await awaitEnd(context, requester, first.id);
  context.check("a yes makes the call", arrived(context, question) === 1);
}

/** @returns the person's words, by which the answer is found again */
async function forGood(context: ScenarioContext, spoken: Spoken, question: string): Promise<string> {
  const requester = context.client("requester");
  const comment = context.unique("because");
  // That it asks at all shows that the yes before was for that once (omnigent 5051).
  const second = await submitCall(context, spoken, "requester", told(context, question));
  const once = "a yes for this once is for this once";
  const gate = await awaitGate(context, requester, second.id, once);
  context.check(once, arrived(context, question) === 1);
  const answer = await sayYes(context, "approver", gate, { remember: true, comment });
  context.check("an answer can be given for good", answer.status === 200, answer.json);
  await awaitEnd(context, requester, second.id);
  const third = await submitCall(context, spoken, "requester", told(context, question));
  const run = await awaitEnd(context, requester, third.id);
  context.check("the very same question is answered from memory", run.approvals.length === 0, run.approvals);
  context.check("once for each run", arrived(context, question) === 3, arrived(context, question));
  return comment;
}

/** Another argument, another agent, another tenant: each is another question (opencode 9554, claude-code 6527). */
async function noOther(context: ScenarioContext, spoken: Spoken, question: string): Promise<void> {
  const longer = `${question} and more`;
  const wider = await submitCall(context, spoken, "requester", told(context, longer));
  await checkAsked(context, "requester", wider.id, question, "another argument is another question");
  const mark = context.unique("task");
  spoken.say(mark, [{ calls: [told(context, question)] }]);
  const other = await submitMarked(context, "requester", mark, (task) => deputyOf(context).otherBody(task));
  await checkAsked(context, "requester", other, question, "another agent's question is another");
  await context.part("no answer crosses to another tenant", ["second_tenant"], async () => {
    const foreign = await submitCall(context, spoken, "other_tenant", told(context, question));
    await checkAsked(context, "other_tenant", foreign.id, question, "another tenant is asked itself");
  });
}

/** The rule speaks first, each time, whatever was remembered before it applied. */
async function denyOutranks(context: ScenarioContext, spoken: Spoken): Promise<void> {
  const requester = context.client("requester");
  const { tools, reading } = deputyOf(context);
  const text = context.unique("later");
  const call = sinkCall(tools.forbiddenLater, text);
  const first = await submitCall(context, spoken, "requester", call);
  const gate = await awaitGate(context, requester, first.id);
  await sayYes(context, "approver", gate, { remember: true, comment: "Fine." });
  await awaitEnd(context, requester, first.id);
  const again = await submitCall(context, spoken, "requester", call);
  await awaitEnd(context, requester, again.id);
  context.check("where no rule forbids it, the memory answers", arrived(context, text) === 2);
  const read = await submitCall(context, spoken, "requester", call, [reading]);
  await awaitEnd(context, requester, read.id);
  context.check("a deny of the rules outranks what was remembered", arrived(context, text) === 2);
}

async function takeBack(
  context: ScenarioContext,
  spoken: Spoken,
  question: string,
  comment: string,
): Promise<void> {
  const approver = context.client("approver");
  const accept = { accept: "application/json" };
  const listed = await approver.request({
    method: "GET",
    path: "/api/harness/precedents",
    headers: accept,
    body: null,
  });
  const rows = fieldsOf(listed.json)["data"];
  const found = (Array.isArray(rows) ? rows : [])
    .map(fieldsOf)
    .find((row) => textOf(row["rationale"]).includes(comment));
  context.check("what is remembered can be listed", found !== undefined, listed.status);
  const revoked = await approver.request({
    method: "POST",
    path: `/api/harness/precedents/${encodeURIComponent(textOf(found?.["id"]))}/revoke`,
    headers: { ...accept, "content-type": "application/json" },
    body: JSON.stringify({ reason: "It is not fine any more." }),
  });
  context.check("and taken back", revoked.status === 200, revoked.status);
  const id = (await submitCall(context, spoken, "requester", told(context, question))).id;
  const before = arrived(context, question);
  const nothing = "what was taken back answers nothing";
  const gate = await awaitGate(context, context.client("requester"), id, nothing);
  context.check(nothing, arrived(context, question) === before);
  const again = await sayYes(context, "approver", gate, { remember: true });
  context.check("and is not given for good again", isProblem(again), again.status);
  await context.client("requester").cancel(id);
}
