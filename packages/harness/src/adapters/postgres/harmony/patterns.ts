import {
  type ConflictPattern,
  type HarmonyStore,
  isHarmonyError,
  parseTimestamp,
  patternFromJson,
  patternToJson,
  similarityKeysOf,
} from "@assent/harmony";
import type { Scope } from "../rows.ts";
import { idBytes, idOf } from "./ids.ts";
import { type InTenant, LIMIT_MAX } from "./scope.ts";
import { later, SIGHTINGS_MAX, type Sightings, takeSightings, WITH_SIGHTINGS } from "./sightings.ts";

type PatternRow = Sightings & StoredPattern;
export type StoredPattern = { readonly id: Buffer; readonly record: unknown };

type PatternPart = Pick<HarmonyStore, "recordPattern" | "loadPattern" | "listPatterns" | "forgetPattern">;

export function patternPart(inTenant: InTenant): PatternPart {
  return {
    recordPattern: async (pattern) => await inTenant(async (scope) => await recordPattern(scope, pattern)),
    loadPattern: async (id) =>
      await inTenant(async ({ query, tenant }) => {
        const [row] = await query<PatternRow>(
          `select r.id, r.record, s.* from assent.harmony_patterns r ${WITH_SIGHTINGS} where r.tenant_id = $1 and r.id = $2`,
          [tenant, idBytes(id, "pattern_id")],
        );
        const pattern = row === undefined ? null : patternOf(row);
        return row === undefined || pattern === null ? null : seenPattern(pattern, row);
      }),
    listPatterns: async (filter = {}) =>
      await inTenant(async ({ query, tenant }) => {
        const rows = await query<PatternRow>(
          `select r.id, r.record, s.* from assent.harmony_patterns r ${WITH_SIGHTINGS}
           where r.tenant_id = $1 and r.recorded_at >= '-infinity' and ($2::text is null or r.domain = $2) and ($3::text is null or r.scope = $3)
             and ($4::text is null or r.conflict_type = $4) and ($5::bytea is null or r.semantic_fingerprint = $5)
           order by r.recorded_at desc, r.id limit $6`,
          [
            tenant,
            filter.domain ?? null,
            filter.scope ?? null,
            filter.conflictType ?? null,
            filter.semanticFingerprint === undefined ? null : idBytes(filter.semanticFingerprint),
            filter.limit ?? LIMIT_MAX,
          ],
        );
        return rows.flatMap((row) => {
          const pattern = patternOf(row);
          return pattern === null ? [] : [seenPattern(pattern, row)];
        });
      }),
    forgetPattern: async (id) =>
      await inTenant(async ({ query, tenant }) => {
        const key = [tenant, idBytes(id, "pattern_id")] as const;
        await takeSightings({ query, tenant }, key[1]);
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

/** The row's question; null where there is none in it, or another one's. As with files, it is then as if it were not there. */
export function patternOf({ id, record }: StoredPattern): ConflictPattern | null {
  try {
    const read = patternFromJson(record);
    return read.patternId === idOf(id) ? read : null;
  } catch (error) {
    if (isHarmonyError(error)) return null;
    throw error;
  }
}

/**
 * Where the question itself cannot be read: whoever damaged it may have damaged what was said of it.
 * @returns a name under which a person finds the row; null: it can be read, or there is none
 */
export async function unreadablePattern(
  { query, tenant }: Pick<Scope, "query" | "tenant">,
  id: Buffer,
): Promise<string | null> {
  const [row] = await query<StoredPattern>(
    "select id, record from assent.harmony_patterns where tenant_id = $1 and id = $2",
    [tenant, id],
  );
  return row === undefined || patternOf(row) !== null
    ? null
    : `the row ${idOf(id)} of assent.harmony_patterns`;
}

/** As often as its record counts it, and as often as it was seen since. */
export function seenPattern(stored: ConflictPattern, { sightings, sighted_at }: Sightings): ConflictPattern {
  if (sightings === 0) return stored;
  return Object.freeze({
    ...stored,
    occurrences: stored.occurrences + sightings,
    lastSeenAt: parseTimestamp(later(stored.lastSeenAt, sighted_at)),
  });
}

// A known one is not touched: many may ask the same, and an insert waits for whoever is changing the row in its way.
async function recordPattern(scope: Scope, pattern: ConflictPattern): Promise<boolean> {
  const id = idBytes(pattern.patternId);
  for (;;) {
    const [told] = await scope.query<{ is_new: boolean; is_known: boolean; sightings: number }>(
      `with known as (
         select record ->> 'last_seen_at' as at from assent.harmony_patterns where tenant_id = $1 and id = $2
       ), seen as (
         select count(*)::int as sightings, max(at) as at from assent.harmony_sightings
         where tenant_id = $1 and subject = $2
       ), again as (
         insert into assent.harmony_sightings (tenant_id, subject, at)
         select $1, $2, $10 from known, seen
         where $10::text collate "C" > known.at collate "C" and (seen.at is null or $10 > seen.at)
         on conflict do nothing
       ), first as (
         insert into assent.harmony_patterns (tenant_id, id, scope, domain, conflict_type, semantic_fingerprint, bands,
           recorded_at, record)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9 where not exists (select from known)
         on conflict do nothing returning id
       )
       select exists (select from first) as is_new, exists (select from known) as is_known, sightings from seen`,
      [
        scope.tenant,
        id,
        pattern.scope,
        pattern.domain,
        pattern.conflictType,
        pattern.semanticFingerprint === null ? null : idBytes(pattern.semanticFingerprint),
        similarityKeysOf(pattern.tokens),
        pattern.recordedAt,
        JSON.stringify(patternToJson(pattern)),
        pattern.recordedAt,
      ],
    );
    if (told?.is_new === true) return true;
    // Neither: somebody else recorded it just now. It is known at the second look.
    if (told?.is_known !== true) continue;
    if (told.sightings >= SIGHTINGS_MAX) await putTogether(scope, id);
    return false;
  }
}

/** Writes into the record how often it was seen. Whoever is at it already does it for all. */
async function putTogether(scope: Scope, id: Buffer): Promise<void> {
  const key = [scope.tenant, id] as const;
  const [row] = await scope.query<StoredPattern>(
    "select id, record from assent.harmony_patterns where tenant_id = $1 and id = $2 for update skip locked",
    key,
  );
  const pattern = row === undefined ? null : patternOf(row);
  // Of what cannot be read nothing is written over.
  if (pattern === null) return;
  const seen = seenPattern(pattern, await takeSightings(scope, id));
  await scope.query("update assent.harmony_patterns set record = $3 where tenant_id = $1 and id = $2", [
    ...key,
    JSON.stringify(patternToJson(seen)),
  ]);
}
