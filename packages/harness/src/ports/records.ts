// Runs, approvals and events as they are stored, and what changes of them.

import type {
  Action,
  Actor,
  Advice,
  ApprovalId,
  ApprovalState,
  ApprovalSubject,
  Decision,
  EventKind,
  Reason,
  RunId,
  RunState,
  TenantId,
} from "@assent/contract";
import type { Sha256 } from "../base/digest.ts";
import type { Judgement } from "../core/decide/judgement.ts";
import type { Assent } from "../core/decide/policy-annotations.ts";
import type { Journal } from "../core/run/journal.ts";
import type { Manifest } from "../core/tool.ts";

export type RunRecord = {
  readonly tenant: TenantId;
  readonly id: RunId;
  /** Our workers, or an agent loop outside (services/external). It never changes. */
  readonly driver: "assent" | "external";
  readonly state: RunState;
  readonly version: number;
  readonly agent: string;
  readonly agentVersion: Sha256;
  readonly task: string;
  readonly workspace: { readonly name: string; readonly commit: string } | null;
  readonly model: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly requestedBy: Actor;
  readonly reason: Reason | null;
  readonly answer: string | null;
  readonly attempt: number;
  /** Rises with every lease; a write that names an older one is refused (invariant 16, fenced). */
  readonly fencingToken: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly finishedAt: Date | null;
  /** The dead letter that this run is to make good. */
  readonly redriveOf: RunId | null;
  /** The request that submitted it, as a span; null where nobody looked. */
  readonly traceparent: string | null;
};

export type NewRun = { readonly redriveOf?: RunId } & Pick<
  RunRecord,
  | "id"
  | "driver"
  | "agent"
  | "agentVersion"
  | "task"
  | "workspace"
  | "model"
  | "labels"
  | "requestedBy"
  | "createdAt"
  | "traceparent"
>;

export type RunChange = Pick<
  RunRecord,
  "state" | "version" | "reason" | "answer" | "attempt" | "finishedAt"
> & {
  readonly updatedAt: Date;
  /** From when on a worker may take it, for a run that is queued by this; null leaves it as it is. */
  readonly wakeAt: Date | null;
};

export type RunQuery = {
  readonly states: readonly RunState[] | null;
  readonly agent: string | null;
  readonly label: { readonly name: string; readonly value: string } | null;
  /** Rows older than this one, in the order newest first. */
  readonly before: { readonly createdAt: Date; readonly id: RunId } | null;
  readonly limit: number;
};

export type ApprovalRecord = {
  readonly id: ApprovalId;
  readonly run: RunId;
  readonly seq: number;
  readonly state: ApprovalState;
  readonly subject: ApprovalSubject;
  readonly action: Action;
  readonly actionDigest: Sha256;
  readonly summary: string;
  readonly preview: string | null;
  readonly precondition: string | null;
  readonly decision: Decision;
  readonly judgement: Judgement;
  readonly requirement: Assent;
  /** Earlier answers that the person is shown. */
  readonly advice: readonly Advice[];
  /** Different people who have said yes to the action as it stands. */
  readonly votes: number;
  readonly editedAction: Action | null;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  readonly decidedAt: Date | null;
  readonly decidedBy: Actor | null;
  readonly comment: string | null;
};

export type NewApproval = Omit<
  ApprovalRecord,
  "state" | "votes" | "editedAction" | "decidedAt" | "decidedBy" | "comment"
> & {
  /** Of the tool as the person is asked about it, kept by its digest; null where that is kept elsewhere. */
  readonly manifest: Manifest | null;
};

export type ApprovalChange = Pick<
  ApprovalRecord,
  | "state"
  | "actionDigest"
  | "editedAction"
  | "precondition"
  | "preview"
  | "judgement"
  | "decidedAt"
  | "decidedBy"
  | "comment"
>;

export type NewAuditEvent = {
  readonly run: RunId;
  readonly version: number;
  readonly at: Date;
  readonly kind: EventKind;
  readonly actor: Actor | null;
  readonly data: Readonly<Record<string, unknown>>;
};

/** A run, its journal, and the approval that is asked for or, where none is, the newest that was given and not spent. */
export type WholeRun = {
  readonly run: RunRecord;
  readonly journal: Journal;
  readonly approval: ApprovalRecord | null;
};
