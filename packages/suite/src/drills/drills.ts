// The failure drills by which durable engines and agent frameworks were compared: each does to a run what happens in
// production, and counts the effect at the suite's own tool sink. The right count is 1, every time.

import { send } from "../http.ts";
import { approveUntilEnd, awaitStatus, openApprovals, readRunOf } from "../scenarios/moves.ts";
import { TERMINAL_STATES, fieldsOf, type RunReading, textOf } from "../run-reading.ts";
import type { Scenario, ScenarioContext } from "../scenario.ts";
import type { SinkCall } from "../tool-sink.ts";
import { lookUntil } from "../wait.ts";

type Drill = Pick<Scenario, "id" | "title" | "why" | "remedy" | "needs" | "run">;

const drill = (given: Drill): Scenario => ({
  ...given,
  tier: 1,
  phase: "e2e",
  invariants: ["at-most-once", "assent-is-exact"],
  seed: "failure drills of the comparison of durable engines",
  timeLimitMs: 600_000,
});

/** Effects at the sink since then, each counted as often as it happened. */
function effectsSince(context: ScenarioContext, from: number): readonly SinkCall[] {
  const calls = context.target.sink?.calls() ?? [];
  return calls.slice(from).filter(({ outcome }) => outcome !== "failed");
}

const sinkMark = (context: ScenarioContext): number => context.target.sink?.calls().length ?? 0;

function checkOnce(context: ScenarioContext, from: number): void {
  const seen = effectsSince(context, from);
  const keys = seen.map(({ idempotencyKey }) => idempotencyKey);
  context.read("effects at the tool sink", { count: seen.length, keys });
  context.check("the effect happened exactly once", seen.length === 1, keys);
}

async function submit(context: ScenarioContext, body: unknown): Promise<string> {
  const answer = await context.client("requester").submit(body, context.unique("drill"));
  const id = textOf(fieldsOf(answer.json)["id"]);
  context.check("the run is accepted", answer.status === 202 && id !== "", answer.status);
  return id;
}

type Gate = RunReading["approvals"][number];

/** Goes on until the run has ended; each question is answered as `answer` says, once. */
async function goThrough(
  context: ScenarioContext,
  id: string,
  answer: (gate: Gate) => Promise<void>,
): Promise<RunReading> {
  const answered = new Set<string>();
  for (;;) {
    const { seen, satisfied } = await lookUntil(
      async () => await readRunOf(context, context.client("requester"), id),
      (run) =>
        TERMINAL_STATES.includes(run.status) || openApprovals(run).some((gate) => !answered.has(gate.id)),
      { timeoutMs: context.pace.waitMsMax, signal: context.signal },
    );
    context.check("the run goes on after each answer", satisfied, seen.status);
    if (TERMINAL_STATES.includes(seen.status)) return seen;
    for (const gate of openApprovals(seen)) {
      if (answered.has(gate.id)) continue;
      answered.add(gate.id);
      await answer(gate);
    }
  }
}

const yesTo = ({ id, actionDigest }: Gate): unknown => ({
  approval_id: id,
  decision: "approve",
  action_digest: actionDigest,
});

/** Two people, or one who presses twice, at the same moment. */
async function approveTwice(context: ScenarioContext, endpoints: readonly number[]): Promise<void> {
  const from = sinkMark(context);
  const id = await submit(context, context.target.gatedTask.body);
  const run = await goThrough(context, id, async (gate) => {
    const answers = await context.race(
      endpoints.map((endpoint) => ({ role: "approver" as const, endpoint, approve: yesTo(gate) })),
    );
    context.read(
      "both approvals",
      answers.map(({ status }) => status),
    );
    context.check(
      "the first counts, the second is refused or told the same",
      answers.some(({ status }) => status === 200) &&
        answers.every(({ status }) => status === 200 || status === 409),
      answers.map(({ status }) => status),
    );
  });
  context.check("the run succeeds", run.status === "succeeded", run.status);
  checkOnce(context, from);
}

