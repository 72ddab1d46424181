import {
  AUDIT_CAUSAL_ORDER,
  type AuditEntry,
  auditFromJson,
  auditFromRest,
  auditToJson,
  type HarmonyStore,
} from "@assent/harmony";
import { joinPersonal, sealedOf, splitPersonal } from "../../../core/audit/personal.ts";
import type { Scope } from "../rows.ts";
import type { Sealing } from "../sealing.ts";
import { idBytes } from "./ids.ts";
import { type InTenant, LIMIT_MAX } from "./scope.ts";

type AuditRow = { readonly id: Buffer; readonly record: Record<string, unknown> };

/** The kind of event that the database states of each entry. */
export const AUDIT_KIND = "memory_recorded";

/** As the database names the fact that it states from the row. */
export const subjectOf = (id: Uint8Array): string => `memory_${Buffer.from(id).toString("hex")}`;

export function auditPart(
  inTenant: InTenant,
  sealing: Sealing,
): Pick<HarmonyStore, "appendAudit" | "listAudit"> {
  return {
    appendAudit: async (entry) =>
      await inTenant(async (scope) => {
        const id = idBytes(entry.auditId);
        const told = auditToJson(entry);
        // Told again it would leave a key behind that opens nothing.
        if (splitPersonal(AUDIT_KIND, told) !== null && (await isKnown(scope, id))) return false;
        const record = await sealing.sealed(scope, subjectOf(id), AUDIT_KIND, told);
        const rows = await scope.query<{ id: Buffer }>(
          `insert into assent.harmony_audit (tenant_id, id, event_type, pattern_id, at, record)
           values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning id`,
          [
            scope.tenant,
            id,
            entry.eventType,
            entry.patternId === null ? null : idBytes(entry.patternId),
            entry.at,
            JSON.stringify(record),
          ],
        );
        return rows.length === 1;
      }),
    listAudit: async (filter = {}) =>
      await inTenant(async (scope) => {
        const rows = await scope.query<AuditRow>(
          `select id, record from assent.harmony_audit
           where tenant_id = $1 and at >= '-infinity' and ($2::text is null or event_type = $2) and ($3::bytea is null or pattern_id = $3)
           order by at desc, coalesce(array_position($5::text[], event_type), 0) desc, id limit $4`,
          [
            scope.tenant,
            filter.eventType ?? null,
            filter.patternId === undefined ? null : idBytes(filter.patternId, "pattern_id"),
            filter.limit ?? LIMIT_MAX,
            AUDIT_CAUSAL_ORDER,
          ],
        );
        return await openedEntries(scope, sealing, rows);
      }),
  };
}

async function isKnown({ query, tenant }: Scope, id: Uint8Array): Promise<boolean> {
  const rows = await query<{ id: Buffer }>(
    "select id from assent.harmony_audit where tenant_id = $1 and id = $2",
    [tenant, id],
  );
  return rows.length > 0;
}

async function openedEntries(
  scope: Scope,
  sealing: Sealing,
  rows: readonly AuditRow[],
): Promise<readonly AuditEntry[]> {
  const texts = rows.flatMap(({ id, record }) => {
    const sealed = sealedOf(record);
    return sealed === null ? [] : [{ subject: subjectOf(id), sealed }];
  });
  const opened = new Map((await sealing.opened(scope, texts)).map((one, i) => [texts[i]?.sealed, one]));
  return rows.map(({ record }) => {
    const sealed = sealedOf(record);
    if (sealed === null) return auditFromJson(record);
    const fields = opened.get(sealed)?.fields;
    return fields === undefined ? auditFromRest(record) : auditFromJson(joinPersonal(record, fields));
  });
}
