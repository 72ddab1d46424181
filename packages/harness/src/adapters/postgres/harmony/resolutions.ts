import { experienced, type HarmonyStore, parseTimestamp, Resolution } from "@assent/harmony";
import type { Scope } from "../rows.ts";
import { idBytes } from "./ids.ts";
import type { InTenant } from "./scope.ts";

type ResolutionRow = { record: unknown };

type ResolutionPart = Pick<
  HarmonyStore,
  | "saveResolution"
  | "loadResolution"
  | "findResolution"
  | "listResolutions"
  | "addExperience"
  | "revokeResolution"
>;

export function resolutionPart(inTenant: InTenant): ResolutionPart {
  return {
    saveResolution: async (resolution) =>
      await inTenant(async ({ query, tenant }) => {
        const rows = await query<{ id: Buffer }>(
          `insert into assent.harmony_resolutions (tenant_id, pattern_id, id, revoked, record)
           values ($1, $2, $3, $4, $5) on conflict do nothing returning id`,
          [
            tenant,
            idBytes(resolution.patternId),
            idBytes(resolution.resolutionId),
            resolution.revokedAt !== null,
            JSON.stringify(resolution),
          ],
        );
        return rows.length === 1;
      }),
    loadResolution: async (patternId, resolutionId) =>
      await inTenant(async (scope) => await load(scope, patternId, resolutionId, "")),
    findResolution: async (resolutionId) =>
      await inTenant(async ({ query, tenant }) => {
        const [row] = await query<ResolutionRow>(
          "select record from assent.harmony_resolutions where tenant_id = $1 and id = $2 order by pattern_id limit 1",
          [tenant, idBytes(resolutionId, "resolution_id")],
        );
        return row === undefined ? null : Resolution.fromJSON(row.record);
      }),
    listResolutions: async (patternId) =>
      await inTenant(async (scope) => await listResolutions(scope, [patternId], false)),
    addExperience: async (patternId, resolutionId, experience, actor, at) =>
      await inTenant(
        async (scope) =>
          await change(scope, patternId, resolutionId, (stored) =>
            experienced(stored, experience, actor, parseTimestamp(at)),
          ),
      ),
    revokeResolution: async (patternId, resolutionId, actor, at, reason) =>
      await inTenant(
        async (scope) =>
          await change(scope, patternId, resolutionId, (stored) =>
            stored.revokedAt === null
              ? stored.with({ revokedAt: parseTimestamp(at), revokedBy: actor, revokedReason: reason })
              : stored,
          ),
      ),
  };
}

async function load(
  { query, tenant }: Scope,
  patternId: string,
  resolutionId: string,
  lock: "" | " for update",
): Promise<Resolution | null> {
  const [row] = await query<ResolutionRow>(
    `select record from assent.harmony_resolutions where tenant_id = $1 and pattern_id = $2 and id = $3${lock}`,
    [tenant, idBytes(patternId, "pattern_id"), idBytes(resolutionId, "resolution_id")],
  );
  return row === undefined ? null : Resolution.fromJSON(row.record);
}

/** In the order of their ids. */
export async function listResolutions(
  { query, tenant }: Scope,
  patternIds: readonly string[],
  inForceOnly: boolean,
): Promise<readonly Resolution[]> {
  const rows = await query<ResolutionRow>(
    `select record from assent.harmony_resolutions
     where tenant_id = $1 and pattern_id = any ($2) and not (revoked and $3) order by id, pattern_id`,
    [tenant, patternIds.map((id) => idBytes(id, "pattern_id")), inForceOnly],
  );
  return rows.map(({ record }) => Resolution.fromJSON(record));
}

async function change(
  scope: Scope,
  patternId: string,
  resolutionId: string,
  next: (stored: Resolution) => Resolution,
): Promise<Resolution | null> {
  const stored = await load(scope, patternId, resolutionId, " for update");
  if (stored === null) return null;
  const changed = next(stored);
  await scope.query(
    `update assent.harmony_resolutions set record = $4, revoked = $5
     where tenant_id = $1 and pattern_id = $2 and id = $3`,
    [
      scope.tenant,
      idBytes(patternId),
      idBytes(resolutionId),
      JSON.stringify(changed),
      changed.revokedAt !== null,
    ],
  );
  return changed;
}
