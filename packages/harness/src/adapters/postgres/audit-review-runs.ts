// Reads runs, what belongs to them and what their events say of it, for a check of all of it (audit-review.ts).

import {
  type ApprovalState,
  type EventKind,
  idFromUuid,
  type RunId,
  type RunState,
  type StepState,
  uuidOf,
} from "@assent/contract";
import type {
  ChangedDocument,
  ChangedObject,
  ReviewedEvent,
  ReviewedRun,
  ReviewTx,
  StrayVote,
} from "../../ports.ts";
import type { Query } from "./rows.ts";

// What an event is about, where its payload is still there to say so.
const OBJECTS = `
  select e.run_id, e.event_id, e.version, e.kind, e.data, e.data::text in ('{"erased":true}', '{"pruned":true}') as erased,
    split_part(e.kind, '_', 1) as family,
    case
      when e.kind like 'run\\_%' then 'run'
      when e.kind like 'step\\_%' then 'step ' || (e.data ->> 'step')
      when e.kind like 'approval\\_%' then e.data ->> 'approval_id'
      when e.kind like 'artifact\\_%' then e.data ->> 'artifact_id'
    end as object
  from assent.audit_events e where e.tenant_id = $1 and e.run_id = any ($2)`;

// Of each object the newest event, unless a later one of its family was erased: that one may have been about it too.
const CHANGED = `
  with events as (${OBJECTS}),
  newest as (
    select distinct on (run_id, object) * from events e
    where object is not null and (not erased or family = 'run') order by run_id, object, version desc
  ), known as (
    select n.*, coalesce(i.state, decode(convert_from(l.leaf, 'UTF8')::json ->> 'state', 'hex')) as recorded,
      assent.audit_image($1, n.run_id, n.kind, n.data) as present
    from newest n
    left join lateral (
      select w.states[array_position(w.event_ids, n.event_id)] as state from assent.audit_inbox w
      where w.tenant_id = $1 and n.event_id = any (w.event_ids)
    ) i on true
    left join lateral assent.audit_place($1, n.event_id) l on true
    where not exists (
      select from events x
      where x.run_id = n.run_id and x.erased and x.family = n.family and x.family <> 'run' and x.version > n.version)
  )
  select run_id, object, version, present is null as gone, recorded is not distinct from present as same
  from known where recorded is not null`;

// An event whose payload was erased still tells by its kind whether the document is there.
const DOCUMENTS = `
  with newest as (
    select distinct on (f.subject) substr(f.subject, 5)::uuid as id, f.kind, f.data
    from assent.audit_facts f where f.tenant_id = $1 and f.subject like 'doc\\_%'
    order by f.subject, f.version desc
  ), held as (
    select coalesce(d.id, n.id) as id,
      case
        when n.id is null then 'unrecorded'
        when n.kind = 'document_removed' and d.id is not null then 'still there'
        when n.kind <> 'document_removed' and d.id is null then 'removed'
        when d.id is not null and n.data ->> 'sha256' <> encode(d.sha256, 'hex') then 'altered'
      end as what
    from (select id, sha256 from assent.documents where tenant_id = $1) d full join newest n on n.id = d.id
  )
  select id, what from held where what is not null order by id limit $2`;

type RunRow = { id: string; state: RunState; version: number };
type Runs = "runs" | "events" | "changed" | "changedDocuments" | "missingRuns" | "strayVotes";

