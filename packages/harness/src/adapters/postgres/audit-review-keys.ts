// Keys to the API against what was recorded of them: a role that somebody wrote into a row is a way in that no event tells of.

import { idFromUuid } from "@assent/contract";
import type { ChangedKey, ReviewTx } from "../../ports.ts";
import type { Query } from "./rows.ts";

// Its newest event took a digest of the row; of one that was pruned there is none any more. Where the payload was erased, the digest stays.
const KEYS = `
  with newest as (
    select distinct on (f.subject) substr(f.subject, 5)::uuid as id, f.event_id
    from assent.audit_facts f
    where f.tenant_id = $1 and f.subject like 'key\\_%' and f.kind in ('key_stored', 'key_changed')
    order by f.subject, f.version desc
  ), known as (
    select n.id, coalesce(i.state, decode(convert_from(l.leaf, 'UTF8')::json ->> 'state', 'hex')) as recorded
    from newest n
    left join lateral (
      select w.states[array_position(w.event_ids, n.event_id)] as state from assent.audit_inbox w
      where w.tenant_id = $1 and n.event_id = any (w.event_ids)
    ) i on true
    left join lateral assent.audit_place($1, n.event_id) l on true
  ), held as (
    select coalesce(k.id, n.id) as id,
      case
        when n.id is null then 'unrecorded'
        when k.id is null then 'removed'
        when n.recorded <> assent.audit_key_image($1, k.id) then 'altered'
      end as what
    from (select id from assent.api_keys where tenant_id = $1) k full join known n on n.id = k.id
  )
  select id, what from held where what is not null order by id limit $2`;

export const reviewKeys = (query: Query): Pick<ReviewTx, "changedKeys"> => ({
  async changedKeys(tenant, limit): Promise<readonly ChangedKey[]> {
    const rows = await query<{ id: string; what: ChangedKey["what"] }>(KEYS, [tenant, limit]);
    return rows.map(({ id, what }) => ({ id: idFromUuid("key", id), what }));
  },
});
