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

const COLUMNS = `s.run_id, s.seq, s.started_at, s.request, s.decision, a.action as asked_action,
  a.judgement as asked_judgement, r.agent, r.agent_version, r.requested_by, p.kind, p.name`;

// A question is a decision of its own; the call that an approval let through is not another one.
const DECIDED = `s.decision is not null
  and ((s.kind = 'tool' and s.approval_id is null) or (s.kind = 'gate' and a.id is not null))`;

/** Runs looked at for one answer. */
const RUNS_MAX = 200;
/** A run may go on for so long after it was submitted before its decisions are not found by that any more. */
const RUN_DAYS_MAX = 14;
const DAY_MS = 86_400_000;

export function decisionRows(scope: Scope): StoreTx["decisions"] {
  return { list: async (since, after, limit) => await list(scope, since, after, limit) };
}

// The runs first, by their index, then each one's steps by theirs: no other run is read.
async function list(
  { query, tenant }: Pick<Scope, "query" | "tenant">,
  since: Date,
  after: DecisionPlace | null,
  limit: number,
): Promise<DecidedCalls> {
  const looked = await query<{ id: string; created_at: Date }>(
    // The drivers are true of every run: without them that index would be of no use here (migration 0043).
    `select r.id, r.created_at from assent.runs r
     where r.tenant_id = $1 and r.driver in ('assent', 'external') and r.created_at >= $2 and ($3::timestamptz is null or (r.created_at, r.id) <= ($3, $4::uuid))
     order by r.created_at desc, r.id desc limit $5`,
    [
      tenant,
      new Date(since.getTime() - RUN_DAYS_MAX * DAY_MS),
      after?.at ?? null,
      after === null ? null : uuidOf(after.run),
      RUNS_MAX,
    ],
  );
  const rows = await query<DecisionRow & { submitted_at: Date }>(
    `select ${COLUMNS}, r.created_at as submitted_at
     from assent.runs r
     join assent.steps s on s.tenant_id = $1 and s.run_id = r.id
     join assent.principals p on p.tenant_id = r.tenant_id and p.id = r.requested_by
     left join assent.approvals a
       on a.tenant_id = s.tenant_id and a.run_id = s.run_id and a.seq = s.seq and a.subject = 'action'
     where r.tenant_id = $1 and r.id = any($2::uuid[]) and s.started_at >= $3 and ${DECIDED}
       and ($4::uuid is null or r.id <> $4 or s.seq < $5::int)
     order by r.created_at desc, r.id desc, s.seq desc limit $6`,
    [
      tenant,
      looked.map(({ id }) => id),
      since,
      after === null ? null : uuidOf(after.run),
      after?.seq ?? null,
      limit,
    ],
  );
  return { calls: rows.flatMap((row) => toCall(row) ?? []), last: lastOf(rows, limit, looked) };
}

/** Where the next look begins; null: the runs that were looked at are all that there are. */
function lastOf(
  rows: readonly (DecisionRow & { submitted_at: Date })[],
  limit: number,
  looked: readonly { readonly id: string; readonly created_at: Date }[],
): DecisionPlace | null {
  const run = looked.at(-1);
  const row = rows.length < limit ? undefined : rows.at(-1);
  if (row !== undefined) return { run: idFromUuid("run", row.run_id), seq: row.seq, at: row.submitted_at };
  if (run === undefined || looked.length < RUNS_MAX) return null;
  return { run: idFromUuid("run", run.id), seq: 0, at: run.created_at };
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
