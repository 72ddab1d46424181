import { type AuditEvent, type EventKind, idFromUuid, type RunId, uuidOf } from "@assent/contract";
import { eventDigest } from "../../core/audit/event.ts";
import type { NewAuditEvent, StoreTx } from "../../ports.ts";
import { digestFromBytes, digestToBytes, type Scope } from "./rows.ts";

type EventRow = {
  version: number;
  at: Date;
  kind: EventKind;
  actor_id: string | null;
  actor_kind: "human" | "service" | "agent" | null;
  actor_name: string | null;
  data: Record<string, unknown>;
  digest: Buffer;
};

export function auditRows({ query, tenant }: Scope): StoreTx["audit"] {
  return {
    async append(events: readonly NewAuditEvent[]): Promise<void> {
      if (events.length === 0) return;
      // One statement for all of them: a transaction often records two or three facts at once.
      await query(
        `insert into assent.audit_events (tenant_id, run_id, version, at, kind, actor_id, data, digest)
         select $1, e.* from unnest($2::uuid[], $3::int[], $4::timestamptz[], $5::text[], $6::uuid[], $7::json[],
                                    $8::bytea[]) e`,
        [
          tenant,
          events.map((event) => uuidOf(event.run)),
          events.map((event) => event.version),
          events.map((event) => event.at),
          events.map((event) => event.kind),
          events.map((event) => (event.actor === null ? null : uuidOf(event.actor.id))),
          events.map((event) => JSON.stringify(event.data)),
          events.map((event) => digestToBytes(eventDigest(toWire(event)))),
        ],
      );
    },
    async list(run: RunId, after: number, limit: number): Promise<readonly AuditEvent[]> {
      const rows = await query<EventRow>(
        `select e.version, e.at, e.kind, e.actor_id, p.kind as actor_kind, p.name as actor_name, e.data, e.digest
         from assent.audit_events e
         left join assent.principals p on p.tenant_id = e.tenant_id and p.id = e.actor_id
         where e.tenant_id = $1 and e.run_id = $2 and e.version > $3 order by e.version limit $4`,
        [tenant, uuidOf(run), after, limit],
      );
      return rows.map((row) => ({
        ...toWire({
          run,
          version: row.version,
          at: row.at,
          kind: row.kind,
          actor:
            row.actor_id === null || row.actor_kind === null || row.actor_name === null
              ? null
              : { id: idFromUuid("prn", row.actor_id), kind: row.actor_kind, name: row.actor_name },
          data: row.data,
        }),
        digest: digestFromBytes(row.digest),
      }));
    },
  };
}

export const toWire = (event: NewAuditEvent): Omit<AuditEvent, "digest"> => ({
  v: 1,
  run_id: event.run,
  version: event.version,
  at: event.at.toISOString(),
  kind: event.kind,
  actor: event.actor,
  data: event.data,
});
