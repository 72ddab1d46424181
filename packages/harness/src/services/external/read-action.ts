// A driver asks what became of its question. The first answer after a person's yes turns it into the one permit.

import { deadline } from "../deadline.ts";
import {
  type ActionAnswer,
  type ActionId,
  actionAnswerSchema,
  actionIdSchema,
  type Decision,
} from "@assent/contract";
import { assert } from "../../base/assert.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { actionDigest } from "../../core/decide/action-digest.ts";
import type { ExternalTool } from "../../core/external.ts";
import type { GateStep } from "../../core/run/journal.ts";
import { openRollback } from "../../core/run/rollback.ts";
import { isTerminal } from "../../core/run/run.ts";
import type { ApprovalRecord, Caller } from "../../ports.ts";
import type { Write } from "../write.ts";
import type { ActionRead, DriverCall, Once, Refusal } from "../harness.ts";
import { actionAnswer } from "./answer.ts";
import { ACTION_NOT_FOUND, commitDriven, type DrivePorts, type Hold, withHold } from "./drive.ts";
import { judge, type Judged } from "./judge.ts";
import { askAbout, newest, openCall } from "./propose.ts";
import { type DrivenRun, findAction, isSameTool, toolOf } from "./state.ts";
import type { Waits } from "./waits.ts";

export async function readAction(
  ports: DrivePorts,
  waits: Waits,
  { caller, run, action, waitMs, signal }: ActionRead,
): Promise<Result<ActionAnswer, Refusal>> {
  using place = waitMs > 0 ? waits.take(caller.tenant) : null;
  using limit = deadline(waitMs, signal, ...(place === null ? [] : [place.given]));
  const over = limit.signal;
  // What this process has just told its driver need not be read before it waits, only after.
  const known = place === null ? null : ports.memory.peek(caller.tenant, run);
  if (known !== null && isWaiting(known, caller, action))
    await ports.watch.wait(caller.tenant, run, known.version, over, "driver");
  for (;;) {
    const read = await withHold(ports, caller, run, async (hold) => await readOnce(hold, action));
    if (!read.ok) return read;
    const { answer, version } = read.value;
    if (answer.decision !== "needs_approval" || place === null || over.aborted) return ok(answer);
    await ports.watch.wait(caller.tenant, run, version, over, "driver");
  }
}

function isWaiting(known: DrivenRun, caller: Caller, action: ActionId): boolean {
  const found = known.driver === caller.actor.id ? findAction(known, action) : null;
  return found?.tool === null && found.gate?.state === "intended";
}

/**
 * A repeat of a proposal gets the answer that was given first. But whoever repeats it has not had that answer, and would
 * act on it now: where it was a permit, and the run has ended meanwhile, it is none any more.
 */
export async function unlessEnded(ports: DrivePorts, { caller, run }: DriverCall, once: Once): Promise<Once> {
  if (!once.replayed || !once.answer.ok) return once;
  const kept = actionAnswerSchema.parse(JSON.parse(once.answer.value.body));
  if (kept.decision !== "permit") return once;
  const id = actionIdSchema.parse(kept.action_id);
  const now = await withHold(ports, caller, run, async (hold) => {
    const found = findAction(hold.state, id);
    if (found === null || !isOver(hold)) return await Promise.resolve(ok(null));
    return ok(actionAnswer(id, found, true));
  });
  if (!now.ok) return { answer: now, replayed: true };
  if (now.value === null) return once;
  return { answer: ok({ ...once.answer.value, body: JSON.stringify(now.value) }), replayed: true };
}

const isOver = ({ committed: { run, journal } }: Hold): boolean =>
  isTerminal(run.state) || openRollback(journal) !== undefined;

type Read = { readonly answer: ActionAnswer; readonly version: number };

async function readOnce(hold: Hold, id: ActionId): Promise<Result<Read, Refusal>> {
  const found = findAction(hold.state, id);
  if (found === null) return err(ACTION_NOT_FOUND);
  const ended = isOver(hold);
  const { gate, tool } = found;
  const isApproved = gate?.outcome?.answer === "approved";
  if (gate === null || tool !== null || !isApproved || ended)
    return ok({ answer: actionAnswer(id, found, ended), version: hold.committed.run.version });
  await dispatch(hold, id, gate);
  const answer = actionAnswer(id, newest(hold.committed.journal), false);
  return ok({ answer, version: hold.committed.run.version });
}

// The approval is spent in the transaction that journals the call (invariant 5, assent is exact and used once); what
// is permitted is what stands in the approval's own row, under the digest computed anew.
async function dispatch(hold: Hold, id: ActionId, gate: GateStep): Promise<void> {
  const approval = gate.approvalId === null ? null : await hold.tx.approvals.find(gate.approvalId);
  assert(
    approval !== null && approval.run === hold.committed.run.id,
    "a question of a driven run has its approval",
  );
  const tool = toolOf(hold.state, approval.action.tool);
  const args = approval.action.arguments;
  const withdraw: Write = { write: "approval_decided", approval, event: "cancelled", change: {} };
  const broken = faultOf(hold, approval, gate, tool);
  const now = broken === null ? changeOfRules(hold, approval, tool) : null;
  if (now !== null && now.requirement !== null) {
    const { decision, judgement, requirement } = now;
    await askAbout(hold, { id, tool, args, decision, judgement, requirement }, [], [withdraw]);
    return;
  }
  const decision = broken ?? now?.decision ?? approvedBy(approval);
  const before: Write =
    decision.verdict === "permit"
      ? { write: "approval_decided", approval, event: "spent", change: {} }
      : withdraw;
  const { judgement } = now ?? approval;
  const call = { id, tool, args, decision, judgement, planned: null, approvalId: approval.id };
  await commitDriven(hold, [before, openCall(hold, call)]);
}

function faultOf(
  { committed: { run } }: Hold,
  approval: ApprovalRecord,
  gate: GateStep,
  tool: ExternalTool,
): Decision | null {
  const scope = { tenant: run.tenant, run: run.id, seq: gate.seq };
  const digest = actionDigest(approval.action, approval.judgement.labels, approval.precondition, scope);
  if (approval.state !== "approved" || digest !== approval.actionDigest || approval.editedAction !== null)
    return deny("approval_broken", "The stored action is not the one that was approved.");
  if (!isSameTool(tool, approval.action.manifest_digest))
    return deny("tool_changed", "The tool is not the one that was approved.");
  return null;
}

// A yes was given under the rules of its time. Null: those rules, or others that want no more of this call.
function changeOfRules(
  { ports, state, committed }: Hold,
  approval: ApprovalRecord,
  tool: ExternalTool,
): Judged | null {
  if (approval.judgement.policyVersion === ports.policies.version) return null;
  const uses = approval.judgement.handles ?? [];
  const call = { tool, args: approval.action.arguments, planned: false, uses };
  const now = judge(ports.policies, state, committed.run, call);
  if (now.decision.verdict === "permit") return null;
  const same =
    now.requirement !== null && canonicalJson(now.requirement) === canonicalJson(approval.requirement);
  return same ? null : now;
}

function approvedBy({ decidedBy }: ApprovalRecord): Decision {
  const detail = `${decidedBy === null ? "A person" : decidedBy.name} approved exactly this call.`;
  return { verdict: "permit", reasons: [{ code: "approved", detail }] };
}

const deny = (code: string, detail: string): Decision => ({ verdict: "deny", reasons: [{ code, detail }] });
