import { comparePolicies, type HarmonyStore, policyFromJson, policyToJson } from "@assent/harmony";
import { idBytes } from "./ids.ts";
import type { InTenant } from "./scope.ts";

type PolicyRow = { record: unknown };
type PolicyPart = Pick<HarmonyStore, "savePolicy" | "loadPolicy" | "listPolicies" | "removePolicy">;

export function policyPart(inTenant: InTenant): PolicyPart {
  return {
    savePolicy: async (policy) =>
      await inTenant(async ({ query, tenant }) => {
        const rows = await query<{ id: Buffer }>(
          `insert into assent.harmony_policies (tenant_id, id, record) values ($1, $2, $3)
           on conflict do nothing returning id`,
          [tenant, idBytes(policy.policyId), JSON.stringify(policyToJson(policy))],
        );
        return rows.length === 1;
      }),
    loadPolicy: async (id) =>
      await inTenant(async ({ query, tenant }) => {
        const [row] = await query<PolicyRow>(
          "select record from assent.harmony_policies where tenant_id = $1 and id = $2",
          [tenant, idBytes(id, "policy_id")],
        );
        return row === undefined ? null : policyFromJson(row.record);
      }),
    listPolicies: async () =>
      await inTenant(async ({ query, tenant }) => {
        const rows = await query<PolicyRow>(
          "select record from assent.harmony_policies where tenant_id = $1",
          [tenant],
        );
        return rows.map(({ record }) => policyFromJson(record)).toSorted(comparePolicies);
      }),
    removePolicy: async (id) =>
      await inTenant(async ({ query, tenant }) => {
        const rows = await query<{ id: Buffer }>(
          "delete from assent.harmony_policies where tenant_id = $1 and id = $2 returning id",
          [tenant, idBytes(id, "policy_id")],
        );
        return rows.length === 1;
      }),
  };
}
