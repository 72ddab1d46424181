// Reads the evidence and what it is about for a check of all of it: as the owner, every tenant's, and changes nothing.

import type { Pool } from "pg";
import type { CoveredCheckpoints, MisplacedEvent, ReviewedLeaf, ReviewTx } from "../../ports.ts";
import { prunedBy } from "../../core/audit/pruning.ts";
import { BATCH_MAX } from "./audit-log.ts";
import { transaction } from "./connect.ts";
import { reviewKeys } from "./audit-review-keys.ts";
import { reviewPrecedents } from "./audit-review-precedents.ts";
import { reviewWebhookRows } from "./audit-review-webhooks.ts";
import { reviewRuns } from "./audit-review-runs.ts";
import { only, type Query } from "./rows.ts";
import { queryOn } from "./store.ts";

/** Whether this login sees every tenant's rows: to any other a database would look empty, and so faultless. */
export async function ownsSchema(pool: Pool): Promise<boolean> {
  const [row] = await queryOn(pool)<{ owns: boolean }>(
    "select pg_has_role(n.nspowner, 'usage') as owns from pg_namespace n where n.nspname = 'assent'",
    [],
  );
  return row?.owns === true;
}

/** Everything that the work reads is of one moment. */
export async function reviewTransaction<T>(owner: Pool, work: (tx: ReviewTx) => Promise<T>): Promise<T> {
  return await transaction(
    owner,
    async (client) => {
      const query = queryOn(client);
      await query("set transaction read only", []);
      return await work(reviewOn(query));
    },
    { isolation: "repeatable read" },
  );
}

/** What the connection that these queries run on sees. */
export const reviewOn = (query: Query): ReviewTx => ({
  ...reviewLogs(query),
  ...reviewPlaces(query),
  ...reviewRuns(query),
  ...reviewKeys(query),
  ...reviewWebhookRows(query),
  ...reviewPrecedents(query),
});

type LeafRow = {
  idx: string;
  leaf: Buffer | null;
  leaf_hash: Buffer;
  salt: Buffer | null;
  subject: string | null;
  version: number;
  at: Date;
  kind: string;
  actor_id: string | null;
  data: string | null;
};

const toLeaf = (row: LeafRow): ReviewedLeaf => ({
  index: Number(row.idx),
  leaf: row.leaf,
  leafHash: row.leaf_hash,
  salt: row.salt,
  payload: row.data,
  fact:
    row.subject === null
      ? null
      : { subject: row.subject, version: row.version, at: row.at, kind: row.kind, actor: row.actor_id },
});

const LEAVES = `
  select l.idx, l.leaf, l.leaf_hash, l.salt,
    coalesce('run_' || assent.audit_hex(e.run_id), f.subject) as subject, coalesce(e.version, f.version) as version,
    coalesce(e.at, f.at) as at, coalesce(e.kind, f.kind) as kind,
    case when e.event_id is null then f.actor_id else e.actor_id end as actor_id,
    coalesce(e.data, f.data)::text as data
  from (
    select * from assent.audit_leaves t
    where t.tenant_id = $1 and t.epoch = $2 and t.first > $3::bigint - ${BATCH_MAX} and t.idx >= $3
    order by t.first, t.idx limit $4
  ) l
  left join assent.audit_events e on e.tenant_id = l.tenant_id and e.event_id = l.event_id
  left join assent.audit_facts f on f.tenant_id = l.tenant_id and f.event_id = l.event_id
  order by l.first, l.idx`;

// An event stands in the tree or in the inbox, in one of them, and nothing stands there that is no event.
const MISPLACED = `
  with facts as (
    select event_id, 'run_' || assent.audit_hex(run_id) || ' event ' || version as name
      from assent.audit_events where tenant_id = $1
    union all
    select event_id, subject || ' event ' || version from assent.audit_facts where tenant_id = $1
  ), places as (
    select unnest(event_ids) as event_id from assent.audit_batches where tenant_id = $1
    union all
    select unnest(event_ids) from assent.audit_inbox where tenant_id = $1
  ), counted as (
    select event_id, count(*) as times from places group by event_id
  )
  select coalesce(f.event_id, c.event_id) as event_id, f.name,
    case when c.event_id is null then 'lost' when f.event_id is null then 'orphan' else 'twice' end as what
  from facts f full join counted c on c.event_id = f.event_id
  where c.event_id is null or f.event_id is null or c.times > 1
  order by 1 limit $2`;

// What is taken over is the digest of a note's text: all of it before its first empty line. Compared as texts, since
// what stands in a payload may be anything. What was erased says nothing.
const COVERED = `
  with covers as (
    select f.subject, f.version, f.data ->> 'size' as size, f.data ->> 'sha256' as sha256 from assent.audit_facts f
    where f.tenant_id = $1 and f.kind = 'log.covered' and f.data::text not in ('{"erased":true}', '{"pruned":true}')
  ), signed as materialized (
    select c.size::text as size,
      encode(sha256(convert_to(split_part(c.note, e'\\n\\n', 1) || e'\\n', 'UTF8')), 'hex') as sha256
    from assent.audit_checkpoints c
  ), missing as (
    select c.subject, c.version, c.size from covers c
    where not exists (select from signed s where s.sha256 = c.sha256 and s.size = c.size)
    order by c.subject, c.version limit $2
  )
  select (select count(*) from covers) as count,
    coalesce((select json_agg(json_build_object('subject', m.subject, 'version', m.version, 'size', m.size))
      from missing m), '[]') as missing`;

