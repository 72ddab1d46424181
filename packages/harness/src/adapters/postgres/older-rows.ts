// Rows of the memory's and the access record's own tables that a program of before sealed fields wrote in plain
// (migration 0050): each is read, sealed under a key of its own, and put in its place, in one transaction a batch.

import { idFromUuid, uuidOf } from "@assent/contract";
import type { Pool } from "pg";
import type { OlderRows } from "../../ports.ts";
import { transaction } from "./connect.ts";
import type { Sealing } from "./sealing.ts";
import { queryOn } from "./store.ts";

type Row = { readonly subject: string; readonly kind: string; readonly data: Record<string, unknown> };

/** A statement that was refused for a newer sealing key is repeated. */
const ATTEMPTS_MAX = 10;

const ROWS = `
  select * from (
    select 'memory_' || encode(h.id, 'hex') as subject, 'memory_recorded' as kind, h.record as data
    from assent.harmony_audit h where h.tenant_id = $1 and h.record ->> 'sealed' is null
    union all
    select 'access_' || replace(a.id::text, '-', ''), a.kind, a.data
    from assent.access_events a
    where a.tenant_id = $1 and a.kind = 'signature_refused' and a.data ->> 'sealed' is null
  ) o where $2::text is null or o.subject collate "C" > $2 order by o.subject collate "C" limit $3`;

export function postgresOlderRows(pool: Pool, sealing: Sealing): OlderRows {
  return {
    async tenants() {
      const rows = await queryOn(pool)<{ tenant_id: string }>(
        "select tenant_id from assent.sealing_older()",
        [],
      );
      return rows.map(({ tenant_id }) => idFromUuid("ten", tenant_id));
    },
    async seal(tenant, after, limit, at): Promise<string | null> {
      return await transaction(
        pool,
        async (client) => {
          const scope = { query: queryOn(client), tenant: uuidOf(tenant) };
          const rows = await scope.query<Row>(ROWS, [scope.tenant, after, limit]);
          for (const { subject, kind, data } of rows) {
            const sealed = await sealing.sealed(scope, subject, kind, data);
            if (sealed === data) continue;
            await scope.query("select assent.seal_older_row($1, $2, $3, $4)", [
              scope.tenant,
              subject,
              JSON.stringify(sealed),
              at,
            ]);
          }
          return rows.at(-1)?.subject ?? null;
        },
        { tenant: uuidOf(tenant), attemptsMax: ATTEMPTS_MAX },
      );
    },
  };
}
