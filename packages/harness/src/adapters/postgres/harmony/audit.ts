import { AUDIT_CAUSAL_ORDER, auditFromJson, auditToJson, type HarmonyStore } from "@assent/harmony";
import { idBytes } from "./ids.ts";
import { type InTenant, LIMIT_MAX } from "./scope.ts";

export function auditPart(inTenant: InTenant): Pick<HarmonyStore, "appendAudit" | "listAudit"> {
  return {
    appendAudit: async (entry) =>
      await inTenant(async ({ query, tenant }) => {
        const rows = await query<{ id: Buffer }>(
          `insert into assent.harmony_audit (tenant_id, id, event_type, pattern_id, at, record)
           values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning id`,
          [
            tenant,
            idBytes(entry.auditId),
            entry.eventType,
            entry.patternId === null ? null : idBytes(entry.patternId),
            entry.at,
            JSON.stringify(auditToJson(entry)),
          ],
        );
        return rows.length === 1;
      }),
    listAudit: async (filter = {}) =>
      await inTenant(async ({ query, tenant }) => {
        const rows = await query<{ record: unknown }>(
          `select record from assent.harmony_audit
           where tenant_id = $1 and ($2::text is null or event_type = $2) and ($3::bytea is null or pattern_id = $3)
           order by at desc, coalesce(array_position($5::text[], event_type), 0) desc, id limit $4`,
          [
            tenant,
            filter.eventType ?? null,
            filter.patternId === undefined ? null : idBytes(filter.patternId, "pattern_id"),
            filter.limit ?? LIMIT_MAX,
            AUDIT_CAUSAL_ORDER,
          ],
        );
        return rows.map(({ record }) => auditFromJson(record));
      }),
  };
}