type Logs = "tenants" | "logs" | "leaves" | "nodes" | "checkpoints";
type Places = "misplaced" | "covered" | "erasuresElsewhere" | "minimumElsewhere" | "waiting";

function reviewLogs(query: Query): Pick<ReviewTx, Logs> {
  return {
    tenants: async () =>
      await query<{ id: string; slug: string }>("select id, slug from assent.tenants order by slug", []),
    async logs(tenant) {
      const rows = await query<{ epoch: number; origin: string; vkey: string; size: string; root: Buffer }>(
        `select l.epoch, l.origin, l.vkey, h.size, h.root from assent.audit_logs l
         join assent.audit_heads h on h.tenant_id = l.tenant_id and h.epoch = l.epoch
         where l.tenant_id = $1 order by l.epoch`,
        [tenant],
      );
      return rows.map((row) => ({ ...row, size: Number(row.size) }));
    },
    leaves: async (tenant, epoch, from, limit) =>
      (await query<LeafRow>(LEAVES, [tenant, epoch, from, limit])).map(toLeaf),
    async nodes(tenant, epoch) {
      const rows = await query<{ level: number; n: string; hash: Buffer }>(
        "select level, n, hash from assent.audit_nodes where tenant_id = $1 and epoch = $2",
        [tenant, epoch],
      );
      return rows.map(({ level, n, hash }) => ({ level, index: Number(n), hash }));
    },
    async checkpoints(tenant, epoch) {
      const rows = await query<{ size: string; note: string }>(
        `select c.size, c.note || coalesce((
           select string_agg(s.line || e'\\n', '' order by s.witness) from assent.audit_cosignatures s
           where s.tenant_id = c.tenant_id and s.epoch = c.epoch and s.size = c.size), '') as note
         from assent.audit_checkpoints c where c.tenant_id = $1 and c.epoch = $2 order by c.size`,
        [tenant, epoch],
      );
      return rows.map(({ size, note }) => ({ epoch, size: Number(size), note }));
    },
  };
}

function reviewPlaces(query: Query): Pick<ReviewTx, Places> {
  return {
    async misplaced(tenant, limit): Promise<readonly MisplacedEvent[]> {
      const rows = await query<{ what: MisplacedEvent["what"]; event_id: string; name: string | null }>(
        MISPLACED,
        [tenant, limit],
      );
      return rows.map(({ what, event_id, name }) => ({ what, eventId: event_id, name }));
    },
    async covered(tenant, limit): Promise<CoveredCheckpoints> {
      const row = only(
        await query<{ count: string; missing: { subject: string; version: number; size: string | null }[] }>(
          COVERED,
          [tenant, limit],
        ),
      );
      return {
        count: Number(row.count),
        missing: row.missing.map(({ size, ...rest }) => ({ ...rest, size: Number(size) })),
      };
    },
    async erasuresElsewhere(tenant, epoch): Promise<readonly number[]> {
      const rows = await query<{ idx: string }>(
        `select split_part(f.subject, ':', 3) as idx from assent.audit_facts f
         where f.tenant_id = $1 and f.kind = 'payload.erased' and f.subject like 'entry:' || $2::integer || ':%'
           and (exists (
               select from assent.audit_inbox i where i.tenant_id = $1 and f.event_id = any (i.event_ids))
             or exists (
               select from assent.audit_place($1, f.event_id) p where p.epoch <> $2::integer))`,
        [tenant, epoch],
      );
      return rows.map(({ idx }) => Number(idx));
    },
    async minimumElsewhere(tenant, epoch): Promise<number> {
      const rows = await query<{ subject: string }>(
        `select f.subject from assent.audit_facts f, assent.audit_place($1, f.event_id) p
         where f.tenant_id = $1 and f.kind = 'log.pruned' and f.subject like 'pruned:' || $2::integer || ':%'
           and p.epoch > $2::integer`,
        [tenant, epoch],
      );
      return Math.max(0, ...rows.map(({ subject }) => prunedBy(subject)?.minimum ?? 0));
    },
    async waiting(tenant) {
      const row = only(
        await query<{ count: string; oldest: number | null }>(
          `select coalesce(sum(cardinality(event_ids)), 0) as count,
             extract(epoch from clock_timestamp() - min(at))::float8 as oldest
           from assent.audit_inbox where tenant_id = $1`,
          [tenant],
        ),
      );
      return { count: Number(row.count), oldestSeconds: row.oldest ?? 0 };
    },
  };
}
