import type { HarnessClient } from "../../client.ts";
import { fieldsOf, TERMINAL_STATES, textOf } from "../../run-reading.ts";
import { LEFT_TO_THE_NIGHT, type Scenario, type ScenarioContext } from "../../scenario.ts";
import type { SinkCall, SinkCue, ToolSink } from "../../tool-sink.ts";
import { lookUntil } from "../../wait.ts";
import { type DrivenRun, openDrivenRun } from "../../worlds/driven-run.ts";
import {
  approveOpen,
  approveUntilEnd,
  awaitStatus,
  checkInvariants,
  openApprovals,
  readRunOf,
} from "../moves.ts";

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
    const { stepsMax } = rollback;
    const body = (steps: number): unknown => rollback.body(steps);
    const bystander = stepsMax < TWO ? null : await standBetween(context, body(TWO));
    for (let steps = 1; steps <= stepsMax; steps += 1)
      // The other one fails after so many, in the end.
      if (steps !== TWO || bystander === null) await failAfter(context, body(steps), steps, []);
    for (const faults of FAULTS) await failAfter(context, body(stepsMax), stepsMax, faults);
    if (bystander !== null) await endBystander(context, bystander);
    if (stepsMax >= TWO) await callOff(context, body(TWO));
    await refuseForGood(context, body(1));
    await leaveBehind(context, rollback.irreversible);
    const { ownTool } = rollback;
    if (ownTool !== undefined)
      await context.part("a run that is driven from outside", ["driven_compensation"], async () => {
        await failDriven(context, ownTool);
      });
  },
};

/** Effects between which a run can stand. */
const TWO = 2;

