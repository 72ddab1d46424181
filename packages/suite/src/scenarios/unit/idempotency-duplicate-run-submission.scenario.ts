import type { Answer } from "../../client.ts";
import { unknownLike } from "../../likeness.ts";
import { fieldsOf, isProblem, readRun, TERMINAL_STATES, textOf } from "../../run-reading.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import type { Role } from "../../target.ts";
import { awaitStatus, readEvents } from "../moves.ts";
import { attackAsOtherTenant, readAsOtherTenant } from "./other-tenant.ts";

/** Requests that race for one key; the plan's acceptance says 60. */
const RACING_SUBMISSIONS = 60;

const REPLAYED = "idempotent-replayed";

export const idempotencyDuplicateRunSubmission: Scenario = {
  id: "harness_state/idempotency_duplicate_run_submission",
  title: "One idempotency key yields one run, however many race for it",
  tier: 0,
  phase: "unit",
  why: "Duplicate execution and duplicate writes: every client repeats a request whose answer got lost.",
  remedy:
    "Insert key and run in one transaction under a unique constraint on (tenant, principal, route, key); store the first answer and repeat it byte for byte; refuse another body under the same key with 422.",
  needs: ["submit"],
  invariants: ["one-key-one-run", "tenant-walls"],
  implies: {
    spans: ["POST /api/harness/run"],
    metrics: [["http_server_request_duration_count", { http_response_status_code: "422" }]],
    events: ["run_queued"],
  },
  seed: "backend/tests/harness_state/test_idempotency_duplicate_run_submission.py",
  timeLimitMs: 600_000,
  run: async (context) => {
    const trial = context.unique("trial");
    const body = context.capabilities.has("list")
      ? withLabel(context.target.gatedTask.body, trial)
      : context.target.gatedTask.body;
    await refuseWithoutKey(context, body);
    // As long as a caller's own names of requests are; they differ where they end.
    const key = `${context.unique("idem")}-of-a-caller-who-names-requests-at-length`;
    const { id, first } = await submitTogether(context, body, key);
    await refuseOtherBody(context, body, key, id);
    await context.part("a body with lists and trees", ["external_runs"], async () => {
      await refuseOtherTools(context);
    });
    await refuseUnknown(context, id);
    await submitUnderLikeKeys(context, key, id);
    await context.part("another principal's key is another key", ["second_principal"], async () => {
      await submitAsOther(context, "other_principal", key, id);
    });
    await context.part("another tenant's key is another key", ["second_tenant"], async () => {
      await submitAsOther(context, "other_tenant", key, id);
      await readAsOtherTenant(context, id);
    });
    await attackAsOtherTenant(context, id, trial);
    await repeatLater(context, body, key, first);
    await context.part("the key is remembered over a restart", ["restart"], async () => {
      await restartBetween(context, id, async () => await replay(context, body, key, id, 0));
    });
    await context.part("there is one run in the list", ["list"], async () => {
      await countRuns(context, id, trial);
    });
  },
};

/** A mark to find the run by: what the list says must not rest on the ids that the race gave out. */
function withLabel(body: unknown, trial: string): unknown {
  const fields = fieldsOf(body);
  return { ...fields, labels: { ...fieldsOf(fields["labels"]), trial } };
}

async function refuseWithoutKey(context: ScenarioContext, body: unknown): Promise<void> {
  const client = context.client("requester");
  for (const key of [null, ""]) {
    const answer = await client.submit(body, key);
    context.check(
      `${key === null ? "no" : "an empty"} idempotency key is refused with a 400 problem`,
      answer.status === 400 && isProblem(answer),
      answer.status,
    );
  }
}

async function submitTogether(
  context: ScenarioContext,
  body: unknown,
  key: string,
): Promise<{ readonly id: string; readonly first: Answer }> {
  const endpoints = context.target.endpoints().length;
  const answers = await context.race(
    Array.from({ length: RACING_SUBMISSIONS }, (_, index) => ({
      role: "requester" as const,
      endpoint: index,
      submit: body,
      idempotencyKey: key,
    })),
  );
  const ids = new Set(answers.map(({ json }) => readRun(json)?.id ?? "none"));
  const locations = new Set(answers.map(({ headers }, at) => pathOf(context, headers["location"], at)));
  context.read("racing submissions", {
    requests: answers.length,
    endpoints,
    statuses: countBy(answers.map(({ status }) => String(status))),
    replayed: countBy(answers.map(({ headers }) => headers[REPLAYED] ?? "absent")),
  });
  context.check(
    `${RACING_SUBMISSIONS} requests race: every one of them is accepted`,
    answers.length === RACING_SUBMISSIONS && answers.every(({ status }) => status === 202),
    countBy(answers.map(({ status }) => String(status))),
  );
  context.check("they all name one run", ids.size === 1 && !ids.has("none"), [...ids]);
  context.check("they all point to one place", locations.size === 1 && !locations.has("none"), [
    ...locations,
  ]);
  const bodies = new Set(answers.map(({ text }) => text));
  context.check("their bodies are equal to the byte", bodies.size === 1);
  const firsts = answers.filter(({ headers }) => headers[REPLAYED] !== "true").length;
  context.check("all but one say that they are a repetition", firsts === 1, firsts);
  const id = [...ids][0] ?? "";
  await checkPlace(context, [...locations][0] ?? "", id);
  for (let endpoint = 0; endpoint < endpoints; endpoint += 1) await replay(context, body, key, id, endpoint);
  const [first] = answers;
  if (first === undefined) throw new Error("unreachable: the checks before have ended the trial");
  return { id, first };
}

