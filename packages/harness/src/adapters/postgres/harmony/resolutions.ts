import {
  experienced,
  HarmonyError,
  type HarmonyStore,
  isHarmonyError,
  parseTimestamp,
  Resolution,
} from "@assent/harmony";
import type { Scope } from "../rows.ts";
import { idBytes, idOf } from "./ids.ts";
import { unreadablePattern } from "./patterns.ts";
import type { InTenant } from "./scope.ts";

export type ResolutionRow = {
  readonly id: Buffer;
  readonly pattern_id: Buffer;
  readonly revoked: boolean;
  readonly record: unknown;
};

const COLUMNS = "id, pattern_id, revoked, record";

/** The row's answer; null where there is none in it, or another one's. */
export function resolutionOf({ id, pattern_id, revoked, record }: ResolutionRow): Resolution | null {
  try {
    const read = Resolution.fromJSON(record);
    const isItsOwn =
      read.resolutionId === idOf(id) &&
      read.patternId === idOf(pattern_id) &&
      (read.revokedAt !== null) === revoked;
    return isItsOwn ? read : null;
  } catch (error) {
    if (isHarmonyError(error)) return null;
    throw error;
  }
}

const nameOf = ({ id }: Pick<ResolutionRow, "id">): string =>
  `the row ${idOf(id)} of assent.harmony_resolutions`;

type ResolutionPart = Pick<
  HarmonyStore,
  | "saveResolution"
  | "loadResolution"
  | "findResolution"
  | "listResolutions"
  | "unreadableResolutions"
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
        if (rows.length === 1) return true;
        // To say "it is stored already" of what cannot be read would be to lose the answer.
        const kept = await rowOf({ query, tenant }, resolution.patternId, resolution.resolutionId, "");
        if (kept !== null && resolutionOf(kept) === null)
          throw new HarmonyError(
            "invalid_record",
            `${nameOf(kept)} is in the way and is not this answer; restore or remove it`,
          );
        return false;
      }),
    loadResolution: async (patternId, resolutionId) =>
      await inTenant(async (scope) => await load(scope, patternId, resolutionId, "")),
    findResolution: async (resolutionId) =>
      await inTenant(async ({ query, tenant }) => {
        const [row] = await query<ResolutionRow>(
          `select ${COLUMNS} from assent.harmony_resolutions where tenant_id = $1 and id = $2 order by pattern_id limit 1`,
          [tenant, idBytes(resolutionId, "resolution_id")],
        );
        return row === undefined ? null : resolutionOf(row);
      }),
    listResolutions: async (patternId) =>
      await inTenant(async (scope) => await listResolutions(scope, [patternId], false)),
    unreadableResolutions: async (patternId) =>
      await inTenant(async (scope) => {
        const pattern = await unreadablePattern(scope, idBytes(patternId, "pattern_id"));
        const answers = await rowsOf(scope, [patternId], false);
        return [
          ...(pattern === null ? [] : [pattern]),
          ...answers.flatMap((row) => (resolutionOf(row) === null ? [nameOf(row)] : [])),
        ];
      }),
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

async function rowOf(
  { query, tenant }: Pick<Scope, "query" | "tenant">,
  patternId: string,
  resolutionId: string,
  lock: "" | " for update",
): Promise<ResolutionRow | null> {
  const [row] = await query<ResolutionRow>(
    `select ${COLUMNS} from assent.harmony_resolutions where tenant_id = $1 and pattern_id = $2 and id = $3${lock}`,
    [tenant, idBytes(patternId, "pattern_id"), idBytes(resolutionId, "resolution_id")],
  );
  return row ?? null;
}

async function load(...asked: Parameters<typeof rowOf>): Promise<Resolution | null> {
  const row = await rowOf(...asked);
  return row === null ? null : resolutionOf(row);
}

async function rowsOf(
  { query, tenant }: Scope,
  patternIds: readonly string[],
  inForceOnly: boolean,
): Promise<readonly ResolutionRow[]> {
  return await query<ResolutionRow>(
    `select ${COLUMNS} from assent.harmony_resolutions
     where tenant_id = $1 and pattern_id = any ($2) and not (revoked and $3) order by id, pattern_id`,
    [tenant, patternIds.map((id) => idBytes(id, "pattern_id")), inForceOnly],
  );
}

/** Those that can be read, in the order of their ids. */
export async function listResolutions(...asked: Parameters<typeof rowsOf>): Promise<readonly Resolution[]> {
  return (await rowsOf(...asked)).flatMap((row) => resolutionOf(row) ?? []);
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
