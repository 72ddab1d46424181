import { fieldsOf, TERMINAL_STATES, textOf } from "../../run-reading.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import type { SinkCall } from "../../tool-sink.ts";
import { approveUntilEnd, checkInvariants } from "../moves.ts";

export const partialFailureRollbackIntegrity: Scenario = {
  id: "harness_e2e/partial_failure_rollback_integrity",
  title: "A run that fails after effects takes them back, newest first, each once, and says what it cannot",
  tier: 1,
  phase: "e2e",
  why: "Stale or contradictory records outside: a booking without its payment, a payment without its booking.",
  remedy:
    "Record each call's compensation with it; when the run fails, journal and carry them out in reverse, each under a key of its own; list what stands and put it before people.",
  needs: ["submit", "approve", "compensation"],
  invariants: ["journal-first", "at-most-once"],
  warnings: ["model call failed"],
  implies: { spans: ["execute_tool "], events: ["run_failed"] },
  seed: "backend/tests/harness_e2e/test_partial_failure_rollback_integrity.py",
  timeLimitMs: 240_000,
  run: async (context) => {
    const { rollback } = context.target;
    if (rollback === undefined) throw new Error("the capability compensation was not there");
    for (let steps = 1; steps <= rollback.stepsMax; steps += 1)
      await failAfter(context, rollback.body(steps), steps, false);
    // The first compensation is refused with a failure of the tool's own, once.
    await failAfter(context, rollback.body(rollback.stepsMax), rollback.stepsMax, true);
    await leaveBehind(context, rollback.irreversible);
  },
};

const undone = ({ body }: SinkCall): string => textOf(fieldsOf(parsed(body))["compensates"]);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What the run did at the sink, in order, and what it took back, in order; by the keys of the calls. */
function readSink(calls: readonly SinkCall[]): { readonly done: string[]; readonly takenBack: string[] } {
  const taken = calls.filter(({ outcome }) => outcome === "applied");
  return {
    done: taken.filter((call) => undone(call) === "").map(({ idempotencyKey }) => idempotencyKey ?? ""),
    takenBack: taken.map(undone).filter((key) => key !== ""),
  };
}

async function runToEnd(context: ScenarioContext, body: unknown): Promise<string> {
  const client = context.client("requester");
  const answer = await client.submit(body, context.unique("rollback"));
  const id = textOf(fieldsOf(answer.json)["id"]);
  context.check("the run is accepted", answer.status === 202 && id !== "", answer.status);
  const run = await approveUntilEnd(context, client, context.client("approver"), id);
  context.check("the run ends, and not in success", run.status === "failed", run.status);
  context.check("it is at its end", TERMINAL_STATES.includes(run.status));
  return id;
}

async function failAfter(
  context: ScenarioContext,
  body: unknown,
  steps: number,
  compensationFails: boolean,
): Promise<void> {
  const { sink } = context.target;
  const from = sink?.calls().length ?? 0;
  if (compensationFails)
    sink?.cue(...Array.from({ length: steps }, () => ({ do: "apply" }) as const), {
      do: "fail",
      status: 503,
    });
  const id = await runToEnd(context, body);
  const calls = sink?.calls().slice(from) ?? [];
  const { done, takenBack } = readSink(calls);
  context.read("at the tool sink", { done, takenBack });
  context.precondition(`the run had ${steps} effects`, done.length === steps);
  if (compensationFails)
    context.precondition(
      "a compensation failed",
      calls.some(({ outcome }) => outcome === "failed"),
    );
  context.check(
    "everything that it did is taken back",
    done.every((key) => takenBack.includes(key)),
    { done, takenBack },
  );
  context.check("each of it once", new Set(takenBack).size === takenBack.length, takenBack);
  context.check("the newest first", takenBack.join() === done.toReversed().join(), { done, takenBack });
  await checkLeft(context, id, 0);
}

async function leaveBehind(context: ScenarioContext, body: unknown): Promise<void> {
  const { sink } = context.target;
  const from = sink?.calls().length ?? 0;
  const id = await runToEnd(context, body);
  const { done } = readSink(sink?.calls().slice(from) ?? []);
  context.precondition("the run had an effect that nothing takes back", done.length === 1);
  await checkLeft(context, id, 1);
}

async function checkLeft(context: ScenarioContext, id: string, count: number): Promise<void> {
  await context.part("the run says what stands", ["contract"], async () => {
    const client = context.client("requester");
    const run = await client.getRun(id);
    const { left } = fieldsOf(fieldsOf(run.json)["rollback"]);
    context.check(
      count === 0 ? "nothing is left" : "what nothing takes back is named in the run",
      Array.isArray(left) && left.length === count,
      left,
    );
    await checkInvariants(context, client, id);
  });
}
