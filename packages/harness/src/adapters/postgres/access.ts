import { type AccessEvent, type AccessEventKind, idFromUuid, uuidOf } from "@assent/contract";
import { uuidV7 } from "../../core/uuid.ts";
import type { Clock, Random, StoreTx } from "../../ports.ts";
import type { Scope } from "./rows.ts";

type EventRow = {
  id: string;
  at: Date;
  kind: AccessEventKind;
  actor_id: string | null;
  actor_kind: "human" | "service" | "agent" | null;
  actor_name: string | null;
  data: Record<string, unknown>;
};

export function accessRows(
  { query, tenant }: Scope,
  { random }: { clock: Clock; random: Random },
): StoreTx["access"] {
  return {
    async append({ at, kind, actor, data }): Promise<void> {
      await query(
        `insert into assent.access_events (tenant_id, id, at, kind, actor_id, data)
         values ($1, $2, $3, $4, $5, $6)`,
        [
          tenant,
          uuidV7(at, random.bytes(10)),
          at,
          kind,
          actor === null ? null : uuidOf(actor.id),
          JSON.stringify(data),
        ],
      );
    },
    async list(before, limit): Promise<readonly AccessEvent[]> {
      const rows = await query<EventRow>(
        `select e.id, e.at, e.kind, e.actor_id, p.kind as actor_kind, p.name as actor_name, e.data
         from assent.access_events e
         left join assent.principals p on p.tenant_id = e.tenant_id and p.id = e.actor_id
         where e.tenant_id = $1 and ($2::uuid is null or e.id < $2::uuid) order by e.id desc limit $3`,
        [tenant, before === null ? null : uuidOf(before), limit],
      );
      return rows.map((row) => ({
        id: idFromUuid("evt", row.id),
        at: row.at.toISOString(),
        kind: row.kind,
        actor:
          row.actor_id === null || row.actor_kind === null || row.actor_name === null
            ? null
            : { id: idFromUuid("prn", row.actor_id), kind: row.actor_kind, name: row.actor_name },
        data: row.data,
      }));
    },
  };
}
