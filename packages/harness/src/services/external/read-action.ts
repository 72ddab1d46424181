// A driver asks what became of its question. The first answer after a person's yes turns it into the one permit.

import type { ActionAnswer, ActionId, Decision } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import { EXTERNAL_WAITS_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { actionDigest } from "../../core/decide/action-digest.ts";
import type { GateStep } from "../../core/run/journal.ts";
import { isTerminal } from "../../core/run/run.ts";
import type { ApprovalRecord } from "../../ports.ts";
import type { ActionRead, Refusal } from "../harness.ts";
import { actionAnswer } from "./answer.ts";
import { ACTION_NOT_FOUND, commitDriven, type DrivePorts, type Hold, withHold } from "./drive.ts";
import { judgeAgain } from "./judge.ts";
import { openCall } from "./propose.ts";
import { findAction, isSameTool, toolOf } from "./state.ts";

export type Waits = { open: number };

export async function readAction(
  ports: DrivePorts,
  waits: Waits,
  { caller, run, action, waitMs, signal }: ActionRead,
): Promise<Result<ActionAnswer, Refusal>> {
  const over = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
  const mayWait = waitMs > 0 && waits.open < EXTERNAL_WAITS_MAX;
  if (mayWait) waits.open += 1;
  try {
    for (;;) {
      const read = await withHold(ports, caller, run, async (hold) => await readOnce(hold, action));
      if (!read.ok) return read;
      const { answer, version } = read.value;
      if (answer.decision !== "needs_approval" || !mayWait || over.aborted) return ok(answer);
      await ports.watch.wait(caller.tenant, run, version, over);
    }
  } finally {
    if (mayWait) waits.open -= 1;
  }
}

type Once = { readonly answer: ActionAnswer; readonly version: number };

async function readOnce(hold: Hold, id: ActionId): Promise<Result<Once, Refusal>> {
  const found = findAction(hold.state, id);
  if (found === null) return err(ACTION_NOT_FOUND);
  const ended = isTerminal(hold.committed.run.state);
  const { gate, tool } = found;
  const isApproved = gate?.outcome?.answer === "approved";
  if (gate === null || tool !== null || !isApproved || ended)
    return ok({ answer: actionAnswer(id, found, ended), version: hold.committed.run.version });
  await dispatch(hold, id, gate);
  const call = hold.committed.journal.at(-1);
  assert(call?.request.kind === "tool", "the approved call was just journaled");
  const answer = actionAnswer(id, { gate, tool: { ...call, request: call.request, outcome: null } }, false);
  return ok({ answer, version: hold.committed.run.version });
}

// The approval is spent in the transaction that journals the call (invariant 5, assent is exact and used once); what
// is permitted is what stands in the approval's own row, under the digest computed anew.
async function dispatch(hold: Hold, id: ActionId, gate: GateStep): Promise<void> {
  const { tx, state } = hold;
  const { run } = hold.committed;
  const approval = gate.approvalId === null ? null : await tx.approvals.find(gate.approvalId);
  const { judged } = gate.request;
  assert(approval !== null && judged !== undefined, "a driven run's question has its approval");
  const tool = toolOf(state, approval.action.tool);
  const args = approval.action.arguments;
  const decision = decisionNow(hold, approval, gate);
  const permitted = decision.verdict === "permit";
  await commitDriven(hold, [
    { write: "approval_decided", approval, event: permitted ? "spent" : "cancelled", change: {} },
    openCall(hold, { id, tool, args, decision, judged, approvalId: approval.id }),
  ]);
  assert(run.id === approval.run, "an approval is of the run whose gate names it");
}

function decisionNow(hold: Hold, approval: ApprovalRecord, gate: GateStep): Decision {
  const { state, ports } = hold;
  const { run } = hold.committed;
  const tool = toolOf(state, approval.action.tool);
  const digest = actionDigest(approval.action, approval.precondition, {
    tenant: run.tenant,
    run: run.id,
    seq: gate.seq,
  });
  if (approval.state !== "approved" || digest !== approval.actionDigest || approval.editedAction !== null)
    return deny("approval_mismatch", "What was approved is not what waits.");
  if (!isSameTool(tool, approval.action.manifest_digest))
    return deny("tool_changed", "The tool is not the one that was approved.");
  const { judged } = gate.request;
  if (judged !== undefined && judged.policyVersion !== ports.policies.version) {
    const ruling = judgeAgain(ports, state, run, { tool, args: approval.action.arguments }, judged);
    if (ruling.decision.verdict === "deny") return ruling.decision;
  }
  const by = approval.decidedBy === null ? "A person" : approval.decidedBy.name;
  return { verdict: "permit", reasons: [{ code: "approved", detail: `${by} approved exactly this call.` }] };
}

const deny = (code: string, detail: string): Decision => ({ verdict: "deny", reasons: [{ code, detail }] });
