// What toys make of a word on a question that is answered already.

import type { Actor, ApproveRequest } from "@assent/contract";
import type { Decided, ToyRefusal } from "./toy-harness.ts";
import { addEvent, type Breaks, moveTo, type ToyRun } from "./toy-run.ts";

export function decideAgain(
  breaks: Breaks,
  toy: ToyRun,
  request: ApproveRequest,
  by: Actor,
): ToyRefusal | Decided {
  const cancelled = toy.run.status === "cancelled";
  if (breaks.has("apr.again") && request.decision === "approve" && !cancelled) {
    addEvent(toy, breaks, "approval_approved", toy.run.requested_by);
    return { toy };
  }
  if (breaks.has("apr.late") && toy.run.status === "failed") return { toy };
  if (breaks.has("apr.vote") && request.decision === "deny") return { toy };
  const isOthers = toy.run.approvals[0]?.decided_by?.id !== by.id;
  if (breaks.has("vote.each") && isOthers) return { toy };
  if (breaks.has("gate.deaf") && cancelled) {
    moveTo(toy, breaks, "running", "run_leased", null);
    return { toy };
  }
  return { refused: "approval_already_decided" };
}
