import {
  type ConflictPattern,
  type HarmonyStore,
  SIMILARITY_MIN,
  similarityKeysOf,
  similarityOf,
} from "@assent/harmony";
import type { Scope } from "../rows.ts";
import { idBytes } from "./ids.ts";
import { patternOf, seenPattern, type StoredPattern } from "./patterns.ts";
import { listResolutions } from "./resolutions.ts";
import type { InTenant } from "./scope.ts";
import { type Sightings, WITH_SIGHTINGS } from "./sightings.ts";

/** Patterns that are compared token by token for one question; the newest where more share a band or a shape. */
const CANDIDATES_MAX = 512;

/**
 * Candidates share a shape or a MinHash band, which an index finds, and have an answer in force; each is then compared
 * exactly. So what asking costs does not grow with the questions that were put before.
 */
export function similarPart(inTenant: InTenant): Pick<HarmonyStore, "findSimilar"> {
  return {
    findSimilar: async (pattern, limit) =>
      await inTenant(async (scope) => {
        const near = (await candidates(scope, pattern))
          .map((other) => ({ pattern: other, similarity: similarityOf(pattern, other) }))
          .filter(({ similarity }) => similarity >= SIMILARITY_MIN)
          .toSorted(
            (a, b) => b.similarity - a.similarity || (a.pattern.patternId < b.pattern.patternId ? -1 : 1),
          )
          .slice(0, limit);
        if (near.length === 0) return [];
        const ids = near.map((each) => each.pattern.patternId);
        const answers = await listResolutions(scope, ids, true);
        const seen = await sightingsOf(scope, ids);
        return near.flatMap(({ pattern: other, similarity }) =>
          answers
            .filter(({ patternId }) => patternId === other.patternId)
            .map((resolution) => ({
              pattern: seenPattern(other, seen.get(other.patternId) ?? NEVER),
              similarity,
              resolution,
            })),
        );
      }),
  };
}

async function candidates({ query, tenant }: Scope, pattern: ConflictPattern): Promise<ConflictPattern[]> {
  const shape = pattern.semanticFingerprint;
  const rows = await query<StoredPattern>(
    `select id, record from assent.harmony_patterns
     where tenant_id = $1 and scope = $2 and domain = $3 and conflict_type = $4 and id <> $5 and answered
       and (bands && $6::bigint[] or semantic_fingerprint = $7)
     order by recorded_at desc, id limit $8`,
    [
      tenant,
      pattern.scope,
      pattern.domain,
      pattern.conflictType,
      idBytes(pattern.patternId),
      similarityKeysOf(pattern.tokens),
      shape === null ? null : idBytes(shape),
      CANDIDATES_MAX,
    ],
  );
  return rows.flatMap((row) => patternOf(row) ?? []);
}

const NEVER: Sightings = { sightings: 0, sighted_at: null };

async function sightingsOf(
  { query, tenant }: Scope,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Sightings>> {
  const rows = await query<Sightings & { readonly id: Buffer }>(
    `select r.id, s.* from assent.harmony_patterns r ${WITH_SIGHTINGS}
     where r.tenant_id = $1 and r.id = any ($2)`,
    [tenant, ids.map((id) => idBytes(id))],
  );
  return new Map(rows.map(({ id, ...seen }) => [`sha256:${id.toString("hex")}`, seen]));
}
