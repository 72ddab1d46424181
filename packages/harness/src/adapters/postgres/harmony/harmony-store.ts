// Harmony's memory on Postgres: the store that the service uses. It passes the same contract test as the files.

import type { HarmonyStore } from "@assent/harmony";
import { type TenantId, uuidOf } from "@assent/contract";
import type { Pool } from "pg";
import { transaction } from "../connect.ts";
import { queryOn } from "../store.ts";
import { auditPart } from "./audit.ts";
import { escalationPart } from "./escalations.ts";
import { patternPart } from "./patterns.ts";
import { policyPart } from "./policies.ts";
import { resolutionPart } from "./resolutions.ts";
import type { InTenant } from "./scope.ts";
import { similarPart } from "./similar.ts";

const TRANSACTION_ATTEMPTS_MAX = 5;

/** The memory of one tenant. Each method is one transaction. */
export function postgresHarmonyStore(pool: Pool, tenantId: TenantId): HarmonyStore {
  const tenant = uuidOf(tenantId);
  const inTenant: InTenant = async (work) =>
    await transaction(
      pool,
      async (client) => {
        const query = queryOn(client);
        await query("select set_config('assent.tenant', $1, true)", [tenant]);
        return await work({ query, tenant });
      },
      { attemptsMax: TRANSACTION_ATTEMPTS_MAX },
    );
  return {
    ...patternPart(inTenant),
    ...resolutionPart(inTenant),
    ...similarPart(inTenant),
    ...policyPart(inTenant),
    ...escalationPart(inTenant),
    ...auditPart(inTenant),
    clear: async () => await inTenant(async ({ query }) => await clear(query, tenant)),
  };
}

async function clear(query: ReturnType<typeof queryOn>, tenant: string): Promise<number> {
  let removed = 0;
  for (const table of [
    "harmony_policies",
    "harmony_resolutions",
    "harmony_patterns",
    "harmony_escalations",
  ]) {
    const rows = await query<{ id: Buffer }>(
      `delete from assent.${table} where tenant_id = $1 returning id`,
      [tenant],
    );
    removed += rows.length;
  }
  return removed;
}
