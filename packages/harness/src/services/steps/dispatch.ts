// From a person's yes to the call. The approved action and no other: spent and journaled as intended in one
// statement, then carried out. Between the yes and this the model is not asked again.

import type { Action, Decision } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import type { Sha256 } from "../../base/digest.ts";
import { agentVersion } from "../../core/agent.ts";
import { actionDigest, effectId } from "../../core/decide/action-digest.ts";
import { hasChanged, reask, type Reask } from "../../core/decide/reask.ts";
import { differenceLines } from "../../core/difference.ts";
import { usesLeft } from "../../core/label/handles.ts";
import type { GateStep, StepError } from "../../core/run/journal.ts";
import { destinationIn, manifestDigest } from "../../core/tool.ts";
import type { ApprovalRecord, Plan, Tool } from "../../ports.ts";
import type { Write } from "../write.ts";
import { commitHeld, currentAgentVersion, type Held, scopeOfNextStep, seenBy } from "../held.ts";
import { judge, type Judged } from "../judge.ts";
import { openGate } from "./gate.ts";
import { asTold, reasonOfUse } from "./handed.ts";
import { actionOf, contextOf, executeNewest, openToolStep } from "./tool.ts";

export async function dispatch(held: Held, callId: string, gate: GateStep): Promise<boolean> {
  const approval = await readApproval(held, gate);
  const approved = approval.editedAction ?? approval.action;
  const tool = held.ports.tools.get(approved.tool);
  const isWhole = brokenOf(held, gate, approval, approved) === null;
  const again = tool === undefined || !isWhole ? null : await lookAgain(held, approval, approved, tool);
  if (tool !== undefined && again !== null) return await askAgain(held, { callId, approval, tool, ...again });
  // Spent in the statement that journals the call: where the yes is not there any more, neither happens.
  const { isCalled, writes } = spendWrites(held, callId, gate, approval);
  await commitHeld(held, writes);
  return isCalled ? await executeNewest(held) : true;
}

type Spent = { readonly writes: readonly Write[]; readonly isCalled: boolean };

function spendWrites(held: Held, callId: string, gate: GateStep, approval: ApprovalRecord): Spent {
  const approved = approval.editedAction ?? approval.action;
  const error =
    brokenOf(held, gate, approval, approved) ??
    (held.ports.tools.get(approved.tool) === undefined ? TOOL_GONE : null);
  const parts = {
    callId,
    action: approved,
    judgement: approval.judgement,
    precondition: approval.precondition,
    decision: approval.decision,
    approvalId: approval.id,
    error,
  };
  return {
    isCalled: error === null,
    writes: [{ write: "approval_decided", approval, event: "spent", change: {} }, openToolStep(held, parts)],
  };
}

const TOOL_GONE: StepError = { code: "tool_changed", detail: "There is no such tool any more." };

// What is executed is what was approved: checked again at the last moment, against the rows as they are now.
function brokenOf(
  held: Held,
  gate: GateStep,
  { judgement, precondition, actionDigest: approved }: ApprovalRecord,
  action: Action,
): StepError | null {
  const { tenant, run } = held.fence;
  const scope = { tenant, run, seq: gate.seq };
  if (actionDigest(action, judgement.labels, precondition, scope) === approved) return null;
  return { code: "approval_broken", detail: "The stored action is not the one that was approved." };
}

type Again = {
  readonly action: Action;
  readonly judged: Judged;
  readonly reask: Exclude<Reask, { outcome: "unchanged" }>;
};

// The very call that was approved, as rules, tool and agent are now. Null: the yes stands.
async function lookAgain(
  held: Held,
  approval: ApprovalRecord,
  approved: Action,
  tool: Tool,
): Promise<Again | null> {
  const [asked, present] = pinned(held, approval, tool);
  if (!hasChanged(asked, present)) return null;
  const { ports } = held;
  const digest = present.manifestDigest;
  // The same tool elsewhere has the same action: the digest of where it goes stands beside it.
  const action = digest === approved.manifest_digest ? approved : actionOf(tool, approved.arguments);
  const uses = usesLeft(approval.judgement.handles ?? [], approval.action.arguments, action.arguments);
  const judged = judge(ports.policies, seenBy(held), tool.manifest, action, uses);
  const differences = {
    tool: action === approved ? [] : await toolDifference(held, approved, tool),
    agent: agentDifference(held),
  };
  const now = reask(asked, { ...present, verdict: judged.verdict }, differences);
  return now.outcome === "unchanged" ? null : { action, judged, reask: now };
}

