// The toy's agent that does something outside, asks before each of it, and fails: what becomes of what it did.

import type { Rollback, Step } from "@assent/contract";
import { sha256Hex } from "../digest.ts";
import { NoAnswer, send } from "../http.ts";
import type { RollbackBench } from "../target.ts";
import { answerOpen } from "./toy-answer.ts";
import { addApproval, addEvent, type Breaks, moveTo, now, toyAction, type ToyRun } from "./toy-run.ts";
import { tellHold, type ToySignals } from "./toy-signals.ts";

export const UNDOER = "undoer";
const [BOOK, TELL] = ["book_sink", "tell_sink"] as const;
const TRIES_MAX = 4;
const CALL_MS_MAX = 10_000;
const NEVER = new AbortController().signal;

export const undoingBench: RollbackBench = {
  stepsMax: 3,
  body: (steps) => ({ agent: UNDOER, task: `Book ${steps} times, and break off.` }),
  irreversible: { agent: UNDOER, task: "Tell, and break off." },
};

type Done = { readonly toy: ToyRun; readonly seq: number; readonly tool: string; readonly key: string };

/** What outlives a run, and in the toy that has only its memory no process. */
export type ToyDeeds = { readonly standing: Done[] };
export const createDeeds = (): ToyDeeds => ({ standing: [] });

export type UndoerInside = {
  readonly breaks: Breaks;
  readonly signals: ToySignals;
  readonly world: { readonly deeds: ToyDeeds; readonly sinkUrl: string; stop: PromiseWithResolvers<void> };
};

export async function runUndoer(inside: UndoerInside, toy: ToyRun): Promise<void> {
  const { breaks, signals } = inside;
  const times = Number(/\d+/u.exec(toy.run.task)?.[0] ?? "0");
  const tool = times === 0 ? TELL : BOOK;
  moveTo(toy, breaks, "running", "run_leased", null);
  let calls = 0;
  let isCalledOff = false;
  for (let at = 0; at < Math.max(1, times) && !isCalledOff; at += 1) {
    const isAsked = at > 0 && breaks.has("way.asks_once");
    const word = isAsked ? "yes" : await ask(inside, toy, tool, `step ${at + 1}`);
    isCalledOff = word === "called off";
    if (isCalledOff) break;
    await act(inside, toy, tool);
    calls += 1;
  }
  const ending = isCalledOff ? "cancelled" : "failed";
  const end = (): void => moveTo(toy, breaks, ending, `run_${ending}`, null);
  if (breaks.has("undo.early")) end();
  const isLeft = isCalledOff && breaks.has("undo.cancel");
  if (!isLeft) calls += await takeBack(inside, toy, ending);
  if (!breaks.has("undo.early")) end();
  tellHold(signals, breaks, toy, calls);
}

async function ask(
  { breaks, signals }: UndoerInside,
  toy: ToyRun,
  tool: string,
  text: string,
): Promise<"yes" | "called off"> {
  const { promise, resolve } = Promise.withResolvers<"yes" | "called off">();
  addApproval(toy, breaks, { action: toyAction(tool, { text }), preview: text });
  toy.decide = (by, request) => {
    const said = answerOpen(toy, breaks, by, request);
    if ("refused" in said) return said.refused;
    resolve("yes");
    return null;
  };
  toy.callOff = () => {
    const approvals = toy.run.approvals.map((one) =>
      one.status === "open" ? { ...one, status: "cancelled" as const } : one,
    );
    toy.run = { ...toy.run, approvals };
    addEvent(toy, breaks, "approval_cancelled", null);
    resolve("called off");
  };
  moveTo(toy, breaks, "awaiting_approval", "run_parked", null);
  tellHold(signals, breaks, toy, 0);
  const word = await promise;
  moveTo(toy, breaks, "queued", "run_resumed", null);
  moveTo(toy, breaks, "running", "run_leased", null);
  return word;
}

function addStep(toy: ToyRun, breaks: Breaks, step: Pick<Step, "name" | "decision"> & Partial<Step>): Step {
  const seq = toy.run.steps.length + 1;
  const added: Step = {
    seq,
    kind: "tool",
    state: "intended",
    effect: "idempotent",
    effect_id: `sha256:${sha256Hex(`${toy.run.id} ${seq}`)}`,
    approval_id: null,
    result: null,
    error: null,
    started_at: now(),
    finished_at: null,
    ...step,
  };
  addEvent(toy, breaks, "step_intended", null);
  toy.run = { ...toy.run, steps: [...toy.run.steps, added] };
  return added;
}

