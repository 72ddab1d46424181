// A toy of runs that are driven from outside and ruled on: a call is permitted where the requester named its recipients, and nothing
// that others wrote goes along; all else is denied, or asked about where there is somebody to ask.

import { randomUUID } from "node:crypto";
import type { Actor, ApproveRequest, ProblemCode } from "@assent/contract";
import { canonicalJson } from "../canonical-json.ts";
import { sha256Hex } from "../digest.ts";
import { fieldsOf, textOf } from "../run-reading.ts";
import { answerOpen } from "./toy-answer.ts";
import { addApproval, addEvent, type Breaks, createRun, toyAction, type ToyRun } from "./toy-run.ts";

type Fields = Readonly<Record<string, unknown>>;

type Action = {
  readonly id: string;
  readonly tool: string;
  readonly args: Fields;
  decision: "permit" | "deny" | "needs_approval";
  approval: string;
  reasons: readonly Reason[];
};
type Reason = { readonly code: string; readonly policy: string; readonly detail: string };

type Ruled = {
  readonly asks: boolean;
  readonly task: string;
  readonly tools: readonly Fields[];
  readonly actions: Action[];
  /** Told of each decision. */
  readonly tell: (verdict: string) => void;
  /** Something was read that the requester did not write. */
  tainted: boolean;
  /** Addresses in all of it. */
  readonly read: string[];
};

const ruled = new WeakMap<ToyRun, Ruled>();

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export function createRuledRun(
  tenant: string,
  actor: Actor,
  request: Fields,
  breaks: Breaks,
  tell: Ruled["tell"],
): ToyRun {
  const task = textOf(request["task"]);
  const toy = createRun(tenant, actor, { task, agent: "external" }, breaks);
  toy.run = { ...toy.run, status: "running" };
  const state: Ruled = {
    asks: request["approver"] === "ask",
    task,
    tools: listOf(request["tools"]).map(fieldsOf),
    actions: [],
    tell,
    tainted: false,
    read: [],
  };
  ruled.set(toy, state);
  toy.decide = (by, word) => decide(toy, state, breaks, by, word);
  return toy;
}

export type Told = { readonly body: unknown } | { readonly refused: ProblemCode };

/** Null where the run is not ruled on. @param id of the action; empty where one is proposed */
export function answerRuled(
  toy: ToyRun,
  breaks: Breaks,
  what: "plan" | "propose" | "look" | "report",
  id: string,
  body: Fields,
): Told | null {
  const state = ruled.get(toy);
  if (state === undefined || what === "plan") return null;
  if (what === "propose") return { body: shown(propose(toy, state, breaks, body)) };
  const action = state.actions.find((one) => one.id === id);
  if (action === undefined) return { refused: "action_not_found" };
  if (what === "look") return { body: shown(action) };
  const isTaken = breaks.has("rule.results") && action.approval !== "" && action.decision === "deny";
  if (action.decision !== "permit" && !isTaken) return { refused: "action_not_permitted" };
  takeResult(state, breaks, action, JSON.stringify(body["output"] ?? null));
  return { body: { label: state.tainted ? "untrusted" : "trusted" } };
}

function takeResult(state: Ruled, breaks: Breaks, { tool }: Action, output: string): void {
  const isOthers = manifestOf(state, tool)?.["returns"] !== "trusted";
  if (breaks.has("rule.newest")) state.read.splice(0);
  state.tainted ||= isOthers;
  if (isOthers) state.read.push(...namesOf(output));
}

const shown = ({ id, decision, approval, reasons }: Action): unknown => ({
  action_id: id,
  decision,
  reasons,
  ...(approval === "" ? {} : { approval_id: approval }),
  ...(decision === "permit" ? { effect_id: `sha256:${sha256Hex(id)}` } : {}),
});

const manifestOf = ({ tools }: Ruled, tool: string): Fields | undefined =>
  tools.find(({ name }) => name === tool);

