// Reads answers that are given again, what was recorded of their rows (migration 0072), and what the memory itself recorded of
// giving and taking them back.

import type { ChangedPrecedent, MemoryEvent, ReviewedPrecedent, ReviewTx } from "../../ports.ts";
import type { Query } from "./rows.ts";

// Its newest event took a digest of the row with its terms; of one that was pruned there is none any more. That it was removed an
// event says by its kind.
const CHANGED = `
  with newest as (
    select distinct on (f.subject) decode(substr(f.subject, 11), 'hex') as id, f.event_id,
      f.kind = 'precedent_removed' as gone
    from assent.audit_facts f
    where f.tenant_id = $1 and f.subject ~ '^precedent_[0-9a-f]{64}$'
    order by f.subject, f.version desc
  ), known as (
    select n.id, n.gone, coalesce(i.state, decode(convert_from(l.leaf, 'UTF8')::json ->> 'state', 'hex')) as recorded
    from newest n
    left join lateral (
      select w.states[array_position(w.event_ids, n.event_id)] as state from assent.audit_inbox w
      where w.tenant_id = $1 and n.event_id = any (w.event_ids)
    ) i on true
    left join lateral assent.audit_place($1, n.event_id) l on true
  ), held as (
    select coalesce(r.id, n.id) as id,
      case
        when n.id is null then 'unrecorded'
        when n.gone and r.id is not null then 'still there'
        when not n.gone and r.id is null then 'removed'
        when n.recorded <> assent.audit_precedent_image($1, r.id) then 'altered'
      end as what
    from (select distinct id from assent.harmony_resolutions where tenant_id = $1) r full join known n on n.id = r.id
    union all
    select t.resolution_id, 'terms of nothing' from assent.precedent_terms t
    where t.tenant_id = $1 and not exists (
      select from assent.harmony_resolutions r
      where r.tenant_id = $1 and r.pattern_id = t.pattern_id and r.id = t.resolution_id)
  )
  select id, what from held where what is not null order by id, what limit $2`;

// The type of an event stands in its text as the memory writes it; what else has that text is told from it when it is read.
const MEMORY = `
  select extract(epoch from at)::text as at,
    case when data::text not in ('{"erased":true}', '{"pruned":true}') then data end as data
  from assent.audit_facts
  where tenant_id = $1 and kind = 'memory_recorded'
    and (data::text ~ '"event_type":"resolution_(saved|revoked)"' or data::text in ('{"erased":true}', '{"pruned":true}'))
  order by event_id`;

const named = (id: Buffer): string => `sha256:${id.toString("hex")}`;

type Precedents = "changedPrecedents" | "precedents" | "memoryEvents";

export const reviewPrecedents = (query: Query): Pick<ReviewTx, Precedents> => ({
  async changedPrecedents(tenant, limit): Promise<readonly ChangedPrecedent[]> {
    const rows = await query<{ id: Buffer; what: ChangedPrecedent["what"] }>(CHANGED, [tenant, limit]);
    return rows.map(({ id, what }) => ({ id: named(id), what }));
  },
  async precedents(tenant): Promise<readonly ReviewedPrecedent[]> {
    const rows = await query<{ id: Buffer; revoked: boolean; record: unknown }>(
      "select id, revoked, record from assent.harmony_resolutions where tenant_id = $1 order by id, pattern_id",
      [tenant],
    );
    return rows.map(({ id, revoked, record }) => ({ id: named(id), isRevoked: revoked, record }));
  },
  memoryEvents: async (tenant) => await query<MemoryEvent>(MEMORY, [tenant]),
});
