import {
  type Action,
  type Actor,
  type Advice,
  type ApprovalId,
  type ApprovalState,
  type ApprovalSubject,
  type Decision,
  idFromUuid,
  type RunId,
  uuidOf,
} from "@assent/contract";
import type { Judgement } from "../../core/decide/judgement.ts";
import type { Assent } from "../../core/decide/policy-annotations.ts";
import type { Manifest } from "../../core/tool.ts";
import type { ApprovalRecord, StoreTx } from "../../ports.ts";
import { digestFromBytes, digestToBytes, type Scope } from "./rows.ts";

type ApprovalRow = {
  id: string;
  run_id: string;
  seq: number;
  state: ApprovalState;
  subject: ApprovalSubject;
  action: Action;
  action_digest: Buffer;
  summary: string;
  preview: string | null;
  precondition: string | null;
  decision: Decision;
  judgement: Judgement;
  requirement: Assent;
  advice: Advice[];
  votes: number;
  edited_action: Action | null;
  requested_at: Date;
  expires_at: Date;
  decided_at: Date | null;
  decided_by: string | null;
  decider_kind: "human" | "service" | "agent" | null;
  decider_name: string | null;
  comment: string | null;
};

const SELECT = `
  select a.id, a.run_id, a.seq, a.state, a.subject, a.action, a.action_digest, a.summary, a.preview, a.precondition,
         (select count(*)::int from assent.approval_votes v where v.tenant_id = a.tenant_id
            and v.approval_id = a.id and v.action_digest = a.action_digest) as votes, a.decision, a.judgement, a.requirement, a.advice, a.edited_action, a.requested_at, a.expires_at, a.decided_at, a.decided_by,
         p.kind as decider_kind, p.name as decider_name, a.comment
  from assent.approvals a
  left join assent.principals p on p.tenant_id = a.tenant_id and p.id = a.decided_by
  where a.tenant_id = $1`;

function toRecord(row: ApprovalRow): ApprovalRecord {
  return {
    id: idFromUuid("apr", row.id),
    run: idFromUuid("run", row.run_id),
    seq: row.seq,
    state: row.state,
    subject: row.subject,
    action: row.action,
    actionDigest: digestFromBytes(row.action_digest),
    summary: row.summary,
    preview: row.preview,
    precondition: row.precondition,
    decision: row.decision,
    judgement: row.judgement,
    requirement: row.requirement,
    advice: row.advice,
    votes: row.votes,
    editedAction: row.edited_action,
    requestedAt: row.requested_at,
    expiresAt: row.expires_at,
    decidedAt: row.decided_at,
    decidedBy:
      row.decided_by === null || row.decider_kind === null || row.decider_name === null
        ? null
        : { id: idFromUuid("prn", row.decided_by), kind: row.decider_kind, name: row.decider_name },
    comment: row.comment,
  };
}

type Times = "requested_at" | "expires_at" | "decided_at";

/** As `assent.whole_run` gives it. */
export type ApprovalJson = Omit<ApprovalRow, "action_digest" | Times> & {
  readonly action_digest: string;
  readonly requested_at: string;
  readonly expires_at: string;
  readonly decided_at: string | null;
};

export const approvalFromJson = (row: ApprovalJson): ApprovalRecord =>
  toRecord({
    ...row,
    action_digest: Buffer.from(row.action_digest, "hex"),
    requested_at: new Date(row.requested_at),
    expires_at: new Date(row.expires_at),
    decided_at: row.decided_at === null ? null : new Date(row.decided_at),
  });

/** Of tools as people were asked about them; an approval brings its own with it. */
export function manifestRows({ query, tenant }: Scope): StoreTx["manifests"] {
  return {
    async get(digest: string): Promise<Manifest | null> {
      const [row] = await query<{ manifest: Manifest }>(
        "select manifest from assent.tool_manifests where tenant_id = $1 and digest = decode($2, 'hex')",
        [tenant, digest.replace(/^sha256:/u, "")],
      );
      return row?.manifest ?? null;
    },
  };
}

export function approvalRows({ query, tenant }: Scope): StoreTx["approvals"] {
  return {
    async find(id: ApprovalId): Promise<ApprovalRecord | null> {
      const [row] = await query<ApprovalRow>(`${SELECT} and a.id = $2`, [tenant, uuidOf(id)]);
      return row === undefined ? null : toRecord(row);
    },
    async list(run: RunId): Promise<readonly ApprovalRecord[]> {
      const rows = await query<ApprovalRow>(`${SELECT} and a.run_id = $2 order by a.seq`, [
        tenant,
        uuidOf(run),
      ]);
      return rows.map(toRecord);
    },
    async waiting(after: ApprovalId | null, limit: number): Promise<readonly ApprovalRecord[]> {
      const rows = await query<ApprovalRow>(
        `${SELECT} and a.state in ('open', 'approved') and ($2::uuid is null or a.id > $2)
           and exists (select from assent.runs r where r.tenant_id = $1 and r.id = a.run_id
             and r.finished_at is null)
         order by a.id limit $3`,
        [tenant, after === null ? null : uuidOf(after), limit],
      );
      return rows.map(toRecord);
    },
    async voters(id, actionDigest): Promise<readonly Actor[]> {
      const rows = await query<{ id: string; kind: Actor["kind"]; name: string }>(
        `select p.id, p.kind, p.name from assent.approval_votes v
         join assent.principals p on p.tenant_id = v.tenant_id and p.id = v.principal_id
         where v.tenant_id = $1 and v.approval_id = $2 and v.action_digest = $3 order by v.at, p.id`,
        [tenant, uuidOf(id), digestToBytes(actionDigest)],
      );
      return rows.map((row) => ({ ...row, id: idFromUuid("prn", row.id) }));
    },
    async vote(id, voter, actionDigest, at): Promise<void> {
      await query(
        `insert into assent.approval_votes (tenant_id, approval_id, principal_id, action_digest, at)
         values ($1, $2, $3, $4, $5)`,
        [tenant, uuidOf(id), uuidOf(voter), digestToBytes(actionDigest), at],
      );
    },
  };
}