function propose(toy: ToyRun, state: Ruled, breaks: Breaks, body: Fields): Action {
  const [tool, args] = [textOf(body["tool"]), fieldsOf(body["arguments"])];
  const id = `act_${randomUUID()}`;
  const reason = objectionTo(state, breaks, tool, args);
  const action: Action = { id, tool, args, decision: "permit", approval: "", reasons: [] };
  state.actions.push(action);
  state.tell(reason === null ? "permit" : "deny");
  if (reason === null) {
    action.reasons = [{ code: "named", policy: "named", detail: "The requester named it." }];
    return action;
  }
  action.reasons = [{ code: reason, policy: reason, detail: "The toy's rules do not permit it." }];
  action.decision = state.asks && reason !== "unevaluable" ? "needs_approval" : "deny";
  addEvent(toy, breaks, action.decision === "deny" ? "step_refused" : "step_intended", null);
  if (action.decision === "needs_approval")
    action.approval = addApproval(toy, breaks, {
      action: toyAction(tool, args),
      preview: canonicalJson(args),
    }).id;
  return action;
}

/** What speaks against the call; null where nothing does. */
function objectionTo(state: Ruled, breaks: Breaks, tool: string, args: Fields): string | null {
  const manifest = manifestOf(state, tool);
  if (manifest === undefined || !fits(manifest, args)) return "unevaluable";
  const before = state.actions.filter((one) => one.tool === tool);
  const isSame = before.some((one) => canonicalJson(one.args) === canonicalJson(args));
  if (breaks.has("rule.again") && isSame) return null;
  if (breaks.has("rule.asked") && isSame && state.asks) return null;
  const permitted = before.filter(({ decision }) => decision === "permit");
  if (breaks.has("rule.tool") && permitted.length > 0) return null;
  if (breaks.has("rule.yes") && permitted.some(({ approval }) => approval !== "")) return null;
  const harm = manifest["harm"] === undefined ? ["egress"] : listOf(manifest["harm"]);
  if (manifest["effect"] === "none" && harm.length === 0) return null;
  const control = listOf(manifest["control_arguments"] ?? Object.keys(args));
  for (const [name, value] of Object.entries(args).toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    const isNamed = isSaid(state, textOf(value), breaks);
    if (control.includes(name) && !isNamed) return "unnamed";
    if (state.tainted && !isNamed && isOfWhatWasRead(state, textOf(value), breaks)) return "content";
  }
  return null;
}

function fits({ input_schema }: Fields, args: Fields): boolean {
  if (input_schema === undefined) return true;
  const { properties, required } = fieldsOf(input_schema);
  const known = fieldsOf(properties);
  return (
    Object.entries(args).every(([name, value]) => known[name] !== undefined && typeof value === "string") &&
    listOf(required).every((name) => args[textOf(name)] !== undefined)
  );
}

const namesOf = (text: string): readonly string[] => text.match(/[\w.-]+@[\w.-]*\w/gu) ?? [];

/** What is said after something was read may be of it; the toy that looks for it forgets all but the newest. */
const isOfWhatWasRead = ({ read }: Ruled, value: string, breaks: Breaks): boolean =>
  !breaks.has("rule.newest") || namesOf(value).some((one) => read.includes(one));

const QUOTES = /["\s,;:<>()]/u;

/** By the requester, as a whole: a part of what they named is something else. */
function isSaid({ task, read }: Ruled, value: string, breaks: Breaks): boolean {
  if (breaks.has("rule.known")) return !/@(?:strangers|away[^.]*)\./u.test(value);
  if (breaks.has("rule.listed")) return !namesOf(value).some((one) => read.includes(one));
  if (breaks.has("rule.part")) return task.includes(value);
  const at = task.indexOf(value);
  const [before, after] = [task[at - 1] ?? " ", task[at + value.length] ?? " "];
  return at >= 0 && QUOTES.test(before) && QUOTES.test(after);
}

function decide(
  toy: ToyRun,
  state: Ruled,
  breaks: Breaks,
  by: Actor,
  word: ApproveRequest,
): ProblemCode | null {
  const said = answerOpen(toy, breaks, by, word);
  if ("refused" in said) return said.refused;
  for (const action of state.actions)
    if (action.approval === said.approval) action.decision = said.status === "denied" ? "deny" : "permit";
  return null;
}