/** What compensations meet, from the first on: a refusal, and answers that do not say what has happened, or that nothing has. */
const FAULTS: readonly (readonly SinkCue[])[] = [
  [{ do: "fail", status: 503 }, { do: "apply" }, { do: "drop" }],
  [{ do: "apply_then_drop" }, { do: "apply" }, { do: "apply_then_fail", status: 503 }],
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

async function submitTask(context: ScenarioContext, body: unknown): Promise<string> {
  const answer = await context.client("requester").submit(body, context.unique("rollback"));
  const id = textOf(fieldsOf(answer.json)["id"]);
  context.check("the run is accepted", answer.status === 202 && id !== "", answer.status);
  return id;
}

async function approveToEnd(context: ScenarioContext, id: string): Promise<void> {
  const run = await approveUntilEnd(context, context.client("requester"), context.client("approver"), id);
  context.check("the run ends, and not in success", run.status === "failed", run.status);
}

async function runToEnd(context: ScenarioContext, body: unknown): Promise<string> {
  const id = await submitTask(context, body);
  await approveToEnd(context, id);
  return id;
}

const sinkOf = ({ target: { sink } }: ScenarioContext): ToolSink => {
  if (sink === undefined) throw new Error("the capability compensation was not there");
  return sink;
};

async function failAfter(
  context: ScenarioContext,
  body: unknown,
  steps: number,
  faults: readonly SinkCue[],
): Promise<void> {
  const sink = sinkOf(context);
  const from = sink.calls().length;
  const id = await submitTask(context, body);
  const states: string[] = [];
  const look = async (): Promise<void> => {
    states.push((await readRunOf(context, context.client("requester"), id)).status);
  };
  const first: readonly SinkCue[] = faults.length === 0 ? [{ do: "apply_then", hook: look }] : faults;
  sink.cue(...Array.from({ length: steps }, () => ({ do: "apply" }) as const), ...first);
  await approveToEnd(context, id);
  const calls = sink.calls().slice(from);
  const { done, takenBack } = readSink(calls);
  context.read("at the tool sink", { done, takenBack, states });
  context.precondition(`the run had ${steps} effects`, done.length === steps);
  if (faults.some((fault) => fault.do === "fail"))
    context.precondition(
      "a compensation failed",
      calls.some(({ outcome }) => outcome === "failed"),
    );
  context.check(
    "a run has not ended while it is still taking back",
    !states.some((state) => TERMINAL_STATES.includes(state)),
    states,
  );
  context.check(
    "what another run did stands while that has not ended",
    takenBack.every((key) => done.includes(key)),
    { done, takenBack },
  );
  checkTakenBack(context, done, takenBack);
  await checkSaid(context, id, { takenBack: done, left: [] });
}

function checkTakenBack(
  context: ScenarioContext,
  done: readonly string[],
  takenBack: readonly string[],
): void {
  const found = { done, takenBack };
  context.check(
    "everything that it did is taken back",
    done.every((key) => takenBack.includes(key)),
    found,
  );
  context.check("each of it once", new Set(takenBack).size === takenBack.length, found);
  context.check("the newest first", takenBack.join() === done.toReversed().join(), found);
}

/** A run that has done one thing, and waits before the next. */
type Standing = { readonly id: string; readonly key: string };

/** @returns null where the harness asks once for both, or not at all: nothing stands then */
async function standBetween(context: ScenarioContext, body: unknown): Promise<Standing | null> {
  const [requester, approver] = [context.client("requester"), context.client("approver")];
  const sink = sinkOf(context);
  const from = sink.calls().length;
  const id = await submitTask(context, body);
  const asked = new Set<string>();
  for (;;) {
    const { seen, satisfied } = await lookUntil(
      async () => await readRunOf(context, requester, id),
      (run) => TERMINAL_STATES.includes(run.status) || openApprovals(run).some((one) => !asked.has(one.id)),
      { timeoutMs: context.pace.waitMsMax, signal: context.signal },
    );
    context.check("the run goes on after each answer", satisfied, seen.status);
    const { done, takenBack } = readSink(sink.calls().slice(from));
    if (TERMINAL_STATES.includes(seen.status)) {
      context.missing("a run that stands between two effects", "a question between two effects");
      checkTakenBack(context, done, takenBack);
      return null;
    }
    const [key] = done;
    if (key !== undefined) return { id, key };
    for (const one of openApprovals(seen)) asked.add(one.id);
    await approveOpen(context, requester, approver, id);
  }
}

/** It stood while others failed, and over a stop; now it fails as well. */
async function endBystander(context: ScenarioContext, { id, key }: Standing): Promise<void> {
  const sink = sinkOf(context);
  const name = "what was done before a stop";
  if (context.pace.thorough !== true) context.missing(name, LEFT_TO_THE_NIGHT);
  else
    await context.part(name, ["restart"], async () => {
      await context.target.restart?.();
      const { status } = await readRunOf(context, context.client("requester"), id);
      context.check("it still waits", status === "awaiting_approval", status);
    });
  const from = sink.calls().length;
  await approveToEnd(context, id);
  const { done, takenBack } = readSink(sink.calls().slice(from));
  checkTakenBack(context, [key, ...done], takenBack);
  await checkSaid(context, id, { takenBack: [key, ...done], left: [] });
}

/** Whether it is taken back is the harness's affair; that it is one or the other, and said, is not. */
async function callOff(context: ScenarioContext, body: unknown): Promise<void> {
  const name = "a run that is called off";
  if (context.pace.thorough !== true) return context.missing(name, LEFT_TO_THE_NIGHT);
  await context.part(name, ["cancel", "contract"], async () => {
    const sink = sinkOf(context);
    const client = context.client("requester");
    const from = sink.calls().length;
    const standing = await standBetween(context, body);
    if (standing === null) return;
    const { id, key } = standing;
    const { status } = await client.cancel(id);
    if (status >= 400) {
      context.missing("what a run did that was called off", "runs that can be called off after an effect");
      return await approveToEnd(context, id);
    }
    const run = await awaitStatus(context, client, id, TERMINAL_STATES);
    context.check("a run that was called off is cancelled", run.status === "cancelled", run.status);
    const { takenBack } = readSink(sink.calls().slice(from));
    const said = await readSaid(client, id);
    const step = said.places.get(key) ?? 0;
    const isBack = takenBack.includes(key);
    context.check(
      "what a run did that was called off is taken back, or named as left",
      isBack ? said.takenBack.includes(step) : said.left.includes(step) && !said.takenBack.includes(step),
      { isBack, step, ...said },
    );
  });
}

/** More often than anybody tries. */
const REFUSALS = 60;

/** What takes it back is refused for as long as anybody tries. */
async function refuseForGood(context: ScenarioContext, body: unknown): Promise<void> {
  const name = "a compensation that never succeeds";
  if (context.pace.thorough !== true) return context.missing(name, LEFT_TO_THE_NIGHT);
  await context.part(name, ["contract"], async () => {
    const sink = sinkOf(context);
    const from = sink.calls().length;
    sink.cue(
      { do: "apply" },
      ...Array.from({ length: REFUSALS }, () => ({ do: "fail", status: 503 }) as const),
    );
    const id = await runToEnd(context, body);
    sink.uncue();
    const { done, takenBack } = readSink(sink.calls().slice(from));
    context.precondition("nothing was taken back", done.length === 1 && takenBack.length === 0);
    const said = await readSaid(context.client("requester"), id);
    const step = said.places.get(done[0] ?? "") ?? 0;
    context.check("what was not let is not named as taken back", !said.takenBack.includes(step), said);
    context.check("what was not let is named as left", said.left.includes(step), said);
  });
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

type Said = {
  /** Steps by the keys of their effects. */
  readonly places: ReadonlyMap<string, number>;
  readonly left: readonly number[];
  readonly takenBack: readonly number[];
};

async function readSaid(client: HarnessClient, id: string): Promise<Said> {
  const { rollback, steps } = fieldsOf((await client.getRun(id)).json);
  const { left, taken_back: back } = fieldsOf(rollback);
  return {
    places: new Map(rowsOf(steps).map(({ seq, effect_id }) => [textOf(effect_id), Number(seq)] as const)),
    left: rowsOf(left).map(({ step }) => Number(step)),
    takenBack: (Array.isArray(back) ? back : []).map(Number),
  };
}

/** What the run says of its effects, by their keys at the sink. */
async function checkSaid(
  context: ScenarioContext,
  id: string,
  keys: { readonly takenBack: readonly string[]; readonly left: readonly string[] },
): Promise<void> {
  await context.part("the run says what stands", ["contract"], async () => {
    const client = context.client("requester");
    const { places, left, takenBack } = await readSaid(client, id);
    const named = (of: readonly string[]): string => inOrder(of.map((key) => places.get(key) ?? 0));
    context.check(
      keys.left.length === 0 ? "nothing is left" : "what nothing takes back is named in the run",
      inOrder(left) === named(keys.left),
      { left, steps: named(keys.left) },
    );
    context.check("what was taken back is named in the run", inOrder(takenBack) === named(keys.takenBack), {
      takenBack,
      steps: named(keys.takenBack),
    });
    await checkInvariants(context, client, id);
  });
}

const rowsOf = (value: unknown): readonly ReturnType<typeof fieldsOf>[] =>
  Array.isArray(value) ? value.map(fieldsOf) : [];
