// What is pruned from the database: entries, salts and payloads below a log's minimum index (migration 0049).

import { type EventKind, idFromUuid } from "@assent/contract";
import { eventDigest } from "../../core/audit/event.ts";
import type { LogTx } from "../../ports.ts";
import { toWire } from "./audit.ts";
import { digestToBytes, only, type Scope } from "./rows.ts";

type EventRow = {
  n: string;
  run_id: string | null;
  version: number;
  at: Date;
  kind: EventKind;
  actor_id: string | null;
  actor_kind: "human" | "service" | "agent" | null;
  actor_name: string | null;
};

export function pruning({ query, tenant }: Scope): Pick<LogTx, "minimum" | "prunable" | "pruneNext"> {
  return {
    async minimum(epoch): Promise<number> {
      const rows = await query<{ minimum: string }>("select assent.audit_minimum($1, $2) as minimum", [
        tenant,
        epoch,
      ]);
      return Number(only(rows).minimum);
    },
    async prunable(epoch, before): Promise<number> {
      const row = only(
        await query<{ size: string | null; bound: string | null }>(PRUNABLE, [tenant, epoch, before]),
      );
      return Math.min(
        Number(row.size ?? 0),
        row.bound === null ? Number.POSITIVE_INFINITY : Number(row.bound),
      );
    },
    async pruneNext(epoch, from): Promise<number | null> {
      const [batch] = await query<{ first: string; size: number }>(NEXT, [tenant, epoch, from]);
      if (batch === undefined) return null;
      const rows = await query<EventRow>(EVENTS, [tenant, epoch, batch.first]);
      const digests = rows.map((row) =>
        row.run_id === null ? null : digestOf({ ...row, run_id: row.run_id }),
      );
      await query("select assent.audit_prune($1, $2, $3, $4::bytea[])", [
        tenant,
        epoch,
        batch.first,
        digests,
      ]);
      return Number(batch.first) + batch.size;
    },
  };
}

// What a checkpoint of then covers was there by then. A record that an earlier log's entry was erased stays while that
// entry does: nothing else would explain what is gone of it.
const PRUNABLE = `
  select (
    select max(c.size) from assent.audit_checkpoints c where c.tenant_id = $1 and c.epoch = $2 and c.at < $3
  ) as size, (
    select min(p.idx) from (
      select f.event_id, split_part(f.subject, ':', 2)::integer as epoch, split_part(f.subject, ':', 3)::bigint as idx
      from assent.audit_facts f
      where f.tenant_id = $1 and f.kind = 'payload.erased' and f.subject like 'entry:%'
        and f.subject not like 'entry:' || $2::integer || ':%'
    ) e, lateral assent.audit_place($1, e.event_id) p
    where p.epoch = $2 and e.epoch < $2 and e.idx >= assent.audit_minimum($1, e.epoch)
  ) as bound`;

const NEXT = `
  select b.first, cardinality(b.event_ids) as size
  from assent.audit_batches b, assent.audit_minimum($1, $2) m (minimum)
  where b.tenant_id = $1 and b.epoch = $2 and b.first >= $3 and b.first < m.minimum and exists (
    select from unnest(b.leaves) with ordinality u (leaf, n)
    where u.leaf is not null and assent.audit_is_pruned(b.epoch, b.first + u.n - 1, m.minimum))
  order by b.first limit 1`;

const EVENTS = `
  select u.n, e.run_id, e.version, e.at, e.kind, e.actor_id, p.kind as actor_kind, p.name as actor_name
  from assent.audit_batches b, unnest(b.event_ids) with ordinality u (event_id, n)
  left join assent.audit_events e on e.tenant_id = $1 and e.event_id = u.event_id
  left join assent.principals p on p.tenant_id = e.tenant_id and p.id = e.actor_id
  where b.tenant_id = $1 and b.epoch = $2 and b.first = $3 order by u.n`;

// An event without its payload is an event all the same: its digest is the one of what is left.
function digestOf({
  run_id,
  actor_id,
  actor_kind,
  actor_name,
  ...row
}: EventRow & { run_id: string }): Buffer {
  const actor =
    actor_id === null || actor_kind === null || actor_name === null
      ? null
      : { id: idFromUuid("prn", actor_id), kind: actor_kind, name: actor_name };
  const { version, at, kind } = row;
  const wire = toWire({ run: idFromUuid("run", run_id), version, at, kind, actor, data: { pruned: true } });
  return digestToBytes(eventDigest(wire));
}
