// A driver asks whether a call may be made. This is the gate of driven runs: whatever is permitted has passed here.

import type { ActionAnswer, ActionId, Advice, ApprovalId, Decision, ProposedAction } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { actionDigest, effectId } from "../../core/decide/action-digest.ts";
import type { Judgement } from "../../core/decide/judgement.ts";
import type { Assent } from "../../core/decide/policy-annotations.ts";
import { type ExternalTool, externalAction } from "../../core/external.ts";
import { isGateStep, isToolStep, type JournalStep, type PlannedPlace } from "../../core/run/journal.ts";
import type { Write } from "../write.ts";
import type { Refusal } from "../harness.ts";
import { askAheadIn } from "../ask-ahead.ts";
import { consult, mayGiveYes } from "../precedents.ts";
import { actionAnswer } from "./answer.ts";
import { newUuid, openQuestion } from "./ask.ts";
import { commitDriven, type Hold, nextSeq, refuseSteps } from "./drive.ts";
import { judge, type Judged } from "./judge.ts";
import { findPlanned } from "./plan-match.ts";
import { resolveKept } from "./kept.ts";
import { inputFault, toolOf } from "./state.ts";

export async function proposeAction(
  hold: Hold,
  proposed: ProposedAction,
): Promise<Result<ActionAnswer, Refusal>> {
  // One for the question and one for the call that follows it.
  const full = refuseSteps(hold, 2);
  if (full !== null) return err(full);
  const { state, ports } = hold;
  // A name that nobody declared is the model's own words, and goes into the journal's view, the trail and every label.
  const isDeclared = state.tools.has(proposed.tool);
  const tool = toolOf(state, isDeclared ? proposed.tool : ports.redaction.redactText(proposed.tool));
  const resolved = resolveKept(state, proposed.arguments);
  const { args, uses } = resolved.ok ? resolved.value : { args: {}, uses: [] };
  const place = resolved.ok ? findPlanned(state, tool.name, args) : null;
  const call = { tool, args, uses, planned: place !== null };
  const fault = resolved.ok ? inputFault(state, tool, args) : resolved.error;
  const judged = refuseUnfit(hold, tool, fault, judge(ports.policies, state, hold.committed.run, call));
  const id: ActionId = `act_${newUuid(hold).replaceAll("-", "")}`;
  const { decision, judgement, requirement } = judged;
  const settled =
    requirement === null
      ? { decision, place }
      : await askOrRepeat(hold, { id, tool, args, decision, judgement, requirement });
  if (settled !== null) {
    const { decision: final, place: planned } = settled;
    await commitDriven(hold, [
      openCall(hold, { id, tool, args, decision: final, judgement, planned, approvalId: null }),
    ]);
  }
  return ok(actionAnswer(id, newest(hold.committed.journal), false));
}

// Also where the rules would permit it: what the tool cannot take is no call.
function refuseUnfit({ state }: Hold, tool: ExternalTool, fault: string | null, judged: Judged): Judged {
  const deny = (code: string, detail: string): Judged => ({
    ...judged,
    decision: { verdict: "deny", reasons: [{ code, detail }] },
    requirement: null,
  });
  if (!state.tools.has(tool.name))
    return deny("unknown_tool", "The run was submitted without a tool of this name.");
  return fault === null ? judged : deny("invalid_arguments", fault);
}

export type Asking = {
  readonly id: ActionId;
  readonly tool: ExternalTool;
  readonly args: Readonly<Record<string, unknown>>;
  readonly decision: Decision;
  readonly judgement: Judgement;
  readonly requirement: Assent;
};

// A rule wants a person's word. One who gave it for exactly this question, to be given again, is not asked twice.
// Null: a person is asked.
async function askOrRepeat(
  hold: Hold,
  asking: Asking,
): Promise<{ readonly decision: Decision; readonly place: null } | null> {
  const { tool, args, judgement, decision, requirement } = asking;
  const action = externalAction(tool, args);
  const asked = { run: hold.committed.run, action, judgement, precondition: null };
  // A standing answer that could not be used is not asked for: the memory must not count what did not happen.
  const noted =
    hold.looksAhead && mayGiveYes(requirement, asked) ? await askAheadIn(hold.tx, asked, hold.now) : null;
  if (noted !== null) {
    await askAbout(hold, asking, [], [{ write: "question_noted", noted }]);
    return null;
  }
  const consulted = await consult(hold.tx, asked, hold.now, {
    requirement,
    reasons: decision.reasons,
    rules: hold.ports.policies.rules,
  });
  if (consulted.answer === null) {
    const { advice, reasons } = consulted;
    const shown = { ...decision, reasons: [...decision.reasons, ...reasons] };
    await askAbout(hold, { ...asking, decision: shown }, advice);
    return null;
  }
  const reason = { code: "precedent", policy: consulted.precedentId, detail: consulted.explanation };
  const verdict = consulted.answer === "approve" ? "permit" : "deny";
  return { decision: { verdict, reasons: [...decision.reasons, reason] }, place: null };
}

/** @param before what belongs in the same transaction, such as the end of an earlier question */
export async function askAbout(
  hold: Hold,
  asking: Asking,
  advice: readonly Advice[],
  before: readonly Write[] = [],
): Promise<void> {
  const { id, tool, args, decision, judgement, requirement } = asking;
  const harms = tool.harm.length === 0 ? "no declared harm" : `harm: ${tool.harm.join(", ")}`;
  const doubtful = Object.values(judgement.labels).filter(({ origin }) => origin === "untrusted").length;
  const question = {
    callId: id,
    name: tool.name,
    action: externalAction(tool, args),
    summary: `An agent loop outside wants to call ${tool.name} (${harms}); values out of untrusted text: ${doubtful}.${takingBack(tool)}`,
    preview: null,
    decision,
    judgement,
    requirement,
    advice,
  };
  await openQuestion(hold, question, before);
}

const takingBack = ({ compensation }: ExternalTool): string =>
  compensation === undefined
    ? ""
    : ` Taken back by ${compensation.by === "driver" ? "the agent loop" : "the harness"} if the run fails: ${compensation.description}`;

export type Call = {
  readonly id: ActionId;
  readonly tool: ExternalTool;
  readonly args: Readonly<Record<string, unknown>>;
  readonly decision: Decision;
  readonly judgement: Judgement;
  readonly planned: PlannedPlace | null;
  readonly approvalId: ApprovalId | null;
};

/** The next step: a call that is permitted, which only a report closes, or one that is refused for good. */
export function openCall(hold: Hold, call: Call): Write {
  const { id, tool, args, decision, judgement, planned, approvalId } = call;
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
        judgement,
        actionDigest: actionDigest(action, judgement.labels, null, scope),
        effectId: effectId(action, scope),
        precondition: null,
        // Only a call that is made takes its place in a plan.
        ...(permitted && planned !== null ? { planned } : {}),
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

/** The action that was journaled last. */
export function newest(journal: readonly JournalStep[]): Parameters<typeof actionAnswer>[1] {
  const step = journal.at(-1);
  assert(step !== undefined && (isToolStep(step) || isGateStep(step)), "an action was just journaled");
  return isToolStep(step) ? { tool: step, gate: null } : { tool: null, gate: step };
}
