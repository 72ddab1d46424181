import { API_ACTIONS, isApiAction, type TenantId } from "@assent/contract";
import { expect, test } from "vitest";
import type { AccessSubject } from "./access-question.ts";
import { withInstallation } from "./installation-actions.ts";

const [operators, guests]: [TenantId, TenantId] = [`ten_${"1".repeat(32)}`, `ten_${"2".repeat(32)}`];
const adminOf = (tenant: TenantId): AccessSubject => ({
  tenant,
  actor: { id: `prn_${"1".repeat(32)}`, kind: "human", name: "admin" },
  scopes: [],
  roles: ["admin"],
});

test("an admin may everything in the tenant, and see what all share only where the installation is operated", () => {
  const access = withInstallation({ permits: () => true, ownRules: null }, operators);
  const refused = (tenant: TenantId): string[] =>
    Object.keys(API_ACTIONS)
      .filter(isApiAction)
      .filter((action) => !access.permits(adminOf(tenant), action));
  expect(refused(operators)).toEqual([]);
  expect(refused(guests)).toEqual(["metrics.read"]);
  const closed = withInstallation({ permits: () => false, ownRules: null }, operators);
  expect(closed.permits(adminOf(operators), "metrics.read")).toBe(false);
});
