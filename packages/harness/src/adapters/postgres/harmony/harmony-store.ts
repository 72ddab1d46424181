// Harmony's memory on Postgres: the store that the service uses. It passes the same contract test as the files.

import type { HarmonyStore } from "@assent/harmony";
import type { Query, Scope } from "../rows.ts";
import type { Sealing } from "../sealing.ts";
import { auditPart } from "./audit.ts";
import { escalationPart } from "./escalations.ts";
import { patternPart } from "./patterns.ts";
import { policyPart } from "./policies.ts";
import { resolutionPart } from "./resolutions.ts";
import type { InTenant } from "./scope.ts";
import { similarPart } from "./similar.ts";

/** The memory of one tenant; `inTenant` runs each method's work in a transaction of that tenant. */
export function postgresHarmonyStore(inTenant: InTenant, sealing: Sealing): HarmonyStore {
  return {
    ...patternPart(inTenant),
    ...resolutionPart(inTenant),
    ...similarPart(inTenant),
    ...policyPart(inTenant),
    ...escalationPart(inTenant),
    ...auditPart(inTenant, sealing),
    clear: async () => await inTenant(async ({ query, tenant }) => await clear(query, tenant)),
  };
}

/** The memory within a transaction that is open already: what it does commits with all else. */
export const harmonyStoreIn = (scope: Scope, sealing: Sealing): HarmonyStore =>
  postgresHarmonyStore(async (work) => await work(scope), sealing);

async function clear(query: Query, tenant: string): Promise<number> {
  await query("delete from assent.harmony_sightings where tenant_id = $1", [tenant]);
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
