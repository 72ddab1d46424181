import type { Answer, HarnessClient } from "../../client.ts";
import { fieldsOf, isProblem, readRun, type RunReading, TERMINAL_STATES, textOf } from "../../run-reading.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import type { SinkCall, SinkCue } from "../../tool-sink.ts";
import { lookUntil } from "../../wait.ts";
import { checkInvariants, openApprovals, readRunOf } from "../moves.ts";

/** How the answer to an effect that has happened gets lost on its way back. */
const LOSSES: readonly (readonly [name: string, cue: SinkCue])[] = [
  ["the connection breaks", { do: "apply_then_drop" }],
  ["the tool answers with 500", { do: "apply_then_fail", status: 500 }],
];

/** People who redrive one dead letter in the same moment. */
const REDRIVING_AT_ONCE = 4;

export const queueRetryDeadLetterNoDuplicateSideEffects: Scenario = {
  id: "harness_integration/queue_retry_dead_letter_no_duplicate_side_effects",
  title: "Retries, dead letters and their redrive have no effect a second time",
  tier: 1,
  phase: "integration",
  why: "A queue delivers again and a tool's answer gets lost: whoever then simply repeats pays twice.",
  remedy:
    "Journal the intent with its idempotency key before the call; repeat under the same key only, or ask a person; park what defeats its workers with its reason, and redrive it by one new run.",
  needs: ["submit", "approve", "tool_sink"],
  invariants: ["at-most-once", "journal-first"],
  implies: { spans: ["execute_tool "], events: ["run_dead_lettered"] },
  seed: "backend/tests/harness_integration/test_queue_retry_dead_letter_no_duplicate_side_effects.py",
  timeLimitMs: 600_000,
  run: async (context) => {
    for (const [name, cue] of LOSSES) await loseAnswer(context, name, cue);
    await deliverTwice(context);
    await context.part(
      "a dead letter has its reason, and is redriven once",
      ["exhausted_attempts"],
      async () => {
        await redriveOnce(context);
      },
    );
    await context.part(
      "what a dead letter did is not done again unless somebody says so",
      ["exhausted_attempts", "effect_first"],
      async () => {
        await redriveOverEffect(context);
      },
    );
  },
};

const sinkMark = (context: ScenarioContext): number => context.target.sink?.calls().length ?? 0;

const appliedSince = (context: ScenarioContext, from: number): readonly SinkCall[] =>
  (context.target.sink?.calls() ?? []).slice(from).filter(({ outcome }) => outcome === "applied");

function checkEffects(context: ScenarioContext, from: number, due: number): void {
  const keys = appliedSince(context, from).map(({ idempotencyKey }) => idempotencyKey);
  context.read("effects at the tool sink", { due, keys });
  context.check("no step has a second effect, and none is missing", keys.length === due, keys);
}

async function submit(context: ScenarioContext, body: unknown): Promise<string> {
  const answer = await context.client("requester").submit(body, context.unique("retry"));
  const id = readRun(answer.json)?.id ?? "";
  context.check("the run is accepted", answer.status === 202 && id !== "", answer.status);
  return id;
}

type Gate = RunReading["approvals"][number];

/** A person who has looked at the tool: says yes, and where a call is in doubt and did happen, says so. */
function wordFor({ id, actionDigest, subject }: Gate, happened: boolean): Readonly<Record<string, unknown>> {
  const yes = { approval_id: id, decision: "approve", action_digest: actionDigest };
  return subject === "in_doubt" && happened
    ? { ...yes, decision: "confirm", comment: "The sink has it." }
    : yes;
}

/** Answers each gate once, until the run has ended or `stopsAt` holds of it. */
async function goOn(
  context: ScenarioContext,
  id: string,
  answer: (gate: Gate) => Promise<void>,
  stopsAt: (run: RunReading) => boolean = () => false,
): Promise<RunReading> {
  const answered = new Set<string>();
  const fresh = (run: RunReading): Gate[] => openApprovals(run).filter((gate) => !answered.has(gate.id));
  for (;;) {
    const { seen, satisfied } = await lookUntil(
      async () => await readRunOf(context, context.client("requester"), id),
      (run) => TERMINAL_STATES.includes(run.status) || fresh(run).length > 0,
      { timeoutMs: context.pace.waitMsMax, signal: context.signal },
    );
    context.check("the run goes on after each answer", satisfied, seen.status);
    if (TERMINAL_STATES.includes(seen.status) || stopsAt(seen)) return seen;
    for (const gate of fresh(seen)) {
      answered.add(gate.id);
      await answer(gate);
    }
  }
}

const sayYes =
  (context: ScenarioContext, from: number): ((gate: Gate) => Promise<void>) =>
  async (gate) => {
    const word = wordFor(gate, appliedSince(context, from).length > 0);
    const answer = await context.client("approver").approve(word);
    context.check("the question can be answered", answer.status === 200, answer.json);
  };

