import { type Action, type Decision, idFromUuid } from "@assent/contract";
import { APPROVAL_LIFETIME_HOURS } from "../../base/limits.ts";
import { actionDigest } from "../../core/decide/action-digest.ts";
import type { ToolCall, ToolStep } from "../../core/run/journal.ts";
import { uuidV7 } from "../../core/uuid.ts";
import type { NewApproval, Plan } from "../../ports.ts";
import type { Write } from "../commit.ts";
import { commitHeld, type Held, scopeOfNextStep } from "../held.ts";

/** Opens an approval for one exact action and parks the run: no worker is held while a person thinks. */
export async function openGate(
  held: Held,
  call: ToolCall,
  action: Action,
  plan: Plan,
  decision: Decision,
): Promise<boolean> {
  const { summary, preview, precondition } = plan;
  const asked: Asked = { subject: "action", action, summary, preview, precondition, decision };
  await park(held, { callId: call.id, doubtfulSeq: null }, asked);
  return false;
}

/** Asks what became of a call whose outcome a crash has hidden. */
export async function openDoubtGate(held: Held, step: ToolStep): Promise<boolean> {
  const { action, precondition, callId } = step.request;
  await park(
    held,
    { callId, doubtfulSeq: step.seq },
    {
      subject: "in_doubt",
      action,
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
  return false;
}

type Asked = Pick<NewApproval, "subject" | "action" | "summary" | "preview" | "precondition" | "decision">;

async function park(
  held: Held,
  about: { readonly callId: string; readonly doubtfulSeq: number | null },
  asked: Asked,
): Promise<void> {
  const { clock, random } = held.ports;
  const scope = scopeOfNextStep(held);
  const now = clock.now();
  const id = idFromUuid("apr", uuidV7(now, random.bytes(10)));
  const approval: NewApproval = {
    ...asked,
    id,
    run: scope.run,
    seq: scope.seq,
    actionDigest: actionDigest(asked.action, asked.precondition, scope),
    requestedAt: now,
    expiresAt: new Date(now.getTime() + APPROVAL_LIFETIME_HOURS * 3_600_000),
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
  await commitHeld(held, [
    gate,
    { write: "approval_opened", approval },
    { write: "run_moved", event: "parked", reason: { code: "approval_needed", detail: asked.summary } },
  ]);
}