function closeStep(toy: ToyRun, breaks: Breaks, seq: number, state: "succeeded" | "failed"): void {
  const steps = toy.run.steps.map((step) =>
    step.seq === seq ? { ...step, state, finished_at: now() } : step,
  );
  toy.run = { ...toy.run, steps };
  addEvent(toy, breaks, `step_${state}`, null);
}

type Came = "done" | "refused" | "lost";

async function tell(to: string, key: string, body: unknown): Promise<Came> {
  const { origin, pathname } = new URL(to);
  const headers = { "idempotency-key": key, "content-type": "application/json" };
  const request = { method: "POST", path: pathname, headers, body: JSON.stringify(body) };
  try {
    const { status } = await send(origin, request, { timeoutMs: CALL_MS_MAX, signal: NEVER });
    return status === 200 ? "done" : "refused";
  } catch (error) {
    if (error instanceof NoAnswer) return "lost";
    throw error;
  }
}

async function forgetAt({ stop, deeds }: UndoerInside["world"]): Promise<void> {
  await stop.promise;
  deeds.standing.splice(0);
}

async function act({ breaks, world }: UndoerInside, toy: ToyRun, tool: string): Promise<void> {
  const approval = toy.run.approvals.at(-1);
  if (approval === undefined) throw new Error("the toy has asked nobody");
  const { decision, id, action } = approval;
  const isPermitted = toy.run.steps.some((step) => step.approval_id === id);
  const agreed = isPermitted
    ? { decision: { verdict: "permit" as const, reasons: [] }, approval_id: null }
    : { decision, approval_id: id };
  const told = { name: tool, ...agreed, arguments: action.arguments };
  const { seq, effect_id: key } = addStep(toy, breaks, told);
  await tell(world.sinkUrl, key ?? "", { tool, arguments: action.arguments });
  closeStep(toy, breaks, seq, "succeeded");
  const done: Done = { toy, seq, tool, key: key ?? "" };
  world.deeds.standing.push(done);
  if (!breaks.has("undo.memory")) return;
  void forgetAt(world);
}

/** @returns calls that it made for it */
async function takeBack(inside: UndoerInside, toy: ToyRun, ending: Rollback["ending"]): Promise<number> {
  const { breaks, world } = inside;
  const { standing } = world.deeds;
  const own = standing.filter((one) => one.toy === toy || breaks.has("undo.others"));
  const newest = breaks.has("undo.oldest") ? own : own.toReversed();
  const isSpared = ending === "cancelled" && breaks.has("way.leaves");
  const due = breaks.has("undo.none") ? [] : breaks.has("undo.newest") ? newest.slice(0, 1) : newest;
  const takenBack: number[] = [];
  const left: Done[] = [];
  let calls = 0;
  for (const one of due) {
    const { isDone, tries } =
      one.tool === BOOK && !isSpared ? await undo(inside, toy, one) : { isDone: false, tries: 0 };
    calls += tries;
    if (isDone) standing.splice(standing.indexOf(one), 1);
    if (isDone || (breaks.has("undo.claims") && tries > 0)) takenBack.push(one.seq);
    else left.push(one);
    if (!isDone && breaks.has("undo.stops")) break;
  }
  const named = left.filter(
    ({ tool }) => !(breaks.has("undo.stops") || (tool === TELL && breaks.has("undo.silent"))),
  );
  const rollback: Rollback = {
    ending,
    ended: true,
    taken_back: takenBack,
    left: named.map(({ seq, tool }) => ({ step: seq, tool, code: "not_taken_back", detail: "It stands." })),
  };
  toy.run = { ...toy.run, rollback };
  return calls;
}

async function undo(
  { breaks, world }: UndoerInside,
  toy: ToyRun,
  { seq, tool, key }: Done,
): Promise<{ readonly isDone: boolean; readonly tries: number }> {
  const triesMax = breaks.has("undo.once") ? 1 : TRIES_MAX;
  for (let tries = 1; tries <= triesMax; tries += 1) {
    const decision = { verdict: "permit" as const, reasons: [] };
    const step = addStep(toy, breaks, { name: tool, decision, compensates: seq });
    const undoing = breaks.has("undo.fresh") ? (step.effect_id ?? "") : `undo ${key}`;
    const came = await tell(world.sinkUrl.replace("/effect", "/undo"), undoing, { compensates: key });
    const isDone = came === "done" || (came === "lost" && breaks.has("undo.optimist"));
    closeStep(toy, breaks, step.seq, isDone ? "succeeded" : "failed");
    if (isDone) return { isDone, tries };
  }
  return { isDone: false, tries: triesMax };
}
