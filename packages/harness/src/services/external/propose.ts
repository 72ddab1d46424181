// A driver asks whether a call may be made. This is the gate of driven runs: whatever is permitted has passed here.

import type { ActionAnswer, ActionId, Decision, ProposedAction } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { actionDigest, effectId } from "../../core/decide/action-digest.ts";
import { type ExternalTool, externalAction } from "../../core/external.ts";
import { isGateStep, isToolStep, type Judged, type JournalStep } from "../../core/run/journal.ts";
import type { ApprovalId } from "@assent/contract";
import type { Refusal } from "../harness.ts";
import type { Write } from "../commit.ts";
import { actionAnswer } from "./answer.ts";
import { newUuid, openQuestion } from "./ask.ts";
import { commitDriven, type Hold, nextSeq, refuseSteps } from "./drive.ts";
import { judge, type Judgement } from "./judge.ts";
import { findPlanned } from "./plan-match.ts";
import { inputFault, toolOf } from "./state.ts";

export async function proposeAction(
  hold: Hold,
  proposed: ProposedAction,
): Promise<Result<ActionAnswer, Refusal>> {
  // One for the question and one for the call that follows it.
  const full = refuseSteps(hold, 2);
  if (full !== null) return err(full);
  const { state, ports } = hold;
  const tool = toolOf(state, proposed.tool);
  const args = proposed.arguments;
  const planned = findPlanned(state, tool.name, args);
  const judgement = refuseUnfit(
    hold,
    tool,
    args,
    judge(ports, state, hold.committed.run, { tool, args, planned }),
  );
  const id: ActionId = `act_${newUuid(hold).replaceAll("-", "")}`;
  const { decision, judged } = judgement;
  if (decision.verdict === "needs_approval") await askAbout(hold, id, tool, args, judgement);
  else await commitDriven(hold, [openCall(hold, { id, tool, args, decision, judged, approvalId: null })]);
  return ok(actionAnswer(id, newest(hold.committed.journal), false));
}

// Also where the rules would permit it: what the tool cannot take is no call.
function refuseUnfit(
  { state }: Hold,
  tool: ExternalTool,
  args: ProposedAction["arguments"],
  judgement: Judgement,
): Judgement {
  const deny = (code: string, detail: string): Judgement => ({
    ...judgement,
    decision: { verdict: "deny", reasons: [{ code, detail }] },
  });
  if (!state.tools.has(tool.name))
    return deny("unknown_tool", "The run was submitted without a tool of this name.");
  const fault = inputFault(state, tool, args);
  return fault === null ? judgement : deny("invalid_arguments", fault);
}

async function askAbout(
  hold: Hold,
  id: ActionId,
  tool: ExternalTool,
  args: ProposedAction["arguments"],
  { decision, judged }: Judgement,
): Promise<void> {
  const harms = tool.harm.length === 0 ? "no declared harm" : `harm: ${tool.harm.join(", ")}`;
  const doubtful = Object.values(judged.labels).filter(({ origin }) => origin === "untrusted").length;
  await openQuestion(hold, {
    callId: id,
    name: tool.name,
    action: externalAction(tool, args),
    summary: `An agent loop outside wants to call ${tool.name} (${harms}); values out of untrusted text: ${doubtful}.`,
    preview: null,
    decision,
    // A call that a person is asked about is judged by that person, not by an earlier plan.
    judged: { ...judged, planned: null },
  });
}

export type Call = {
  readonly id: ActionId;
  readonly tool: ExternalTool;
  readonly args: Readonly<Record<string, unknown>>;
  readonly decision: Decision;
  readonly judged: Judged;
  readonly approvalId: ApprovalId | null;
};

/** The next step: a call that is permitted, which only a report closes, or one that is refused for good. */
export function openCall(hold: Hold, { id, tool, args, decision, judged, approvalId }: Call): Write {
  assert(decision.verdict !== "needs_approval", "what a person is asked about is no call yet");
  const action = externalAction(tool, args);
  const { tenant, id: run } = hold.committed.run;
  const scope = { tenant, run, seq: nextSeq(hold) };
  const permitted = decision.verdict === "permit";
  return {
    write: "step_opened",
    step: {
      kind: "tool",
      name: tool.name,
      state: permitted ? "intended" : "refused",
      effect: tool.effect,
      request: {
        kind: "tool",
        callId: id,
        action,
        actionDigest: actionDigest(action, null, scope),
        effectId: effectId(action, scope),
        precondition: null,
        // Only a call that is made uses up its place in a plan.
        judged: permitted ? judged : { ...judged, planned: null },
      },
      decision,
      approvalId,
      outcome: null,
      error: permitted
        ? null
        : { code: "denied", detail: decision.reasons.map((reason) => reason.detail).join(" ") },
    },
  };
}

function newest(journal: readonly JournalStep[]): Parameters<typeof actionAnswer>[1] {
  const step = journal.at(-1);
  assert(step !== undefined && (isToolStep(step) || isGateStep(step)), "an action was just journaled");
  return isToolStep(step) ? { tool: step, gate: null } : { tool: null, gate: step };
}
