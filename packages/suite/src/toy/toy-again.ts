// What toys make of a word on a question that is answered already.

import type { Actor, ApproveRequest } from "@assent/contract";
import { addEvent, type Breaks, moveTo, type ToyRun } from "./toy-run.ts";

/** @returns whether it is taken */
export function takesAgain(breaks: Breaks, toy: ToyRun, request: ApproveRequest, by: Actor): boolean {
  const cancelled = toy.run.status === "cancelled";
  if (breaks.has("apr.again") && request.decision === "approve" && !cancelled) {
    addEvent(toy, breaks, "approval_approved", toy.run.requested_by);
    return true;
  }
  if (breaks.has("apr.late") && toy.run.status === "failed") return true;
  if (breaks.has("apr.vote") && request.decision === "deny") return true;
  const isOthers = toy.run.approvals[0]?.decided_by?.id !== by.id;
  if (breaks.has("vote.each") && isOthers) return true;
  if (breaks.has("gate.deaf") && cancelled) {
    moveTo(toy, breaks, "running", "run_leased", null);
    return true;
  }
  return false;
}