async function killInsideTool(context: ScenarioContext): Promise<void> {
  const { sink } = context.target;
  const from = sinkMark(context);
  let died = false;
  sink?.cue({
    do: "apply_then",
    hook: async () => {
      await context.target.kill?.("worker");
      died = true;
    },
  });
  const id = await submit(context, context.target.gatedTask.body);
  const run = await goThroughKill(context, id, from, () => died);
  context.precondition("the process was killed inside the tool", died);
  context.check(
    "the run succeeds, without anybody starting it again",
    run.status === "succeeded",
    run.status,
  );
  checkOnce(context, from);
}

// Requests that meet the dead process are made again, as by any client.
async function goThroughKill(
  context: ScenarioContext,
  id: string,
  from: number,
  died: () => boolean,
): Promise<RunReading> {
  for (;;) {
    try {
      return await goThrough(context, id, async (gate) => {
        const happened = died() && effectsSince(context, from).length > 0;
        const body = happened
          ? { ...fieldsOf(yesTo(gate)), decision: "confirm", comment: "The sink has it." }
          : yesTo(gate);
        const answer = await context.client("approver").approve(body);
        context.check("the question can be answered", answer.status === 200, answer.json);
      });
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "NoAnswer") throw error;
      await lookUntil(
        async () => context.target.endpoints().length,
        (count) => count > 0,
        { timeoutMs: context.pace.waitMsMax, signal: context.signal },
      );
    }
  }
}

async function approveAfterEnd(context: ScenarioContext): Promise<void> {
  const from = sinkMark(context);
  const id = await submit(context, context.target.gatedTask.body);
  const gates: Gate[] = [];
  await goThrough(context, id, async (gate) => {
    gates.push(gate);
    await context.client("approver").approve(yesTo(gate));
  });
  for (const gate of gates) await context.client("approver").approve(yesTo(gate));
  await holdStill(context, id);
  checkOnce(context, from);
}

/** Watches that nothing happens any more. */
async function holdStill(context: ScenarioContext, id: string): Promise<void> {
  const before = await readRunOf(context, context.client("requester"), id);
  const { seen } = await lookUntil(
    async () => await readRunOf(context, context.client("requester"), id),
    (run) => run.version !== before.version,
    { timeoutMs: context.pace.holdMs, signal: context.signal },
  );
  context.check("the run does not move any more", seen.version === before.version, seen.version);
}

async function changeWhatWasAsked(context: ScenarioContext): Promise<void> {
  const change = context.target.drills?.changeStoredArguments?.bind(context.target.drills);
  if (change === undefined) throw new Error("the capability stored_arguments was not there");
  const from = sinkMark(context);
  const canary = context.unique("changed");
  const id = await submit(context, context.target.gatedTask.body);
  let changed = 0;
  await goThrough(context, id, async (gate) => {
    if (await change(gate.id, canary)) changed += 1;
    await context.client("approver").approve(yesTo(gate));
  });
  context.precondition("what was stored of a question could be changed", changed > 0);
  const ran = context.target.sink?.seen([canary]) ?? [];
  context.check("what nobody agreed to does not reach the sink", ran.length === 0, canary);
  context.check("nothing else happened in its place", effectsSince(context, from).length === 0);
  // The count is of what was agreed to: asked again, unchanged, it happens.
  const again = await submit(context, context.target.gatedTask.body);
  await approveUntilEnd(context, context.client("requester"), context.client("approver"), again);
  checkOnce(context, from);
}

async function effectBeforeGate(context: ScenarioContext): Promise<void> {
  const bench = context.target.drills;
  if (bench === undefined) throw new Error("the capability effect_first was not there");
  const from = sinkMark(context);
  const id = await submit(context, bench.effectFirst);
  let after = 0;
  const run = await goThrough(context, id, async (gate) => {
    if (effectsSince(context, from).length > 0) after += 1;
    await context.client("approver").approve(yesTo(gate));
  });
  context.precondition("a question came after the effect", after > 0);
  context.check("the run succeeds", run.status === "succeeded", run.status);
  checkOnce(context, from);
}