async function loseAnswer(context: ScenarioContext, name: string, cue: SinkCue): Promise<void> {
  const { sink, gatedTask } = context.target;
  const from = sinkMark(context);
  sink?.cue(cue);
  const id = await submit(context, gatedTask.body);
  const run = await goOn(context, id, sayYes(context, from));
  context.precondition(`${name}, after the effect`, sinkMark(context) > from);
  checkEffects(context, from, gatedTask.sinkEffects);
  context.check("the run succeeds: its effect has happened", run.status === "succeeded", run.status);
  await context.part("its record says the same", ["contract", "events"], async () => {
    await checkInvariants(context, context.client("requester"), id);
  });
}

/** The message that lets the run go on comes twice in the same moment, at two servers where there are two. */
async function deliverTwice(context: ScenarioContext): Promise<void> {
  const { gatedTask } = context.target;
  const from = sinkMark(context);
  const id = await submit(context, gatedTask.body);
  const run = await goOn(context, id, async (gate) => {
    const approve = wordFor(gate, false);
    const answers = await context.race(
      [0, 1].map((endpoint) => ({ role: "approver" as const, endpoint, approve })),
    );
    const statuses = answers.map(({ status }) => status);
    context.check(
      "the first delivery counts, the second is refused or told the same",
      statuses.includes(200) && statuses.every((status) => status === 200 || status === 409),
      statuses,
    );
  });
  checkEffects(context, from, gatedTask.sinkEffects);
  context.check("the run succeeds", run.status === "succeeded", run.status);
}

/** Uses up the attempts of a run that waits, and lets it go on. @returns the dead letter as it was read first */
async function die(context: ScenarioContext, id: string, from: number): Promise<Answer> {
  const { deadLetters } = context.target;
  if (deadLetters === undefined) throw new Error("the capability exhausted_attempts was not there");
  await deadLetters.exhaust(id);
  const run = await goOn(context, id, sayYes(context, from));
  context.check(
    "a run whose attempts are used up is a dead letter",
    run.status === "dead_lettered",
    run.status,
  );
  const dead = await context.client("requester").getRun(id);
  const reason = fieldsOf(fieldsOf(dead.json)["reason"]);
  context.read("the dead letter's reason", reason);
  context.check(
    "a dead letter says why it is one",
    textOf(reason["code"]) !== "" && textOf(reason["detail"]) !== "",
    reason,
  );
  return dead;
}

const redrive = async (client: HarnessClient, id: string, body: unknown): Promise<Answer> =>
  await client.request({
    method: "POST",
    path: `/api/harness/runs/${encodeURIComponent(id)}/redrive`,
    headers: { accept: "application/json", "content-type": "application/json" },
    body: JSON.stringify(body),
  });

async function redriveOnce(context: ScenarioContext): Promise<void> {
  const { gatedTask } = context.target;
  const from = sinkMark(context);
  const id = await submit(context, gatedTask.body);
  await goOn(context, id, sayYes(context, from), () => true);
  const dead = await die(context, id, from);
  checkEffects(context, from, 0);
  const answers = await Promise.all(
    Array.from(
      { length: REDRIVING_AT_ONCE },
      async (_, at) => await redrive(context.client("requester", at), id, {}),
    ),
  );
  const made = new Set(answers.map(({ json }) => readRun(json)?.id ?? "none"));
  context.check(
    "a dead letter can be redriven",
    answers.every(({ status }) => status === 200),
    answers.map(({ status }) => status),
  );
  context.check("however many ask, it is redriven by one new run", made.size === 1 && !made.has(id), [
    ...made,
  ]);
  const first = answers[0]?.json;
  context.check("the new run names the dead letter", fieldsOf(first)["redrive_of"] === id, first);
  const run = await goOn(context, [...made][0] ?? "", sayYes(context, from));
  context.check("the redriven run succeeds", run.status === "succeeded", run.status);
  checkEffects(context, from, gatedTask.sinkEffects);
  const later = await context.client("requester").getRun(id);
  context.check("the dead letter stays as it was", later.text === dead.text, later.json);
}

async function redriveOverEffect(context: ScenarioContext): Promise<void> {
  const from = sinkMark(context);
  const id = await submit(context, context.target.drills?.effectFirst);
  const waits = await goOn(context, id, sayYes(context, from), () => appliedSince(context, from).length > 0);
  context.precondition("a question came after the effect", openApprovals(waits).length > 0);
  await die(context, id, from);
  const client = context.client("requester");
  const refused = await redrive(client, id, {});
  context.check(
    "what was done stands, so a redrive is refused until somebody says otherwise",
    refused.status === 409 && isProblem(refused),
    refused.status,
  );
  const answer = await redrive(client, id, { repeat_effects: true });
  const again = readRun(answer.json)?.id ?? "";
  context.check("somebody can say so", answer.status === 200 && again !== "", answer.status);
  await goOn(context, again, sayYes(context, from), () => true);
  checkEffects(context, from, 1);
  if (context.capabilities.has("cancel")) await client.cancel(again);
  checkEffects(context, from, 1);
}
