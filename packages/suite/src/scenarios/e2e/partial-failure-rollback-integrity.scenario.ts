import { fieldsOf, TERMINAL_STATES, textOf } from "../../run-reading.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import type { SinkCall, SinkCue } from "../../tool-sink.ts";
import { lookUntil } from "../../wait.ts";
import { type DrivenRun, openDrivenRun } from "../../worlds/driven-run.ts";
import { approveOpen, approveUntilEnd, checkInvariants } from "../moves.ts";

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
  timeLimitMs: 600_000,
  run: async (context) => {
    const { rollback } = context.target;
    if (rollback === undefined) throw new Error("the capability compensation was not there");
    for (let steps = 1; steps <= rollback.stepsMax; steps += 1)
      await failAfter(context, rollback.body(steps), steps, null);
    for (const fault of FAULTS)
      await failAfter(context, rollback.body(rollback.stepsMax), rollback.stepsMax, fault);
    await leaveBehind(context, rollback.irreversible);
    const { ownTool } = rollback;
    if (ownTool !== undefined)
      await context.part("a run that is driven from outside", ["driven_compensation"], async () => {
        await failDriven(context, ownTool);
      });
  },
};

/** What the first compensation meets, once: a refusal, and two answers that do not say what has happened. */
const FAULTS: readonly SinkCue[] = [
  { do: "fail", status: 503 },
  { do: "apply_then_drop" },
  { do: "apply_then_fail", status: 503 },
];

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
  fault: SinkCue | null,
): Promise<void> {
  const { sink } = context.target;
  const from = sink?.calls().length ?? 0;
  if (fault !== null) sink?.cue(...Array.from({ length: steps }, () => ({ do: "apply" }) as const), fault);
  const id = await runToEnd(context, body);
  const calls = sink?.calls().slice(from) ?? [];
  const { done, takenBack } = readSink(calls);
  context.read("at the tool sink", { done, takenBack });
  context.precondition(`the run had ${steps} effects`, done.length === steps);
  if (fault?.do === "fail")
    context.precondition(
      "a compensation failed",
      calls.some(({ outcome }) => outcome === "failed"),
    );
  context.check(
    "everything that it did is taken back",
    done.every((key) => takenBack.includes(key)),
    { done, takenBack },
  );
  context.check("each of it once", new Set(takenBack).size === takenBack.length, { fault, takenBack });
  context.check("the newest first", takenBack.join() === done.toReversed().join(), { done, takenBack });
  await checkSaid(context, id, { takenBack: done, left: [] });
}

const RESERVE = "reserve_seat";

/** A driver and a tool of the harness's own take turns; each takes back what is its own, in the one order. */
async function failDriven(context: ScenarioContext, ownTool: string): Promise<void> {
  const { sink } = context.target;
  if (sink === undefined) throw new Error("the capability compensation was not there");
  const from = sink.calls().length;
  const client = context.client("requester");
  const run = await openDrivenRun(context, client, {
    task: `Call ${ownTool} with the text "the table", between two seats.`,
    approver: "ask",
    tools: [
      {
        name: RESERVE,
        effect: "once",
        harm: [],
        control_arguments: [],
        compensation: { by: "driver", effect: "idempotent", description: "The seat is free again." },
      },
      { name: ownTool, compensation: { by: "harness" } },
    ],
  });
  const keys: string[] = [];
  for (const tool of [RESERVE, ownTool, RESERVE]) keys.push(await actAtSink(context, run, tool));
  await run.fail();
  const { seen, satisfied } = await lookUntil(
    async () => await takeBackNext(context, run),
    (ended) => ended,
    { timeoutMs: context.pace.waitMsMax, signal: context.signal },
  );
  context.check("it ends when all of it is taken back", satisfied, seen);
  const { done, takenBack } = readSink(sink.calls().slice(from));
  context.read("at the tool sink, of a driven run", { done, takenBack });
  context.precondition("the driven run had three effects", done.join() === keys.join());
  context.check(
    "driver and harness take back each its own, the newest first and each once",
    takenBack.join() === keys.toReversed().join(),
    { done, takenBack },
  );
  await checkSaid(context, run.id, { takenBack: done, left: [] });
}