/** What is repeated is what was answered, and not what has become of it. */
async function repeatLater(
  context: ScenarioContext,
  body: unknown,
  key: string,
  first: Answer,
): Promise<void> {
  const client = context.client("requester");
  await awaitStatus(context, client, readRun(first.json)?.id ?? "", [
    "awaiting_approval",
    ...TERMINAL_STATES,
  ]);
  const again = await client.submit(body, key);
  context.check(
    "when the run has gone on, a repetition still gets the first answer",
    again.text === first.text,
    {
      first: first.json,
      again: again.json,
    },
  );
}

/** A key is what it is, to its last letter and in its own case; and it is a key of submissions. */
async function submitUnderLikeKeys(context: ScenarioContext, key: string, id: string): Promise<void> {
  const client = context.client("requester");
  const { body } = context.target.gatedTask;
  const made = new Set([id]);
  let other = "";
  for (const like of [`${key.slice(0, -1)}${key.endsWith("x") ? "y" : "x"}`, key.toUpperCase()]) {
    const answer = await client.submit(body, like);
    other = readRun(answer.json)?.id ?? "";
    context.check(
      "another key is another run, however like the first it is",
      answer.status === 202 && !made.has(other),
      {
        like,
        status: answer.status,
        id: other,
      },
    );
    made.add(other);
  }
  await context.part("a key of submissions, to call a run off", ["cancel"], async () => {
    const answer = await client.request({
      method: "POST",
      path: `/api/harness/runs/${encodeURIComponent(other)}/cancel`,
      headers: { accept: "application/json", "idempotency-key": key },
      body: null,
    });
    // It may be refused as a key that was used for something else.
    context.check(
      "the answer to a submission is none to another request",
      isProblem(answer) || readRun(answer.json)?.id === other,
      { status: answer.status, id: readRun(answer.json)?.id, other },
    );
  });
}

async function replay(
  context: ScenarioContext,
  body: unknown,
  key: string,
  id: string,
  endpoint: number,
): Promise<void> {
  const answer = await context.client("requester", endpoint).submit(body, key);
  context.check(
    "a later repetition gets the first answer again",
    answer.status === 202 && readRun(answer.json)?.id === id && answer.headers[REPLAYED] === "true",
    { status: answer.status, id: readRun(answer.json)?.id },
  );
}

async function refuseOtherBody(
  context: ScenarioContext,
  body: unknown,
  key: string,
  id: string,
): Promise<void> {
  const task = `${textOf(fieldsOf(body)["task"])} (and something else)`;
  const answer = await context.client("requester").submit({ ...fieldsOf(body), task }, key);
  context.check(
    "another body under the same key is refused with a 422 problem",
    answer.status === 422 && isProblem(answer),
    answer.status,
  );
  context.check("the refusal does not hand out the other run", !answer.text.includes(id));
  await refuseOtherFields(context, body, key, id);
}

/** It is the whole body that counts: each of its members, changed alone, makes it another one. */
async function refuseOtherFields(
  context: ScenarioContext,
  body: unknown,
  key: string,
  id: string,
): Promise<void> {
  for (const [name, value] of Object.entries(fieldsOf(body))) {
    const answer = await context
      .client("requester")
      .submit({ ...fieldsOf(body), [name]: otherThan(value) }, key);
    context.check(
      "a body that differs in one member is another body under the same key",
      isProblem(answer) && !answer.text.includes(id),
      { name, status: answer.status },
    );
  }
}

/** Another value of the same kind, whatever that is. */
function otherThan(value: unknown): unknown {
  if (typeof value === "string") return `${value}-other`;
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  if (Array.isArray(value))
    return [...(value as unknown[]), ...(value.length === 0 ? ["other"] : value.slice(-1))];
  return value === null ? "other" : { ...fieldsOf(value), other: "label" };
}

const DRIVEN = {
  driver: "external",
  task: "Look, and tell.",
  approver: "none",
  labels: { step: "first" },
  tools: [{ name: "look", effect: "none", harm: [], control_arguments: [] }],
};

