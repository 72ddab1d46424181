// Opens an approval beside a driven run: the run goes on, and as many may be open as there are actions that wait.

import { type Action, type Advice, type ApprovalId, type Decision, idFromUuid } from "@assent/contract";
import { APPROVAL_LIFETIME_HOURS } from "../../base/limits.ts";
import type { Sha256 } from "../../base/digest.ts";
import { actionDigest } from "../../core/decide/action-digest.ts";
import type { Judgement } from "../../core/decide/judgement.ts";
import type { Assent } from "../../core/decide/policy-annotations.ts";
import type { GateRequest, PlannedCall } from "../../core/run/journal.ts";
import { uuidV7 } from "../../core/uuid.ts";
import type { NewApproval } from "../../ports.ts";
import type { Write } from "../write.ts";
import { commitDriven, type Hold, nextSeq } from "./drive.ts";

export type Question = {
  readonly callId: string;
  /** As the journal shows it. */
  readonly name: string;
  readonly action: Action;
  readonly summary: string;
  readonly preview: string | null;
  readonly decision: Decision;
  readonly judgement: Judgement;
  readonly requirement: Assent;
  readonly advice: readonly Advice[];
  readonly plan?: readonly PlannedCall[];
};

/** @param before what belongs in the same transaction, such as the end of an earlier question */
export async function openQuestion(
  hold: Hold,
  question: Question,
  before: readonly Write[] = [],
): Promise<{ readonly id: ApprovalId; readonly digest: Sha256 }> {
  const { callId, name, plan, ...asked } = question;
  const seq = nextSeq(hold);
  const { run } = hold.committed;
  const id = idFromUuid("apr", newUuid(hold));
  const scope = { tenant: run.tenant, run: run.id, seq };
  const approval: NewApproval = {
    ...asked,
    id,
    run: run.id,
    seq,
    subject: "action",
    actionDigest: actionDigest(asked.action, asked.judgement.labels, null, scope),
    precondition: null,
    // Kept with the run's definition, and never another.
    manifest: null,
    requestedAt: hold.now,
    // A rule may give a person less time than the harness does, never more.
    expiresAt: new Date(
      hold.now.getTime() + Math.min(asked.requirement.timeoutMs, APPROVAL_LIFETIME_HOURS * 3_600_000),
    ),
  };
  const request: GateRequest = {
    kind: "gate",
    callId,
    subject: "action",
    doubtfulSeq: null,
    judgement: asked.judgement,
    ...(plan === undefined ? {} : { plan }),
  };
  await commitDriven(hold, [
    ...before,
    {
      write: "step_opened",
      step: {
        kind: "gate",
        name,
        state: "intended",
        effect: "none",
        request,
        decision: asked.decision,
        approvalId: id,
        outcome: null,
        error: null,
      },
    },
    { write: "approval_opened", approval },
  ]);
  return { id, digest: approval.actionDigest };
}

/** In the canonical form with hyphens. */
export const newUuid = ({ ports, now }: Pick<Hold, "ports" | "now">): string =>
  uuidV7(now, ports.random.bytes(10));