/** @returns the key of the effect */
async function actAtSink(context: ScenarioContext, run: DrivenRun, tool: string): Promise<string> {
  const proposed = await run.propose({ tool, arguments: tool === RESERVE ? {} : { text: "the table" } });
  if (proposed.decision === "needs_approval")
    await approveOpen(context, context.client("requester"), context.client("approver"), run.id);
  const { decision, action, effect } = await run.look(proposed.action);
  context.check("the call is permitted", decision === "permit" && effect !== "", { tool, decision });
  await tellSink(context, "/effect", effect, { tool });
  const status = await run.report(action, "done");
  context.check("its result is taken", status === 200, status);
  return effect;
}

/** @returns whether the run has ended */
async function takeBackNext(context: ScenarioContext, run: DrivenRun): Promise<boolean> {
  const due = await run.nextCompensation();
  if (due.action === "") return due.ended;
  context.check("the driver is asked for its own effects only", due.tool === RESERVE, due);
  await tellSink(context, "/undo", due.effect, { tool: due.tool, compensates: due.compensates });
  const status = await run.reportTakenBack(due.action);
  context.check("what came of it is taken", status === 200, status);
  return false;
}

// The driver's own hands: the suite's.
async function tellSink(context: ScenarioContext, to: string, key: string, body: unknown): Promise<void> {
  const url = (context.target.sink?.url ?? "").replace("/effect", to);
  const answer = await fetch(url, {
    method: "POST",
    headers: { "idempotency-key": key, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: context.signal,
  });
  context.precondition("the sink takes what the driver does", answer.ok);
  await answer.arrayBuffer();
}

async function leaveBehind(context: ScenarioContext, body: unknown): Promise<void> {
  const { sink } = context.target;
  const from = sink?.calls().length ?? 0;
  const id = await runToEnd(context, body);
  const { done } = readSink(sink?.calls().slice(from) ?? []);
  context.precondition("the run had an effect that nothing takes back", done.length === 1);
  await checkSaid(context, id, { takenBack: [], left: done });
}

const inOrder = (of: readonly number[]): string => of.toSorted((one, other) => one - other).join();

/** What the run says of its effects, by their keys at the sink. */
async function checkSaid(
  context: ScenarioContext,
  id: string,
  keys: { readonly takenBack: readonly string[]; readonly left: readonly string[] },
): Promise<void> {
  await context.part("the run says what stands", ["contract"], async () => {
    const client = context.client("requester");
    const { rollback, steps } = fieldsOf((await client.getRun(id)).json);
    const { left, taken_back } = fieldsOf(rollback);
    const places = new Map(
      rowsOf(steps).map(({ seq, effect_id }) => [textOf(effect_id), Number(seq)] as const),
    );
    const named = (of: readonly string[]): string => inOrder(of.map((key) => places.get(key) ?? 0));
    const said = rowsOf(left).map(({ step }) => Number(step));
    context.check(
      keys.left.length === 0 ? "nothing is left" : "what nothing takes back is named in the run",
      Array.isArray(left) && inOrder(said) === named(keys.left),
      { left, steps: named(keys.left) },
    );
    const back = (Array.isArray(taken_back) ? taken_back : []).map(Number);
    context.check("what was taken back is named in the run", inOrder(back) === named(keys.takenBack), {
      taken_back,
      steps: named(keys.takenBack),
    });
    await checkInvariants(context, client, id);
  });
}

const rowsOf = (value: unknown): readonly ReturnType<typeof fieldsOf>[] =>
  Array.isArray(value) ? value.map(fieldsOf) : [];
