// Opens an approval beside a driven run: the run goes on, and as many may be open as there are actions that wait.

import { type Action, type ApprovalId, type Decision, idFromUuid } from "@assent/contract";
import { APPROVAL_LIFETIME_HOURS } from "../../base/limits.ts";
import type { Sha256 } from "../../base/digest.ts";
import { actionDigest } from "../../core/decide/action-digest.ts";
import type { AssentRequirement } from "../../core/decide/ruling.ts";
import type { Judged, PlannedCall } from "../../core/run/journal.ts";
import { uuidV7 } from "../../core/uuid.ts";
import type { NewApproval } from "../../ports.ts";
import { commitDriven, type Hold, nextSeq } from "./drive.ts";

export type Question = {
  readonly callId: string;
  /** As the journal shows it. */
  readonly name: string;
  readonly action: Action;
  readonly summary: string;
  readonly preview: string | null;
  readonly decision: Decision;
  readonly judged: Judged;
  readonly plan?: readonly PlannedCall[];
};

export async function openQuestion(
  hold: Hold,
  question: Question,
): Promise<{ readonly id: ApprovalId; readonly digest: Sha256 }> {
  const { action, decision, judged, summary, preview } = question;
  const seq = nextSeq(hold);
  const { run } = hold.committed;
  const id = idFromUuid("apr", newUuid(hold));
  const approval: NewApproval = {
    id,
    run: run.id,
    seq,
    subject: "action",
    action,
    actionDigest: actionDigest(action, null, { tenant: run.tenant, run: run.id, seq }),
    summary,
    preview,
    precondition: null,
    decision,
    requestedAt: hold.now,
    expiresAt: new Date(hold.now.getTime() + lifetimeMs(judged.assent)),
  };
  const request = {
    kind: "gate",
    callId: question.callId,
    subject: "action",
    doubtfulSeq: null,
    judged,
    ...(question.plan === undefined ? {} : { plan: question.plan }),
  } as const;
  await commitDriven(hold, [
    {
      write: "step_opened",
      step: {
        kind: "gate",
        name: question.name,
        state: "intended",
        effect: "none",
        request,
        decision,
        approvalId: id,
        outcome: null,
        error: null,
      },
    },
    { write: "approval_opened", approval },
  ]);
  return { id, digest: approval.actionDigest };
}

// A rule may give a person less time than the harness does, never more.
const lifetimeMs = (assent: AssentRequirement | null): number =>
  Math.min(assent?.timeoutMs ?? Number.POSITIVE_INFINITY, APPROVAL_LIFETIME_HOURS * 3_600_000);

/** In the canonical form with hyphens. */
export const newUuid = ({ ports, now }: Pick<Hold, "ports" | "now">): string =>
  uuidV7(now, ports.random.bytes(10));
