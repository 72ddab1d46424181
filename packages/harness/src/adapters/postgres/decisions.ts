import { type Action, type Decision, idFromUuid, uuidOf } from "@assent/contract";
import type { Judgement } from "../../core/decide/judgement.ts";
import type { StepRequest } from "../../core/run/journal.ts";
import type { DecidedCall, DecidedCalls, DecisionPlace, StoreTx } from "../../ports.ts";
import { digestFromBytes, type Scope } from "./rows.ts";

type DecisionRow = {
  run_id: string;
  seq: number;
  started_at: Date;
  request: StepRequest;
  decision: Decision;
  asked_action: Action | null;
  asked_judgement: Judgement | null;
  agent: string;
  agent_version: Buffer;
  requested_by: string;
  kind: "human" | "service" | "agent";
  name: string;
};

export function decisionRows({ query, tenant }: Scope): StoreTx["decisions"] {
  return {
    async list(since, after, limit): Promise<DecidedCalls> {
      // A question is a decision of its own; the call that an approval let through is not another one.
      const rows = await query<DecisionRow>(
        `select s.run_id, s.seq, s.started_at, s.request, s.decision, a.action as asked_action,
                a.judgement as asked_judgement, r.agent, r.agent_version, r.requested_by, p.kind, p.name
         from assent.steps s
         join assent.runs r on r.tenant_id = s.tenant_id and r.id = s.run_id
         join assent.principals p on p.tenant_id = r.tenant_id and p.id = r.requested_by
         left join assent.approvals a
           on a.tenant_id = s.tenant_id and a.run_id = s.run_id and a.seq = s.seq and a.subject = 'action'
         where s.tenant_id = $1 and s.decision is not null and s.started_at >= $2
           and ((s.kind = 'tool' and s.approval_id is null) or (s.kind = 'gate' and a.id is not null))
           and ($3::timestamptz is null or (s.started_at, s.run_id, s.seq) > ($3, $4::uuid, $5::int))
         order by s.started_at, s.run_id, s.seq limit $6`,
        [
          tenant,
          since,
          after?.at ?? null,
          after === null ? null : uuidOf(after.run),
          after?.seq ?? null,
          limit,
        ],
      );
      const last = rows.length < limit ? undefined : rows.at(-1);
      return {
        calls: rows.flatMap((row) => toCall(row) ?? []),
        last: last === undefined ? null : placeOf(last),
      };
    },
  };
}

const placeOf = (row: DecisionRow): DecisionPlace => ({
  run: idFromUuid("run", row.run_id),
  seq: row.seq,
  at: row.started_at,
});

function toCall(row: DecisionRow): DecidedCall | null {
  const action = row.asked_action ?? (row.request.kind === "tool" ? row.request.action : null);
  const judgement = row.asked_judgement ?? (row.request.kind === "tool" ? row.request.judgement : null);
  // What was refused before any rule was asked is no decision of the rules; nor can one be told of which an older program
  // did not note what it rested on: there the word is missing altogether.
  if (action === null || !judgement) return null;
  return {
    ...placeOf(row),
    requester: { id: idFromUuid("prn", row.requested_by), kind: row.kind, name: row.name },
    agent: { name: row.agent, version: digestFromBytes(row.agent_version) },
    action,
    judgement,
    decision: row.decision,
  };
}
