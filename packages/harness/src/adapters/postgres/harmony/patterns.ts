import {
  type ConflictPattern,
  type HarmonyStore,
  patternFromJson,
  patternToJson,
  sighted,
  similarityKeysOf,
} from "@assent/harmony";
import type { Scope } from "../rows.ts";
import { idBytes } from "./ids.ts";
import { type InTenant, LIMIT_MAX } from "./scope.ts";

export type PatternRow = { record: unknown };

type PatternPart = Pick<HarmonyStore, "recordPattern" | "loadPattern" | "listPatterns" | "forgetPattern">;

export function patternPart(inTenant: InTenant): PatternPart {
  return {
    recordPattern: async (pattern) => await inTenant(async (scope) => await recordPattern(scope, pattern)),
    loadPattern: async (id) =>
      await inTenant(async ({ query, tenant }) => {
        const [row] = await query<PatternRow>(
          "select record from assent.harmony_patterns where tenant_id = $1 and id = $2",
          [tenant, idBytes(id, "pattern_id")],
        );
        return row === undefined ? null : patternFromJson(row.record);
      }),
    listPatterns: async (filter = {}) =>
      await inTenant(async ({ query, tenant }) => {
        const rows = await query<PatternRow>(
          `select record from assent.harmony_patterns
           where tenant_id = $1 and ($2::text is null or domain = $2) and ($3::text is null or scope = $3)
             and ($4::text is null or conflict_type = $4) and ($5::bytea is null or semantic_fingerprint = $5)
           order by recorded_at desc, id limit $6`,
          [
            tenant,
            filter.domain ?? null,
            filter.scope ?? null,
            filter.conflictType ?? null,
            filter.semanticFingerprint === undefined ? null : idBytes(filter.semanticFingerprint),
            filter.limit ?? LIMIT_MAX,
          ],
        );
        return rows.map(({ record }) => patternFromJson(record));
      }),
    forgetPattern: async (id) =>
      await inTenant(async ({ query, tenant }) => {
        const key = [tenant, idBytes(id, "pattern_id")];
        const answers = await query<{ id: Buffer }>(
          "delete from assent.harmony_resolutions where tenant_id = $1 and pattern_id = $2 returning id",
          key,
        );
        const patterns = await query<{ id: Buffer }>(
          "delete from assent.harmony_patterns where tenant_id = $1 and id = $2 returning id",
          key,
        );
        return patterns.length + answers.length > 0;
      }),
  };
}

async function recordPattern({ query, tenant }: Scope, pattern: ConflictPattern): Promise<boolean> {
  const id = idBytes(pattern.patternId);
  const inserted = await query<{ id: Buffer }>(
    `insert into assent.harmony_patterns (tenant_id, id, scope, domain, conflict_type, semantic_fingerprint, bands,
       recorded_at, record)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning id`,
    [
      tenant,
      id,
      pattern.scope,
      pattern.domain,
      pattern.conflictType,
      pattern.semanticFingerprint === null ? null : idBytes(pattern.semanticFingerprint),
      similarityKeysOf(pattern.tokens),
      pattern.recordedAt,
      JSON.stringify(patternToJson(pattern)),
    ],
  );
  if (inserted.length === 1) return true;
  const [row] = await query<PatternRow>(
    "select record from assent.harmony_patterns where tenant_id = $1 and id = $2 for update",
    [tenant, id],
  );
  const next = row === undefined ? null : sighted(patternFromJson(row.record), pattern);
  if (next !== null)
    await query("update assent.harmony_patterns set record = $3 where tenant_id = $1 and id = $2", [
      tenant,
      id,
      JSON.stringify(patternToJson(next)),
    ]);
  return false;
}
