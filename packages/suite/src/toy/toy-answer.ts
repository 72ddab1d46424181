// A person's answer to an open question of a driven run, taken in and told by its event.

import type { Actor, ApproveRequest, ProblemCode } from "@assent/contract";
import { addEvent, type Breaks, now, type ToyRun } from "./toy-run.ts";

type Said = { readonly approval: string; readonly status: "approved" | "denied" };

/** What follows from it is for whoever has put the question. */
export function answerOpen(
  toy: ToyRun,
  breaks: Breaks,
  by: Actor,
  word: ApproveRequest,
): Said | { readonly refused: ProblemCode } {
  const approval = toy.run.approvals.find(({ id }) => id === word.approval_id);
  if (approval?.status !== "open") return { refused: "approval_already_decided" };
  if (word.decision === "approve" && word.action_digest !== approval.action_digest)
    return { refused: "approval_digest_mismatch" };
  const status = word.decision === "deny" ? ("denied" as const) : ("approved" as const);
  const change = { status, decided_at: now(), decided_by: { id: by.id, name: by.name } };
  const approvals = toy.run.approvals.map((one) => (one.id === approval.id ? { ...one, ...change } : one));
  toy.run = { ...toy.run, approvals };
  addEvent(toy, breaks, status === "approved" ? "approval_approved" : "approval_denied", by);
  return { approval: approval.id, status };
}
