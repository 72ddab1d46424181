// A driver asks for one approval of several calls, before it has read anything that an attacker may have written. From
// then on it could be the attacker who plans. Where nobody can be asked the rules alone answer.

import { type Action, HARMS, type PlanAnswer, type PlanRequest } from "@assent/contract";
import { canonicalJson } from "../../base/canonical-json.ts";
import { digestOf } from "../../base/digest.ts";
import { APPROVAL_LIFETIME_HOURS, PREVIEW_CHARS_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { actionDigest } from "../../core/decide/action-digest.ts";
import { type Assent, strictestAssent } from "../../core/decide/policy-annotations.ts";
import { externalAction, worstEffect } from "../../core/external.ts";
import type { PlannedCall } from "../../core/run/journal.ts";
import type { Refusal } from "../harness.ts";
import { newUuid, openQuestion } from "./ask.ts";
import { commitDriven, type Hold, nextSeq, refuseSteps } from "./drive.ts";
import { judge } from "./judge.ts";
import { resolveKept } from "./kept.ts";
import { hasSlotKey, slotOf } from "./plan-match.ts";
import { inputFault, toolOf } from "./state.ts";

/** As the approval and the journal show it: no tool can have this name. */
const PLAN = "(plan)";

export async function proposePlan(hold: Hold, body: PlanRequest): Promise<Result<PlanAnswer, Refusal>> {
  const { state } = hold;
  const full = refuseSteps(hold, 1);
  if (full !== null) return err(full);
  if (state.tainted)
    return err({ code: "plan_too_late", detail: "An untrusted result was reported before this plan." });
  if (state.definition.approver === "none") return await declarePlan(hold, body);
  const judged = body.calls.map((call, index) => judgeCall(hold, call, index));
  const errors = judged.flatMap(({ errors: found }) => found);
  if (errors.length > 0)
    return err({
      code: "plan_refused",
      detail: "A person is only asked about what could be permitted.",
      errors,
    });
  const requirement = strictestAssent([
    ANYBODY,
    ...judged.flatMap(({ assent }) => (assent === null ? [] : [assent])),
  ]);
  if (requirement === null)
    return err({ code: "plan_refused", detail: "No person may approve all of these calls: ask for each." });
  const action = planAction(hold, body.calls);
  const preview = body.calls
    .map((call, index) => `${index + 1}. ${call.tool} ${canonicalJson(call.arguments)}`)
    .join("\n");
  if (preview.length > PREVIEW_CHARS_MAX)
    return err({
      code: "plan_refused",
      detail: `A plan can be shown in ${PREVIEW_CHARS_MAX} characters at most.`,
    });
  const { id, digest } = await openQuestion(hold, {
    callId: `plan_${newUuid(hold).replaceAll("-", "")}`,
    name: PLAN,
    action,
    summary: `An agent loop outside plans ${body.calls.length} calls, and asks to make each of them once.`,
    preview,
    decision: {
      verdict: "needs_approval",
      reasons: [{ code: "plan", detail: "Calls of an approved plan need no further question." }],
    },
    judgement: {
      labels: {},
      controlArguments: [],
      tainted: false,
      askable: true,
      planned: false,
      policyVersion: hold.ports.policies.version,
    },
    requirement,
    advice: [],
    plan: body.calls,
  });
  return ok({ approval_id: id, digest, decision: "needs_approval" });
}

/**
 * Nobody can be asked: the rules alone agree to a plan, and only to calls that they would permit here and now. Then a
 * planned call passes later too, and once anything untrusted was read nothing else is an act of the task's.
 */
async function declarePlan(hold: Hold, { calls }: PlanRequest): Promise<Result<PlanAnswer, Refusal>> {
  const refusal = refusalOfDeclared(hold, calls);
  if (refusal !== null) return err(refusal);
  const callId = `plan_${newUuid(hold).replaceAll("-", "")}`;
  const seq = nextSeq(hold);
  const { tenant, id: run } = hold.committed.run;
  const reason = { code: "plan", detail: "Every call was permitted by the rules before anything was read." };
  await commitDriven(hold, [
    {
      write: "step_opened",
      step: {
        kind: "gate",
        name: PLAN,
        state: "intended",
        effect: "none",
        request: { kind: "gate", callId, subject: "action", doubtfulSeq: null, plan: calls },
        decision: { verdict: "permit", reasons: [reason] },
        approvalId: null,
        outcome: null,
        error: null,
      },
    },
    {
      write: "step_closed",
      seq,
      state: "succeeded",
      outcome: { kind: "gate", answer: "permitted", comment: null, editedAction: null },
      error: null,
    },
  ]);
  const digest = actionDigest(planAction(hold, calls), {}, null, { tenant, run, seq });
  return ok({ digest, decision: "permit" });
}

/** What a plan is judged by. */
export type PlanJudging = Pick<Hold, "state"> & {
  readonly ports: Pick<Hold["ports"], "policies">;
  readonly committed: Pick<Hold["committed"], "run">;
};

/** Why the rules alone do not agree to a plan, with the calls that it is about; null where they do. */
export function refusalOfDeclared(judging: PlanJudging, calls: PlanRequest["calls"]): Refusal | null {
  const unfit = calls.flatMap((call, index) => judgeCall(judging, call, index).errors);
  if (unfit.length > 0)
    return { code: "plan_refused", detail: "Not all of these calls could be permitted.", errors: unfit };
  const errors = calls.flatMap((call, index) => faultOfDeclared(judging, calls, call, index));
  if (errors.length === 0) return null;
  return {
    code: "nobody_to_ask",
    detail: "A person would have to agree to this plan: the rules alone do not permit all of its calls.",
    errors,
  };
}

type Fault = { readonly pointer: string; readonly detail: string };

function faultOfDeclared(
  hold: PlanJudging,
  calls: PlanRequest["calls"],
  call: PlannedCall,
  index: number,
): readonly Fault[] {
  const { state, ports } = hold;
  const fault = (detail: string): readonly Fault[] => [{ pointer: `#/calls/${index}`, detail }];
  const tool = toolOf(state, call.tool);
  const isRead = tool.effect === "none" && tool.harm.length === 0;
  // Whoever writes what will be read chooses the value of a slot.
  if (!isRead && (slotsIn(call.arguments) ?? []).length > 0)
    return fault("has a slot, and nobody can agree to a value that is not known yet");
  // The same call twice is an effect twice, which no rule could tell from one that was planned once.
  const key = canonicalJson(call);
  if (!isRead && calls.slice(0, index).some((earlier) => canonicalJson(earlier) === key))
    return fault("stands in the plan twice");
  const args = withoutSlots(call.arguments);
  const { decision } = judge(ports.policies, state, hold.committed.run, { tool, args, planned: false });
  if (decision.verdict === "permit") return [];
  return fault(`is not permitted: ${decision.reasons.map((reason) => reason.detail).join(" ")}`);
}

const ANYBODY: Assent = {
  quorum: 1,
  separateDuties: false,
  timeoutMs: APPROVAL_LIFETIME_HOURS * 3_600_000,
  onTimeout: "deny",
};

type JudgedCall = {
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
  readonly assent: Assent | null;
};

function judgeCall(hold: PlanJudging, call: PlannedCall, index: number): JudgedCall {
  const { state, ports } = hold;
  const fault = (detail: string): JudgedCall => ({
    errors: [{ pointer: `#/calls/${index}`, detail }],
    assent: null,
  });
  const tool = toolOf(state, call.tool);
  if (!state.tools.has(call.tool)) return fault("names a tool that the run was submitted without");
  const handles = resolveKept(state, call.arguments);
  if (!handles.ok || handles.value.uses.length > 0)
    return fault("has a handle: a plan takes the value itself, or a slot for it");
  const slots = slotsIn(call.arguments);
  if (slots === null) return fault("has a `$slot` that is none, or beside other members");
  if (slots.some(({ from }) => !state.tools.has(from)))
    return fault("has a slot from a tool that the run does not have");
  const unfit = slots.length === 0 ? inputFault(state, tool, call.arguments) : null;
  if (unfit !== null) return fault(`does not fit the tool's schema: ${unfit}`);
  const args = withoutSlots(call.arguments);
  const { run } = hold.committed;
  const { decision, judgement } = judge(ports.policies, state, run, { tool, args, planned: true });
  if (judgement.tainted) return fault("holds a value of a result that whoever plans was not to see");
  if (decision.verdict === "deny")
    return fault(`is denied: ${decision.reasons.map((reason) => reason.detail).join(" ")}`);
  // Who would have to agree to the call by itself has to agree to it as a part of the plan.
  const { requirement } = judge(ports.policies, state, run, { tool, args, planned: false });
  return { errors: [], assent: requirement };
}

type Slots = readonly NonNullable<ReturnType<typeof slotOf>>[];

// Null: something looks like a slot and is none.
function slotsIn(value: unknown): Slots | null {
  if (typeof value !== "object" || value === null) return [];
  const slot = slotOf(value);
  if (slot !== null) return [slot];
  if (hasSlotKey(value)) return null;
  const found = Object.values(value).map(slotsIn);
  return found.includes(null) ? null : found.flatMap((slots) => slots ?? []);
}

/** What is not known yet is nothing, as far as the rules can tell beforehand; they judge the call itself later. */
function withoutSlots(args: PlannedCall["arguments"]): PlannedCall["arguments"] {
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, withoutSlot(value)]));
}

function withoutSlot(value: unknown): unknown {
  if (slotOf(value) !== null) return null;
  if (Array.isArray(value)) return value.map(withoutSlot);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutSlot(inner)]));
}

// One action whose digest covers every call with its tool's manifest; it is never dispatched itself.
function planAction({ state }: Hold, calls: readonly PlannedCall[]): Action {
  const actions = calls.map((call) => externalAction(toolOf(state, call.tool), call.arguments));
  return {
    tool: PLAN,
    tool_version: "1",
    manifest_digest: digestOf(
      "plan_tools",
      actions.map((action) => action.manifest_digest),
    ),
    effect: worstEffect(actions.map((action) => action.effect)),
    harm: HARMS.filter((harm) => actions.some((action) => action.harm.includes(harm))),
    arguments: { calls: calls.map((call) => ({ tool: call.tool, arguments: call.arguments })) },
  };
}
