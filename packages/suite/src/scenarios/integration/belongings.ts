// One thing of every kind that a tenant has, made over the API as its people make them: what a route that takes an id is
// given a real one of.

import type { Answer } from "../../client.ts";
import { fieldsOf, type RunReading, textOf } from "../../run-reading.ts";
import type { ScenarioContext } from "../../scenario.ts";
import type { Role } from "../../target.ts";
import { type DrivenRun, openDrivenRun } from "../../worlds/driven-run.ts";
import { lookUntil } from "../../wait.ts";
import { approveUntilEnd, awaitStatus, openApprovals, readRunOf, submitGatedTask } from "../moves.ts";

/** What there is depends on what the target has. Ids, but where it says otherwise. */
export type Belongings = {
  /** Waits for a person, with its question. */
  readonly waiting: { readonly run: string; readonly approval: string };
  /** Driven from outside, with a call that is permitted. */
  driven?: { readonly run: string; readonly action: string; readonly tool: string };
  /** Driven, failed, and with an effect that its driver is to take back. */
  failed?: { readonly run: string; readonly action: string };
  finished?: { readonly run: string; readonly artifact: string };
  dead?: string;
  precedent?: string;
  /** Of what a run did and nobody can take back; it waits for somebody to say what was done about it. */
  escalation?: string;
  /** As many as there are routes that change one. */
  readonly documents: string[];
  readonly keys: string[];
  readonly signingKeys: string[];
  webhook?: string;
  /** The name of a person whom only this tenant has. */
  person?: string;
};

export async function post(
  context: ScenarioContext,
  role: Role,
  path: string,
  body: unknown,
): Promise<Answer> {
  return await context.client(role).request({
    method: "POST",
    path,
    headers: {
      accept: "application/json",
      "content-type": "application/json",
      "idempotency-key": context.unique("post"),
    },
    body: JSON.stringify(body),
  });
}

export async function get(context: ScenarioContext, role: Role, path: string): Promise<Answer> {
  const headers = { accept: "application/json" };
  return await context.client(role).request({ method: "GET", path, headers, body: null });
}

async function makeOne(context: ScenarioContext, role: Role, path: string, body: unknown): Promise<string> {
  const answer = await post(context, role, path, body);
  const id = textOf(fieldsOf(answer.json)["id"]);
  context.check("its owner can make one", answer.status === 201 && id !== "", {
    path,
    status: answer.status,
  });
  return id;
}

export async function waitAtGate(context: ScenarioContext): Promise<{ run: string; approval: string }> {
  const requester = context.client("requester");
  const run = await submitGatedTask(context, requester);
  const [open] = openApprovals(await awaitStatus(context, requester, run, ["awaiting_approval"]));
  return { run, approval: open?.id ?? "" };
}

/** Says yes to one question, for good where that is asked for. */
async function agree(context: ScenarioContext, run: string, more: object = {}): Promise<void> {
  const [open] = openApprovals(await readRunOf(context, context.client("requester"), run));
  const yes = { approval_id: open?.id ?? "", decision: "approve", action_digest: open?.actionDigest ?? "" };
  const answer = await context.client("approver").approve({ ...yes, ...more });
  context.check("the shown action can be approved", answer.status === 200, answer.json);
}

const BY_DRIVER = {
  compensation: { by: "driver", effect: "idempotent", description: "It is called back." },
};

const tool = (name: string, harm: readonly string[]): object => ({
  effect: "once",
  harm,
  control_arguments: ["to"],
  version: "1",
  description: "Sends it.",
  input_schema: { type: "object", properties: { to: { type: "string" } }, additionalProperties: false },
  name,
});

async function drive(
  context: ScenarioContext,
  name: string,
  harm: readonly string[],
  more: object = BY_DRIVER,
): Promise<DrivenRun> {
  return await openDrivenRun(context, context.client("requester"), {
    task: "Send it.",
    approver: "ask",
    tools: [{ name, ...tool(name, harm), ...more }],
  });
}

/** A call that a person agreed to for good: a permitted action, and a precedent. */
async function driveOn(context: ScenarioContext, made: Belongings): Promise<void> {
  // A name of its own: what is remembered of it answers nobody else's question.
  const name = context.unique("send").replaceAll("-", "_");
  const run = await drive(context, name, ["write"]);
  const comment = context.unique("because");
  const { action, decision } = await run.propose({ tool: name, arguments: { to: "somewhere else" } });
  context.precondition("a call that changes something is asked about", decision === "needs_approval");
  await agree(context, run.id, { remember: true, comment });
  const permitted = await run.look(action);
  context.precondition("and permitted after a yes", permitted.decision === "permit");
  made.driven = { run: run.id, action, tool: name };
  await context.part("a precedent of another tenant", ["precedents"], async () => {
    const answer = await get(context, "approver", "/api/harness/precedents");
    const rows = fieldsOf(answer.json)["data"];
    const found = (Array.isArray(rows) ? rows : [])
      .map(fieldsOf)
      .find((row) => textOf(row["rationale"]).includes(comment));
    context.check("what is remembered can be listed", found !== undefined, answer.status);
    made.precedent = textOf(found?.["id"]);
  });
}

