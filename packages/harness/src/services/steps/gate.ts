import { type Action, type Advice, type Decision, idFromUuid } from "@assent/contract";
import { APPROVAL_LIFETIME_HOURS } from "../../base/limits.ts";
import { assert } from "../../base/assert.ts";
import { actionDigest } from "../../core/decide/action-digest.ts";
import type { Judgement } from "../../core/decide/judgement.ts";
import type { Assent } from "../../core/decide/policy-annotations.ts";
import type { StepError, ToolStep } from "../../core/run/journal.ts";
import { uuidV7 } from "../../core/uuid.ts";
import type { NewApproval, Plan } from "../../ports.ts";
import type { Write } from "../write.ts";
import { commitHeld, currentAgentVersion, type Held, scopeOfNextStep } from "../held.ts";

export type Question = {
  readonly callId: string;
  readonly action: Action;
  readonly judgement: Judgement;
  readonly decision: Decision;
  readonly requirement: Assent;
  readonly plan: Plan;
  readonly advice: readonly Advice[];
};

/**
 * Opens an approval for one exact action and parks the run: no worker is held while a person thinks.
 * @param before what belongs in the same transaction, such as the end of an earlier question
 */
export async function openGate(
  held: Held,
  question: Question,
  before: readonly Write[] = [],
): Promise<false> {
  await commitHeld(held, gateWrites(held, question, before));
  return false;
}

export function gateWrites(held: Held, question: Question, before: readonly Write[] = []): readonly Write[] {
  const { callId, action, judgement, decision, requirement, plan, advice } = question;
  const { summary, preview, precondition } = plan;
  const asked: Asked = {
    subject: "action",
    action,
    judgement,
    requirement,
    advice,
    summary,
    preview,
    precondition,
    decision,
  };
  return park(held, { callId, doubtfulSeq: null }, asked, before);
}

/**
 * Asks what became of a call whose outcome a crash has hidden.
 * @param requirement who has to agree to a second try
 */
export function doubtWrites(held: Held, step: ToolStep, requirement: Assent): readonly Write[] {
  const { action, judgement, precondition, callId } = step.request;
  assert(judgement !== null, "only a judged call is ever made");
  return park(
    held,
    { callId, doubtfulSeq: step.seq },
    {
      subject: "in_doubt",
      action,
      judgement,
      requirement,
      advice: [],
      summary: `Step ${step.seq} called ${action.tool}, and nobody knows whether it happened. Look, then: approve to try again, confirm if it happened, deny to give it up.`,
      preview: null,
      precondition,
      decision: {
        verdict: "needs_approval",
        reasons: [
          {
            code: "outcome_unknown",
            policy: "at_most_once",
            detail: step.error?.detail ?? "The outcome is unknown, and the effect must not happen twice.",
          },
        ],
      },
    },
  );
}

/** Asks how a run is to go on whose copy is lost with what this step did there. */
export async function openLossGate(
  held: Held,
  step: ToolStep,
  reason: StepError,
  before: readonly Write[],
): Promise<void> {
  const { action, judgement, precondition, callId } = step.request;
  assert(judgement !== null, "only a judged call is ever made");
  const asked: Asked = {
    subject: "in_doubt",
    action,
    judgement,
    requirement: ANYBODY,
    advice: [],
    summary: `The run's copy of its workspace is lost, and what step ${step.seq} (${action.tool}) did there is not done again by itself. Approve to do it again on a fresh copy, confirm to go on without it, deny to end the run.`,
    preview: null,
    precondition,
    decision: { verdict: "needs_approval", reasons: [{ code: reason.code, detail: reason.detail }] },
  };
  await commitHeld(held, park(held, { callId, doubtfulSeq: step.seq }, asked, before, reason.code));
}

type Asked = Pick<
  NewApproval,
  | "subject"
  | "action"
  | "judgement"
  | "requirement"
  | "advice"
  | "summary"
  | "preview"
  | "precondition"
  | "decision"
>;

/** What became of a call is a fact to look up; whoever may decide at all may say it. */
export const ANYBODY: Assent = {
  quorum: 1,
  separateDuties: false,
  timeoutMs: APPROVAL_LIFETIME_HOURS * 3_600_000,
  onTimeout: "deny",
};

function park(
  held: Held,
  about: { readonly callId: string; readonly doubtfulSeq: number | null },
  asked: Asked,
  before: readonly Write[] = [],
  code = "approval_needed",
): readonly Write[] {
  const { clock, random } = held.ports;
  const scope = scopeOfNextStep(held);
  const now = clock.now();
  const id = idFromUuid("apr", uuidV7(now, random.bytes(10)));
  const agentVersion = currentAgentVersion(held);
  const isNewer = agentVersion !== held.committed.run.agentVersion;
  const approval: NewApproval = {
    ...asked,
    judgement: { ...asked.judgement, ...(isNewer ? { agentVersion } : {}) },
    manifest: held.ports.tools.get(asked.action.tool)?.manifest ?? null,
    id,
    run: scope.run,
    seq: scope.seq,
    actionDigest: actionDigest(asked.action, asked.judgement.labels, asked.precondition, scope),
    requestedAt: now,
    expiresAt: new Date(now.getTime() + asked.requirement.timeoutMs),
  };
  const gate: Write = {
    write: "step_opened",
    step: {
      kind: "gate",
      name: asked.action.tool,
      state: "intended",
      effect: "none",
      request: { kind: "gate", subject: asked.subject, ...about },
      decision: asked.decision,
      approvalId: id,
      outcome: null,
      error: null,
    },
  };
  return [
    ...before,
    gate,
    { write: "approval_opened", approval },
    { write: "run_moved", event: "parked", reason: { code, detail: asked.summary } },
  ];
}