export function reviewRuns(query: Query): Pick<ReviewTx, Runs> {
  return {
    runs: async (tenant, after, limit) => await readRuns(query, tenant, after, limit),
    async events(tenant, runs): Promise<readonly ReviewedEvent[]> {
      const rows = await query<{
        run_id: string;
        version: number;
        kind: EventKind;
        data: Record<string, unknown>;
        actor_id: string | null;
        erased: boolean;
        at: string;
      }>(
        `select e.run_id, e.version, e.kind, e.data, e.actor_id, extract(epoch from e.at)::text as at,
           e.data::text in ('{"erased":true}', '{"pruned":true}') as erased
         from assent.audit_events e where e.tenant_id = $1 and e.run_id = any ($2) order by e.run_id, e.version`,
        [tenant, uuids(runs)],
      );
      return rows.map(({ run_id, erased, actor_id, ...rest }) => ({
        ...rest,
        actor: actor_id === null ? null : idFromUuid("prn", actor_id),
        run: idFromUuid("run", run_id),
        isErased: erased,
      }));
    },
    async changed(tenant, runs): Promise<{ compared: number; objects: readonly ChangedObject[] }> {
      const rows = await query<{
        run_id: string;
        object: string;
        version: number;
        gone: boolean;
        same: boolean;
      }>(CHANGED, [tenant, uuids(runs)]);
      const objects = rows
        .filter(({ same }) => !same)
        .map(({ run_id, object, version, gone }) => ({
          run: idFromUuid("run", run_id),
          object,
          version,
          isGone: gone,
        }));
      return { compared: rows.length, objects };
    },
    async changedDocuments(tenant, limit): Promise<readonly ChangedDocument[]> {
      const rows = await query<{ id: string; what: ChangedDocument["what"] }>(DOCUMENTS, [tenant, limit]);
      return rows.map(({ id, what }) => ({ id: idFromUuid("doc", id), what }));
    },
    async missingRuns(tenant, limit): Promise<readonly RunId[]> {
      const rows = await query<{ run_id: string }>(
        `select distinct e.run_id from assent.audit_events e where e.tenant_id = $1 and not exists (
           select from assent.runs r where r.tenant_id = $1 and r.id = e.run_id) order by 1 limit $2`,
        [tenant, limit],
      );
      return rows.map(({ run_id }) => idFromUuid("run", run_id));
    },
    async strayVotes(tenant, limit): Promise<readonly StrayVote[]> {
      const rows = await query<{ approval_id: string; principal_id: string }>(
        `select v.approval_id, v.principal_id from assent.approval_votes v where v.tenant_id = $1 and not exists (
           select from assent.approvals a where a.tenant_id = $1 and a.id = v.approval_id)
         order by 1, 2 limit $2`,
        [tenant, limit],
      );
      return rows.map(({ approval_id, principal_id }) => ({
        approval: idFromUuid("apr", approval_id),
        by: idFromUuid("prn", principal_id),
      }));
    },
  };
}

const uuids = (runs: readonly RunId[]): string[] => runs.map((run) => uuidOf(run));

async function readRuns(
  query: Query,
  tenant: string,
  after: RunId | null,
  limit: number,
): Promise<readonly ReviewedRun[]> {
  const rows = await query<RunRow>(
    `select id, state, version from assent.runs
     where tenant_id = $1 and ($2::uuid is null or id > $2) order by id limit $3`,
    [tenant, after === null ? null : uuidOf(after), limit],
  );
  const ids = rows.map(({ id }) => id);
  const steps = await query<{ run_id: string; seq: number; state: StepState }>(
    "select run_id, seq, state from assent.steps where tenant_id = $1 and run_id = any ($2) order by seq",
    [tenant, ids],
  );
  const approvals = await query<{ run_id: string; id: string; state: ApprovalState }>(
    "select run_id, id, state from assent.approvals where tenant_id = $1 and run_id = any ($2) order by id",
    [tenant, ids],
  );
  const artifacts = await query<{ run_id: string; id: string }>(
    "select run_id, id from assent.artifacts where tenant_id = $1 and run_id = any ($2) order by id",
    [tenant, ids],
  );
  const votes = Map.groupBy(await readVotes(query, tenant, approvals), ({ approval_id: of }) => of);
  return rows.map(({ id, state, version }) => ({
    id: idFromUuid("run", id),
    state,
    version,
    artifacts: artifacts.filter(({ run_id }) => run_id === id).map((row) => idFromUuid("art", row.id)),
    steps: steps.filter(({ run_id }) => run_id === id).map(({ seq, state: of }) => ({ seq, state: of })),
    approvals: approvals
      .filter(({ run_id }) => run_id === id)
      .map((row) => ({
        id: idFromUuid("apr", row.id),
        state: row.state,
        votes: (votes.get(row.id) ?? []).map(({ principal_id, ...said }) => ({
          by: idFromUuid("prn", principal_id),
          actionDigest: `sha256:${said.digest}`,
          at: said.at,
        })),
      })),
  }));
}

type VoteRow = { approval_id: string; principal_id: string; digest: string; at: string };

const readVotes = async (
  query: Query,
  tenant: string,
  approvals: readonly { id: string }[],
): Promise<readonly VoteRow[]> =>
  await query<VoteRow>(
    `select approval_id, principal_id, encode(action_digest, 'hex') as digest, extract(epoch from at)::text as at
     from assent.approval_votes where tenant_id = $1 and approval_id = any ($2) order by approval_id, principal_id`,
    [tenant, approvals.map(({ id }) => id)],
  );