async function approveWithoutKey(context: ScenarioContext): Promise<void> {
  const from = sinkMark(context);
  const id = await submit(context, context.target.gatedTask.body);
  const waiting = await awaitStatus(context, context.client("requester"), id, ["awaiting_approval"]);
  for (const gate of openApprovals(waiting)) {
    const { status } = await send(
      context.target.endpoints()[0] ?? "",
      {
        method: "POST",
        path: "/api/harness/approve",
        headers: { "content-type": "application/json" },
        body: Buffer.from(JSON.stringify(yesTo(gate))),
      },
      { timeoutMs: context.pace.waitMsMax, signal: context.signal },
    );
    context.check("an approval without a key is refused", status === 401, status);
  }
  await holdStill(context, id);
  context.check("nothing has happened", effectsSince(context, from).length === 0);
  await approveUntilEnd(context, context.client("requester"), context.client("approver"), id);
  checkOnce(context, from);
}

/** In the order of the comparison. */
export const DRILLS: readonly Scenario[] = [
  drill({
    id: "drill/d1_two_approvals_at_once",
    title: "Two approvals of one question at the same moment are one effect",
    why: "A button is pressed twice, or two people press it: a payment must not be made twice.",
    remedy:
      "Decide by a compare-and-swap on the stored question; spend it in the transaction that dispatches.",
    needs: ["submit", "approve", "tool_sink"],
    run: async (context) => await approveTwice(context, [0, 0]),
  }),
  drill({
    id: "drill/d1b_two_approvals_from_two_processes",
    title: "Two approvals at two servers are one effect",
    why: "What one process guards in its memory, the other does not know of.",
    remedy: "Decide in the database, not in a process.",
    needs: ["submit", "approve", "tool_sink", "two_processes"],
    run: async (context) => await approveTwice(context, [0, 1]),
  }),
  drill({
    id: "drill/d2_killed_inside_the_tool",
    title: "A process killed after the effect and before its answer does not do it again",
    why: "Every other durable engine that was looked at ran the effect twice here.",
    remedy:
      "Commit the intent with its idempotency key before the call; after a crash ask the tool, else a person; never guess.",
    needs: ["submit", "approve", "tool_sink", "kill"],
    run: killInsideTool,
  }),
  drill({
    id: "drill/d3_approved_again_after_the_end",
    title: "An approval that is sent again after the run has ended changes nothing",
    why: "A stale message with a button in it is pressed days later.",
    remedy: "An approval is spent once; whoever sends it again is told so, or told the same.",
    needs: ["submit", "approve", "tool_sink"],
    run: approveAfterEnd,
  }),
  drill({
    id: "drill/d4_arguments_changed_after_the_question",
    title: "Stored arguments that change after a person was asked are not carried out",
    why: "A person agreed to 10, and 99999 is paid.",
    remedy: "Bind the approval to a digest of the exact action, and compute it anew when it is dispatched.",
    needs: ["submit", "approve", "tool_sink", "stored_arguments"],
    run: changeWhatWasAsked,
  }),
  drill({
    id: "drill/d5_effect_before_a_question",
    title: "An effect that comes before a question of the same turn does not happen again after it",
    why: "Engines that run the whole turn again after each answer repeat what came before the question.",
    remedy: "Journal every call by itself; resume from the journal, never from the beginning of a turn.",
    needs: ["submit", "approve", "tool_sink", "effect_first"],
    run: effectBeforeGate,
  }),
  drill({
    id: "drill/d7_approved_without_a_key",
    title: "An approval without credentials is refused, and nothing happens",
    why: "Whoever can reach the port can otherwise agree to anything.",
    remedy: "Authenticate the route of approvals like every other.",
    needs: ["submit", "approve", "tool_sink"],
    run: approveWithoutKey,
  }),
];
