// A toy of runs that are driven from outside: reads are permitted, payments are asked about unless a plan has them.

import { randomUUID } from "node:crypto";
import type { Actor, ApproveRequest, ProblemCode } from "@assent/contract";
import { canonicalJson } from "../canonical-json.ts";
import { sha256Hex } from "../digest.ts";
import { fieldsOf, textOf } from "../run-reading.ts";
import { answerOpen } from "./toy-answer.ts";
import { addApproval, type Breaks, createRun, toyAction, type ToyRun } from "./toy-run.ts";

type Fields = Readonly<Record<string, unknown>>;
type PlannedCall = { readonly tool: string; readonly arguments: Fields };
type Plan = {
  readonly calls: readonly PlannedCall[];
  readonly approval: string;
  readonly used: Set<number>;
  state: "open" | "agreed" | "declined";
};
type Driven = {
  readonly asks: boolean;
  readonly task: string;
  readonly plans: Plan[];
  /** What each tool returned, and which tool each action calls. */
  readonly outputs: Map<string, string>;
  readonly actions: Map<string, string>;
  tainted: boolean;
};

const driven = new WeakMap<ToyRun, Driven>();

export function createDrivenRun(tenant: string, actor: Actor, request: Fields, breaks: Breaks): ToyRun {
  const task = textOf(request["task"]);
  const toy = createRun(tenant, actor, { task, agent: "external" }, breaks);
  toy.run = { ...toy.run, status: "running" };
  const state: Driven = {
    asks: request["approver"] === "ask",
    task,
    plans: [],
    outputs: new Map(),
    actions: new Map(),
    tainted: false,
  };
  driven.set(toy, state);
  toy.decide = (by, word) => decide(toy, state, breaks, by, word);
  return toy;
}

type Told = { readonly body: unknown } | { readonly refused: ProblemCode };

export function answerDriver(
  toy: ToyRun,
  breaks: Breaks,
  what: "plan" | "propose" | "look" | "report",
  action: string,
  body: Fields,
): Told {
  const state = driven.get(toy);
  if (state === undefined || what === "look") return { refused: "route_not_found" };
  if (what === "plan") return plan(toy, state, breaks, body);
  if (what === "propose") return propose(toy, state, breaks, body);
  const tool = state.actions.get(action) ?? "";
  const text = JSON.stringify(body["output"] ?? null);
  state.outputs.set(tool, text);
  if (tool.startsWith("read_")) state.tainted = true;
  return { body: { label: "untrusted" } };
}

const callsOf = (body: Fields): readonly PlannedCall[] =>
  (Array.isArray(body["calls"]) ? body["calls"] : [])
    .map(fieldsOf)
    .map((call) => ({ tool: textOf(call["tool"]), arguments: fieldsOf(call["arguments"]) }));

function plan(toy: ToyRun, state: Driven, breaks: Breaks, body: Fields): Told {
  if (state.tainted && !breaks.has("plan.late")) return { refused: "plan_too_late" };
  const calls = callsOf(body);
  const digest = `sha256:${sha256Hex(canonicalJson(calls))}`;
  if (!state.asks) {
    const isTheirs = calls.every(({ arguments: args }) => state.task.includes(textOf(args["to"])));
    if (!isTheirs && !breaks.has("plan.alone")) return { refused: "nobody_to_ask" };
    state.plans.push({ calls, approval: "", used: new Set(), state: "agreed" });
    return { body: { digest, decision: "permit" } };
  }
  const asked = { action: toyAction("plan", { calls }), preview: canonicalJson(calls) };
  const { id, action_digest } = addApproval(toy, breaks, asked);
  state.plans.push({ calls, approval: id, used: new Set(), state: "open" });
  return { body: { approval_id: id, digest: action_digest, decision: "needs_approval" } };
}

function propose(toy: ToyRun, state: Driven, breaks: Breaks, body: Fields): Told {
  const [tool, args] = [textOf(body["tool"]), fieldsOf(body["arguments"])];
  const action_id = `act_${randomUUID()}`;
  state.actions.set(action_id, tool);
  const isPlanned = tool.startsWith("read_") || takePlanned(state, breaks, tool, args);
  if (isPlanned) {
    const effect_id = `sha256:${sha256Hex(action_id)}`;
    return { body: { action_id, decision: "permit", effect_id, reasons: [] } };
  }
  if (!state.asks) return { body: { action_id, decision: "deny", reasons: [] } };
  const asked = { action: toyAction(tool, args), preview: canonicalJson(args) };
  const { id } = addApproval(toy, breaks, asked);
  return { body: { action_id, decision: "needs_approval", approval_id: id, reasons: [] } };
}

function takePlanned(state: Driven, breaks: Breaks, tool: string, args: Fields): boolean {
  for (const one of state.plans) {
    const counts =
      one.state === "agreed" ||
      (one.state === "open" && breaks.has("plan.open")) ||
      (one.state === "declined" && breaks.has("plan.declined"));
    if (!counts) continue;
    const at = one.calls.findIndex(
      (call, index) =>
        call.tool === tool &&
        (!one.used.has(index) || breaks.has("plan.again")) &&
        (breaks.has("plan.tool") || fits(call.arguments, args, state, breaks)),
    );
    if (at < 0) continue;
    one.used.add(at);
    return true;
  }
  return false;
}

function fits(planned: Fields, actual: Fields, state: Driven, breaks: Breaks): boolean {
  return Object.entries(planned).every(([name, value]) => {
    const slot = fieldsOf(fieldsOf(value)["$slot"]);
    if (slot["from"] === undefined)
      return value === actual[name] || (breaks.has("plan.part") && name !== "to");
    const output = state.outputs.get(textOf(slot["from"])) ?? "";
    const values: readonly string[] = output.match(/[a-z0-9.-]+@[a-z0-9.-]+[a-z]/gu) ?? [];
    const text = textOf(actual[name]);
    return breaks.has("plan.slot") ? output !== "" : values.includes(text);
  });
}

function decide(
  toy: ToyRun,
  state: Driven,
  breaks: Breaks,
  by: Actor,
  word: ApproveRequest,
): ProblemCode | null {
  const said = answerOpen(toy, breaks, by, word);
  if ("refused" in said) return said.refused;
  for (const one of state.plans)
    if (one.approval === said.approval) one.state = said.status === "approved" ? "agreed" : "declined";
  return null;
}
