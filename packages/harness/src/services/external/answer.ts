// What a driver is told of an action, out of the journal alone: the same however often it asks.

import type { ActionAnswer, ActionId, Decision } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import { toldLabels } from "../../core/decide/decision-record.ts";
import type { Judgement } from "../../core/decide/judgement.ts";
import type { GateStep, ToolStep } from "../../core/run/journal.ts";
import type { FoundAction } from "./state.ts";

type Reasons = Decision["reasons"];

const RUN_FINISHED: Reasons = [
  { code: "run_finished", detail: "The run has ended; nothing of it may be done any more." },
];

/** @param ended the run is over: no permit is one any more, whether it was used or not */
export function actionAnswer(id: ActionId, { gate, tool }: FoundAction, ended: boolean): ActionAnswer {
  if (tool !== null) return answerOfCall(id, tool, ended);
  assert(gate !== null, "an action has a step");
  const head = headOf(id, gate.request.judgement ?? null);
  const reasons = gate.decision?.reasons ?? [];
  const approval = gate.approvalId === null ? {} : { approval_id: gate.approvalId };
  if (gate.state === "intended" && !ended)
    return { ...head, decision: "needs_approval", ...approval, reasons };
  return { ...head, decision: "deny", ...approval, reasons: ended ? RUN_FINISHED : refusalOf(gate) };
}

function answerOfCall(id: ActionId, tool: ToolStep, ended: boolean): ActionAnswer {
  const head = headOf(id, tool.request.judgement);
  const approval = tool.approvalId === null ? {} : { approval_id: tool.approvalId };
  const reasons = tool.decision?.reasons ?? [];
  if (tool.state === "refused") return { ...head, decision: "deny", ...approval, reasons };
  // What was reported is done, and may have been taken back: who asks once more would do it once more.
  if (ended) return { ...head, decision: "deny", ...approval, reasons: RUN_FINISHED };
  const { effectId, judgement, action } = tool.request;
  // What a handle stood for, for the driver: what is carried out is what was judged, to the byte.
  const resolved = judgement?.handles === undefined ? {} : { arguments: action.arguments };
  return { ...head, decision: "permit", ...approval, reasons, effect_id: effectId, ...resolved };
}

function headOf(
  id: ActionId,
  judgement: Judgement | null,
): Pick<ActionAnswer, "action_id" | "labels" | "tainted" | "planned"> {
  assert(judgement !== null, "a driven run's calls are journaled with what they were judged on");
  return {
    action_id: id,
    labels: toldLabels(judgement.labels),
    tainted: judgement.tainted,
    planned: judgement.planned,
  };
}

function refusalOf({ outcome }: GateStep): Reasons {
  if (outcome?.answer === "denied")
    return [{ code: "approval_denied", detail: outcome.comment ?? "A person denied it." }];
  return [{ code: "approval_expired", detail: "Nobody decided in time; that counts as a denial." }];
}