/** Rules, tool and agent as whoever was asked could know them, and as they are now. */
function pinned(held: Held, approval: ApprovalRecord, tool: Tool): Parameters<typeof hasChanged> {
  const { committed, ports } = held;
  return [
    {
      policyVersion: approval.judgement.policyVersion,
      manifestDigest: (approval.editedAction ?? approval.action).manifest_digest,
      destination: destinationIn(approval.precondition),
      agentVersion: shownAgentVersion(approval, committed.run.agentVersion),
      requirement: approval.requirement,
    },
    {
      policyVersion: ports.policies.version,
      manifestDigest: manifestDigest(tool.manifest),
      destination: tool.destination ?? null,
      agentVersion: currentAgentVersion(held),
    },
  ];
}

/** Of the agent as whoever was asked could know it; a question that says nothing was asked under the run's own. */
export const shownAgentVersion = (
  { judgement }: Pick<ApprovalRecord, "judgement">,
  ofRun: Sha256,
): Sha256 | null => (judgement.agentVersion === undefined ? ofRun : judgement.agentVersion);

async function toolDifference(held: Held, approved: Action, tool: Tool): Promise<readonly string[]> {
  const before = await held.ports.store.transaction(
    held.fence.tenant,
    async (tx) => await tx.manifests.get(approved.manifest_digest),
  );
  return before === null ? ["How it was is not kept."] : differenceLines(before, tool.manifest);
}

function agentDifference({ definition, ports }: Held): readonly string[] {
  const now = ports.agents.get(definition.name);
  return now === undefined || agentVersion(now) === agentVersion(definition)
    ? []
    : differenceLines(definition, now);
}

type Withdrawn = Again & {
  readonly callId: string;
  readonly approval: ApprovalRecord;
  readonly tool: Tool;
};

async function askAgain(held: Held, withdrawn: Withdrawn): Promise<boolean> {
  const { callId, approval, action, judged, reask: now } = withdrawn;
  const { judgement, verdict } = judged;
  const withdraw: Write = { write: "approval_decided", approval, event: "cancelled", change: {} };
  const refuse = async (decision: Decision, error: StepError): Promise<boolean> => {
    const parts = { callId, action, judgement, precondition: null, decision, approvalId: approval.id, error };
    await commitHeld(held, [withdraw, openToolStep(held, parts)]);
    return true;
  };
  if (now.outcome === "denied") {
    const reasons = [...now.reasons];
    const why = reasons.map((reason) => reason.detail).join(" ");
    const detail = `What it rests on has changed since this was approved. ${why}`;
    return await refuse({ verdict: "deny", reasons }, { code: "denied", detail });
  }
  const handed = (judgement.handles ?? []).map((use) => reasonOfUse(held, use));
  const reasons = [...now.reasons, ...verdict.reasons, ...handed];
  const decision: Decision = { verdict: "needs_approval", reasons };
  const plan = await planAgain(held, withdrawn);
  if ("code" in plan) {
    const told = asTold({ verdict: "deny", reasons }, plan, judgement.handles ?? []);
    return await refuse(told.decision, told.error);
  }
  const question = { callId, action, judgement, decision, requirement: now.requirement, plan };
  return await openGate(held, { ...question, advice: approval.advice }, [withdraw]);
}

const WHAT_CHANGED: Readonly<Record<string, string>> = {
  rules_changed: "the rules have changed",
  tool_changed: "the tool has changed",
  tool_moved: "its calls go elsewhere",
  agent_changed: "the agent has changed",
};

// A changed tool reads the arguments anew: they may not fit it, or mean something else to it. One that moved says where.
async function planAgain(
  held: Held,
  { approval, action, tool, reask: now }: Withdrawn,
): Promise<Plan | StepError> {
  const { summary, preview, precondition } = approval;
  const isSame =
    manifestDigest(tool.manifest) === (approval.editedAction ?? approval.action).manifest_digest &&
    destinationIn(precondition) === (tool.destination ?? null);
  using context = contextOf(held, effectId(action, scopeOfNextStep(held)));
  const planned = isSame
    ? ({ ok: true, value: { summary, preview, precondition } } as const)
    : await tool.plan(action.arguments, context);
  if (!planned.ok) return planned.error;
  const codes = now.reasons.map(({ code }) => WHAT_CHANGED[code] ?? code);
  return {
    ...planned.value,
    summary: `${withoutNote(planned.value.summary)} (asked again: ${codes.join(", ")} since it was approved)`,
  };
}

const withoutNote = (summary: string): string => summary.replace(/ \(asked again: [^()]*\)$/u, "");

/** As it was when this worker took the run up for it, or as it is now. */
export async function readApproval(
  { ports, fence, given }: Held,
  { approvalId }: GateStep,
): Promise<ApprovalRecord> {
  assert(approvalId !== null, "a gate names its approval");
  if (given?.id === approvalId) return given;
  const approval = await ports.store.transaction(
    fence.tenant,
    async (tx) => await tx.approvals.find(approvalId),
    { isRepeatable: true },
  );
  assert(approval !== null && approval.run === fence.run, "a gate's approval is the run's own");
  return approval;
}
