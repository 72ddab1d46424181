import { type AccessEvent, type AccessEventKind, idFromUuid, uuidOf } from "@assent/contract";
import { uuidV7 } from "../../core/uuid.ts";
import { joinPersonal, sealedOf } from "../../core/audit/personal.ts";
import type { Clock, Random, StoreTx } from "../../ports.ts";
import type { Scope } from "./rows.ts";
import type { Sealing } from "./sealing.ts";

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
  scope: Scope,
  { random, sealing }: { clock: Clock; random: Random; sealing: Sealing },
): StoreTx["access"] {
  const { query, tenant } = scope;
  return {
    async append({ at, kind, actor, data }): Promise<void> {
      const id = uuidV7(at, random.bytes(10));
      const stored = await sealing.sealed(scope, subjectOf(id), kind, data);
      await query(
        `insert into assent.access_events (tenant_id, id, at, kind, actor_id, data)
         values ($1, $2, $3, $4, $5, $6)`,
        [tenant, id, at, kind, actor === null ? null : uuidOf(actor.id), JSON.stringify(stored)],
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
      const data = await openedData(scope, sealing, rows);
      return rows.map((row, i) => ({
        id: idFromUuid("evt", row.id),
        at: row.at.toISOString(),
        kind: row.kind,
        actor:
          row.actor_id === null || row.actor_kind === null || row.actor_name === null
            ? null
            : { id: idFromUuid("prn", row.actor_id), kind: row.actor_kind, name: row.actor_name },
        data: data[i] ?? row.data,
      }));
    },
  };
}

/** As the database names it, which states the fact from the row. */
const subjectOf = (id: string): string => `access_${id.replaceAll("-", "")}`;

// What was erased, or can be opened in another home only, is shown as it is stored.
async function openedData(
  scope: Scope,
  sealing: Sealing,
  rows: readonly EventRow[],
): Promise<readonly Record<string, unknown>[]> {
  const texts = rows.flatMap(({ id, data }) => {
    const sealed = sealedOf(data);
    return sealed === null ? [] : [{ subject: subjectOf(id), sealed }];
  });
  const opened = new Map((await sealing.opened(scope, texts)).map((one, i) => [texts[i]?.subject, one]));
  return rows.map(({ id, data }) => {
    const fields = opened.get(subjectOf(id))?.fields;
    return fields === undefined ? data : joinPersonal(data, fields);
  });
}