/** A run that failed after a call whose result it was told. */
async function failAfter(context: ScenarioContext, more: object): Promise<DrivenRun> {
  const name = context.unique("book").replaceAll("-", "_");
  const run = await drive(context, name, [], more);
  const proposed = await run.propose({ tool: name, arguments: {} });
  if (proposed.decision === "needs_approval") await agree(context, run.id);
  const { action } = await run.look(proposed.action);
  context.check("its result is taken", (await run.report(action, "done")) === 200);
  await run.fail();
  return run;
}

async function failAfterEffect(context: ScenarioContext, made: Belongings): Promise<void> {
  const run = await failAfter(context, BY_DRIVER);
  const due = await run.nextCompensation();
  context.check("its driver is to take the effect back", due.action !== "", due);
  made.failed = { run: run.id, action: due.action };
}

async function leaveEffect(context: ScenarioContext, made: Belongings): Promise<void> {
  const run = await failAfter(context, {});
  const found = async (): Promise<string> => {
    const answer = await get(context, "approver", "/api/harness/escalations?status=open&limit=100");
    const rows = fieldsOf(answer.json)["data"];
    const row = (Array.isArray(rows) ? rows : [])
      .map(fieldsOf)
      .find(({ reason }) => textOf(reason).includes(run.id));
    return textOf(row?.["id"]);
  };
  const { seen } = await lookUntil(found, (id) => id !== "", {
    timeoutMs: context.pace.waitMsMax,
    signal: context.signal,
  });
  context.check("what nobody can take back is put before people", seen !== "", run.id);
  made.escalation = seen;
}

/** A run of the gated task, to its end. */
async function carryOut(context: ScenarioContext, id: string): Promise<RunReading> {
  return await approveUntilEnd(context, context.client("requester"), context.client("approver"), id);
}

async function finish(context: ScenarioContext, made: Belongings): Promise<void> {
  const run = await carryOut(context, await submitGatedTask(context, context.client("requester")));
  context.check("a finished run has artifacts", run.artifacts.length > 0, run.status);
  made.finished = { run: run.id, artifact: run.artifacts[0]?.id ?? "" };
}

async function die(context: ScenarioContext, made: Belongings): Promise<void> {
  const { run: id } = await waitAtGate(context);
  await context.target.deadLetters?.exhaust(id);
  const { status } = await carryOut(context, id);
  context.check("a run whose attempts are used up is a dead letter", status === "dead_lettered", status);
  made.dead = id;
}

async function makeKeys(context: ScenarioContext, made: Belongings): Promise<void> {
  const name = context.unique("person");
  const principal = { name, kind: "service" };
  for (let at = 0; at < CHANGING_ROUTES; at += 1) {
    made.keys.push(
      await makeOne(context, "admin", "/api/harness/keys", { principal, scopes: ["runs:read"] }),
    );
    const signing = { principal, algorithm: "hmac-sha256" };
    made.signingKeys.push(await makeOne(context, "admin", "/api/harness/signing-keys", signing));
  }
  made.person = name;
}

/** A name that nobody has (RFC 6761). An address would do as little: many refuse those that are set aside. */
const NOBODY = "https://nobody.invalid/told";

/** Routes that change a thing of one kind, at most: each is given one of its own. */
const CHANGING_ROUTES = 2;

/** @param waiting a run at its gate */
export async function makeBelongings(
  context: ScenarioContext,
  waiting: Belongings["waiting"],
): Promise<Belongings> {
  const made: Belongings = { waiting, documents: [], keys: [], signingKeys: [] };
  await context.part("a driven run of another tenant", ["external_runs", "approve"], async () => {
    await driveOn(context, made);
  });
  await context.part("what a driver is to take back", ["driven_compensation", "approve"], async () => {
    await failAfterEffect(context, made);
  });
  await context.part(
    "what a run of another tenant left",
    ["external_runs", "escalations", "approve"],
    async () => {
      await leaveEffect(context, made);
    },
  );
  await context.part("an artifact of another tenant", ["artifacts", "approve"], async () => {
    await finish(context, made);
  });
  await context.part("a dead letter of another tenant", ["exhausted_attempts", "approve"], async () => {
    await die(context, made);
  });
  await context.part("a document of another tenant", ["documents"], async () => {
    const document = { name: context.unique("document"), text: "For ourselves.", metadata: {} };
    made.documents.push(await makeOne(context, "requester", "/api/harness/documents", document));
  });
  await context.part("keys of another tenant", ["administrators"], async () => {
    await makeKeys(context, made);
  });
  await context.part("a webhook of another tenant", ["webhooks", "administrators"], async () => {
    made.webhook = await makeOne(context, "admin", "/api/harness/webhooks", { url: NOBODY });
  });
  return made;
}
