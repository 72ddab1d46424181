// A call whose outcome a crash has hidden (invariant 2, at-most-once). What became of it is a fact that anybody who decides
// may look up and say. A second try is another matter: it is the call once more, so who has to agree to it is whom the
// rules want for the call, and a rule that forbids it by now wins over any yes (invariants 4 and 5).

import type { Decision } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import { actionDigest } from "../../core/decide/action-digest.ts";
import type { Assent } from "../../core/decide/policy-annotations.ts";
import { usesLeft } from "../../core/label/handles.ts";
import { type GateStep, isToolStep, type StepError, type ToolStep } from "../../core/run/journal.ts";
import type { ApprovalRecord } from "../../ports.ts";
import type { Write } from "../write.ts";
import { commitHeld, type Held, seenBy } from "../held.ts";
import { judge } from "../judge.ts";
import { readApproval } from "./dispatch.ts";
import { ANYBODY, doubtWrites } from "./gate.ts";
import { executeTool } from "./tool.ts";

export async function openDoubtGate(held: Held, step: ToolStep): Promise<boolean> {
  const wanted = secondTry(held, step);
  // Forbidden by now: there is no yes to be had, and what became of it can be said all the same.
  await commitHeld(held, doubtWrites(held, step, "denied" in wanted ? ANYBODY : wanted.requirement));
  return false;
}

export async function settleDoubt(held: Held, seq: number, gate: GateStep): Promise<boolean> {
  const outcome = gate.outcome;
  assert(outcome !== null, "a decided gate has an outcome");
  const comment = outcome.comment ?? "";
  if (outcome.answer === "denied" || outcome.answer === "expired") {
    const detail =
      outcome.answer === "denied"
        ? `Nobody knows whether it happened, and a person said not to try again. ${comment}`.trim()
        : "Nobody knows whether it happened, and nobody answered in time.";
    await commitHeld(held, [givenUp(seq, { code: "outcome_unknown", detail })]);
    return true;
  }
  const approval = await readApproval(held, gate);
  const spend: Write = { write: "approval_decided", approval, event: "spent", change: {} };
  if (outcome.answer === "confirmed") {
    const confirmed = {
      kind: "tool",
      output: `It did happen. ${comment}`.trim(),
      label: "untrusted",
    } as const;
    await commitHeld(held, [
      spend,
      { write: "step_closed", seq, state: "succeeded", outcome: confirmed, error: null },
    ]);
    return true;
  }
  return await tryAgain(held, seq, gate, approval);
}

async function tryAgain(held: Held, seq: number, gate: GateStep, approval: ApprovalRecord): Promise<boolean> {
  const doubtful = held.committed.journal[seq - 1];
  assert(doubtful !== undefined && isToolStep(doubtful), "only tool calls come into doubt");
  const spend: Write = { write: "approval_decided", approval, event: "spent", change: {} };
  if (!isApproved(held, doubtful, gate, approval)) {
    const detail = "The stored action is not the one that was approved.";
    await commitHeld(held, [spend, givenUp(seq, { code: "approval_broken", detail })]);
    return true;
  }
  const wanted = secondTry(held, doubtful);
  const withdraw: Write = { write: "approval_decided", approval, event: "cancelled", change: {} };
  if ("denied" in wanted) {
    const why = wanted.denied.map(({ detail }) => detail).join(" ");
    const detail = `Nobody knows whether it happened, and the rules forbid a second try by now. ${why}`;
    await commitHeld(held, [withdraw, givenUp(seq, { code: "denied", detail })]);
    return true;
  }
  if (!covers(approval.requirement, wanted.requirement)) {
    await commitHeld(held, [withdraw, ...doubtWrites(held, doubtful, wanted.requirement)]);
    return false;
  }
  await commitHeld(held, [spend, { write: "step_retried", seq, gateSeq: gate.seq }]);
  const step = held.committed.journal[seq - 1];
  assert(step !== undefined && isToolStep(step), "a step that is tried again is the same step");
  return await executeTool(held, step);
}

const givenUp = (seq: number, error: StepError): Write => ({
  write: "step_closed",
  seq,
  state: "failed",
  outcome: null,
  error,
});

// What is executed is what was approved: held against the rows as they are now, as at a first yes.
function isApproved(
  held: Held,
  step: ToolStep,
  gate: GateStep,
  { actionDigest: approved }: ApprovalRecord,
): boolean {
  const { action, judgement, precondition } = step.request;
  const { tenant, run } = held.fence;
  return (
    actionDigest(action, judgement?.labels ?? {}, precondition, { tenant, run, seq: gate.seq }) === approved
  );
}

type SecondTry = { readonly requirement: Assent } | { readonly denied: Decision["reasons"] };

/** What the rules want of the call as they are now, judged by what the run had seen when it was made. */
function secondTry(held: Held, step: ToolStep): SecondTry {
  const { action, judgement, compensates } = step.request;
  const tool = held.ports.tools.get(action.tool);
  // Whoever let a step happen let it be taken back. Without its tool nothing can be tried.
  if (compensates !== undefined || tool === undefined) return { requirement: ANYBODY };
  const uses = usesLeft(judgement?.handles ?? [], action.arguments, action.arguments);
  const seen = { ...seenBy(held), journal: held.committed.journal.slice(0, step.seq - 1) };
  const { verdict } = judge(held.ports.policies, seen, tool.manifest, action, uses);
  if (verdict.verdict === "deny") return { denied: [...verdict.reasons] };
  // As long as for any question of fact: nobody is hurried into saying what became of it.
  return {
    requirement: verdict.assent === null ? ANYBODY : { ...verdict.assent, timeoutMs: ANYBODY.timeoutMs },
  };
}

/** Whether whoever agreed under the one has agreed as the other wants it. */
function covers(given: Assent, wanted: Assent): boolean {
  const { approvers } = wanted;
  return (
    given.quorum >= wanted.quorum &&
    (given.separateDuties || !wanted.separateDuties) &&
    (approvers === undefined || given.approvers?.every((name) => approvers.includes(name)) === true)
  );
}
