// What is asked of checkpoints and of their lines: which were cosigned, which entry was the newest of its subject then, and
// which is the newest one of every log.

import { idFromUuid, type TenantId, uuidOf } from "@assent/contract";
import type { LogTx, NewestCheckpoint, NewestFact, StoredCheckpoint } from "../../ports.ts";
import type { Query, Scope } from "./rows.ts";

type Witnessing = "newestFact" | "newestEntry" | "cosigned" | "signedAfter";

export function witnessing({ query, tenant }: Scope): Pick<LogTx, Witnessing> {
  return {
    async newestFact(subject): Promise<NewestFact | null> {
      const [row] = await query<
        Omit<NewestFact, "eventId" | "actor"> & { event_id: string; actor_id: string | null }
      >(
        `select event_id, subject, version, at, kind, actor_id, data::text as payload from assent.audit_facts
         where tenant_id = $1 and subject = $2 order by version desc limit 1`,
        [tenant, subject],
      );
      if (row === undefined) return null;
      const { event_id: eventId, actor_id: actor, ...rest } = row;
      return { eventId, actor, ...rest };
    },
    async newestEntry(subject, epoch, before): Promise<number | null> {
      const [row] = await query<{ idx: string }>(
        `select l.idx from assent.audit_facts f, assent.audit_place(f.tenant_id, f.event_id) l
         where f.tenant_id = $1 and f.subject = $2 and l.epoch = $3 and l.idx < $4
         order by f.version desc limit 1`,
        [tenant, subject, epoch, before],
      );
      return row === undefined ? null : Number(row.idx);
    },
    async cosigned(epoch, limit): Promise<readonly StoredCheckpoint[]> {
      const rows = await query<{ size: string; note: string }>(
        `select c.size, c.note || string_agg(s.line || e'\\n', '' order by s.witness) as note
         from assent.audit_checkpoints c
         join assent.audit_cosignatures s on s.tenant_id = c.tenant_id and s.epoch = c.epoch and s.size = c.size
         where c.tenant_id = $1 and c.epoch = $2
         group by c.size, c.note order by c.size desc limit $3`,
        [tenant, epoch, limit],
      );
      return rows.map(({ size, note }) => ({ epoch, size: Number(size), note }));
    },
    async signedAfter(epoch, size): Promise<Date | null> {
      const [row] = await query<{ at: Date }>(
        `select at from assent.audit_checkpoints
         where tenant_id = $1 and epoch = $2 and size > $3 order by size limit 1`,
        [tenant, epoch, size],
      );
      return row?.at ?? null;
    },
  };
}

/** Tenants with something to sequence or to sign. */
export async function readPending(query: Query): Promise<readonly TenantId[]> {
  const rows = await query<{ tenant_id: string }>("select tenant_id from assent.audit_pending()", []);
  return rows.map((row) => idFromUuid("ten", row.tenant_id));
}

type NewestRow = {
  tenant_id: string;
  epoch: number;
  origin: string;
  vkey: string;
  size: string | null;
  note: string | null;
};

/** Of all tenants behind this one, in the order of their ids. */
export async function readNewestCheckpoints(
  query: Query,
  after: TenantId | null,
  most: number,
): Promise<readonly NewestCheckpoint[]> {
  const rows = await query<NewestRow>(
    "select tenant_id, epoch, origin, vkey, size, note from assent.audit_newest_checkpoints($1, $2)",
    [after === null ? null : uuidOf(after), most],
  );
  return rows.map(({ tenant_id, epoch, origin, vkey, size, note }) => ({
    tenant: idFromUuid("ten", tenant_id),
    epoch,
    origin,
    vkey,
    checkpoint: size === null || note === null ? null : { epoch, size: Number(size), note },
  }));
}
