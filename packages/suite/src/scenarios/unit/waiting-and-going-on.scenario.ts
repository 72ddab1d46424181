// Waits that others lost (spec/peers.md, section 2): a yes that was too early, a yes in the very moment of the question,
// a run that was under way when its process was stopped.

import type { Scenario, ScenarioContext } from "../../scenario.ts";
import { lookUntil } from "../../wait.ts";
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
import { openApprovals, readRunOf } from "../moves.ts";

/** Runs that wait at one time, each answered in the moment in which its question can be seen. */
const RUNS_AT_ONCE = 4;
/** Reads in one turn; together they are what the run then holds. */
const READS_AT_ONCE = 8;

export const waitingAndGoingOn: Scenario = {
  id: "harness_state/waiting_and_going_on",
  title: "No answer comes too early, none is lost, and a run outlives the process that advanced it",
  tier: 1,
  phase: "unit",
  why: "A yes that nobody hears leaves work undone for good; one that is heard twice does it twice.",
  remedy:
    "Let question and open approval appear together; decide by compare-and-swap on a row, and wake the run in the same transaction; keep no state of a run but its journal.",
  needs: ["submit", "approve", "deputy"],
  invariants: ["legal-transitions", "at-most-once", "journal-first"],
  warnings: ["model call failed"],
  implies: { spans: ["execute_tool "], events: ["run_parked", "run_resumed", "approval_spent"] },
  seed: "spec/peers.md section 2, numbers 11, 12, 14, 15, 21",
  timeLimitMs: 600_000,
  run: async (context) => {
    const spoken = speakFor(context);
    await largeRun(context, spoken);
    await veryMoment(context, spoken);
    await context.part("stopped under way, and again while it waits", ["restart"], async () => {
      await stopped(context, spoken);
    });
  },
};

/** Says yes as soon as the question can be read, without a pause between looks. */
async function answerAtOnce(context: ScenarioContext, id: string): Promise<void> {
  const requester = context.client("requester");
  const endsAt = performance.now() + context.pace.waitMsMax;
  for (;;) {
    const [gate] = openApprovals(await readRunOf(context, requester, id));
    if (gate !== undefined) {
      const { status } = await sayYes(context, "approver", gate);
      context.check("a yes is never too early", status === 200, status);
      return;
    }
    context.check("the question comes in time", performance.now() < endsAt);
  }
}

/** What the run holds has nothing to do with when it can be answered (mastra 22413). */
async function largeRun(context: ScenarioContext, spoken: Spoken): Promise<void> {
  const { tools, readingMuch } = deputyOf(context);
  const [mark, text] = [context.unique("task"), context.unique("large")];
  spoken.say(mark, [
    { calls: Array.from({ length: READS_AT_ONCE }, () => readingMuch) },
    { calls: [sinkCall(tools.asked, text)] },
  ]);
  const id = await submitMarked(context, "requester", mark);
  await answerAtOnce(context, id);
  const run = await awaitEnd(context, context.client("requester"), id);
  context.check("a large run goes on after its answer", run.status === "succeeded", run.status);
  context.check("and has its effect once", arrived(context, text) === 1);
}

/** Before, while and after the worker lets go of the run (hatchet 4314, inngest 1433). */
async function veryMoment(context: ScenarioContext, spoken: Spoken): Promise<void> {
  const text = context.unique("moment");
  const call = sinkCall(deputyOf(context).tools.asked, text);
  const runs = await Promise.all(
    Array.from({ length: RUNS_AT_ONCE }, async () => await submitCall(context, spoken, "requester", call)),
  );
  await Promise.all(
    runs.map(async ({ id }) => {
      await answerAtOnce(context, id);
    }),
  );
  for (const { id } of runs) {
    const run = await awaitEnd(context, context.client("requester"), id);
    context.check("a yes in the very moment of the question counts", run.status === "succeeded", run.status);
  }
  context.check("each once", arrived(context, text) === RUNS_AT_ONCE, arrived(context, text));
}

/** All processes are stopped in order while the model is asked, and again at the gate (mastra 19301, agents-js 441). */
async function stopped(context: ScenarioContext, spoken: Spoken): Promise<void> {
  const [mark, text] = [context.unique("task"), context.unique("stopped")];
  const call = sinkCall(deputyOf(context).tools.asked, text);
  // The first time its model is asked, the answer never comes.
  spoken.say(mark, [(times) => (times === 1 ? { fault: { kind: "hang" } } : { calls: [call] })]);
  const id = await submitMarked(context, "requester", mark);
  const { satisfied } = await lookUntil(
    async () => await Promise.resolve(spoken.asked(mark)),
    (asked) => asked > 0,
    { timeoutMs: context.pace.waitMsMax, signal: context.signal },
  );
  context.check("the model of a run that was accepted is asked in time", satisfied);
  await context.target.restart?.();
  const gate = await awaitGate(context, context.client("requester"), id);
  await context.target.restart?.();
  const answer = await sayYes(context, "approver", gate);
  context.check("a run that waited over a stop can be answered", answer.status === 200, answer.json);
  const run = await awaitEnd(context, context.client("requester"), id);
  context.check("and goes on to its end", run.status === "succeeded", run.status);
  context.check("with its effect once", arrived(context, text) === 1, arrived(context, text));
}
