// What witnessing asks of the log: which checkpoints were cosigned, and which entry was the newest of its subject then.

import type { LogTx, NewestFact, StoredCheckpoint } from "../../ports.ts";
import type { Scope } from "./rows.ts";

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