/** What such a run declares of its tools is lists and trees: a change deep in them is another request. */
async function refuseOtherTools(context: ScenarioContext): Promise<void> {
  const client = context.client("requester");
  const key = context.unique("driven");
  const first = await client.submit(DRIVEN, key);
  const id = readRun(first.json)?.id ?? "";
  context.check(
    "a run that is driven from outside is accepted",
    first.status === 202 && id !== "",
    first.text,
  );
  const [tool] = DRIVEN.tools;
  for (const [what, change] of [
    ["a tool more", { tools: [tool, { ...tool, name: "tell" }] }],
    ["another effect of a tool", { tools: [{ ...tool, effect: "once" }] }],
    ["a harm of a tool", { tools: [{ ...tool, harm: ["write"] }] }],
    ["somebody to ask", { approver: "ask" }],
    ["another label", { labels: { step: "second" } }],
    ["no label", { labels: undefined }],
  ] as const) {
    const answer = await client.submit({ ...DRIVEN, ...change }, key);
    context.check(
      "a run with other tools is another run",
      answer.status === 422 && isProblem(answer) && !answer.text.includes(id),
      { what, status: answer.status },
    );
  }
  const again = await client.submit(DRIVEN, key);
  context.check(
    "and the same is the same",
    again.status === 202 && readRun(again.json)?.id === id,
    again.status,
  );
}

/** Below the base URL of the server that named it, which may name itself, too; "none" where it names no place. */
function pathOf(context: ScenarioContext, place: string | undefined, endpoint: number): string {
  const bases = context.target.endpoints();
  const base = bases[endpoint % bases.length] ?? "";
  if (place === undefined || !URL.canParse(place, base)) return "none";
  const { pathname } = new URL(place, base);
  const root = new URL(base).pathname.replace(/\/$/, "");
  return pathname.startsWith(`${root}/`) ? pathname.slice(root.length) : pathname;
}

async function checkPlace(context: ScenarioContext, path: string, id: string): Promise<void> {
  const answer = await context
    .client("requester")
    .request({ method: "GET", path, headers: { accept: "application/json" }, body: null });
  context.check("the place that they point to is the run", readRun(answer.json)?.id === id, {
    path,
    status: answer.status,
  });
}

async function refuseUnknown(context: ScenarioContext, id: string): Promise<void> {
  for (const unknown of [unknownLike(id), "no-run's id"]) {
    const answer = await context.client("requester").getRun(unknown);
    context.check(
      "an id that no run has is refused with a problem",
      isProblem(answer) && (unknown !== unknownLike(id) || answer.status === 404),
      { unknown, status: answer.status },
    );
  }
}

/** What was accepted is there after it, and so is what was recorded. */
async function restartBetween(
  context: ScenarioContext,
  id: string,
  after: () => Promise<void>,
): Promise<void> {
  const { target, capabilities } = context;
  const read = async (): Promise<string[]> =>
    (await readEvents(context, context.client("requester"), id)).map((event) => JSON.stringify(event));
  const recorded = capabilities.has("events") ? await read() : null;
  await target.restart?.();
  await after();
  if (recorded === null) return;
  const kept = await read();
  context.check(
    "what was recorded before a restart is there after it, to the letter",
    recorded.length > 0 && recorded.every((event, place) => kept[place] === event),
    { recorded: recorded.length, kept: kept.length },
  );
}

async function submitAsOther(context: ScenarioContext, role: Role, key: string, id: string): Promise<void> {
  const answer = await context.client(role).submit(context.target.gatedTask.body, key);
  context.check(
    "the same key of somebody else is a run of its own",
    answer.status === 202 && readRun(answer.json) !== null && readRun(answer.json)?.id !== id,
    { status: answer.status, id: readRun(answer.json)?.id },
  );
  const first = await context.client("requester").getRun(id);
  const [theirs, ours] = [answer, first].map(({ json }) =>
    textOf(fieldsOf(fieldsOf(json)["requested_by"])["id"]),
  );
  context.check("a run says who asked for it", theirs === "" || theirs !== ours, { theirs, ours });
}

async function countRuns(context: ScenarioContext, id: string, trial: string): Promise<void> {
  const answer = await context.client("requester").listRuns(`limit=100&label=trial:${trial}`);
  const rows: unknown = fieldsOf(answer.json)["data"];
  const ids = (Array.isArray(rows) ? rows : [])
    .filter((row: unknown) => fieldsOf(fieldsOf(row)["labels"])["trial"] === trial)
    .map((row: unknown) => readRun(row)?.id);
  context.check("runs can be listed", answer.status === 200 && Array.isArray(rows), answer.status);
  context.check("the list holds one run of this key", ids.length === 1 && ids[0] === id, ids);
}

function countBy(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
