import {
  type ConflictPattern,
  type HarmonyStore,
  patternFromJson,
  SIMILARITY_MIN,
  similarityKeysOf,
  similarityOf,
} from "@assent/harmony";
import type { Scope } from "../rows.ts";
import { idBytes } from "./ids.ts";
import { listResolutions } from "./resolutions.ts";
import type { InTenant } from "./scope.ts";

/** Patterns that are compared token by token for one question; the newest where more share a band or a shape. */
const CANDIDATES_MAX = 512;

/** Candidates share a shape or a MinHash band, which an index finds; each is then compared exactly. */
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
        const answers = await listResolutions(
          scope,
          near.map((each) => each.pattern.patternId),
          true,
        );
        return near.flatMap((each) =>
          answers
            .filter(({ patternId }) => patternId === each.pattern.patternId)
            .map((resolution) => ({ ...each, resolution })),
        );
      }),
  };
}

async function candidates({ query, tenant }: Scope, pattern: ConflictPattern): Promise<ConflictPattern[]> {
  const shape = pattern.semanticFingerprint;
  const rows = await query<{ record: unknown }>(
    `select record from assent.harmony_patterns
     where tenant_id = $1 and scope = $2 and domain = $3 and conflict_type = $4 and id <> $5
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
  return rows.map(({ record }) => patternFromJson(record));
}
