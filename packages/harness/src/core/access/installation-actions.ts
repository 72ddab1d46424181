// What is the installation's and no tenant's. A role says what its holder may do in the tenant; of what all tenants share
// an admin of one of them sees nothing by that (invariant 8, tenant walls).

import type { ApiAction, TenantId } from "@assent/contract";
import type { Access } from "./access-point.ts";

/** Metrics count all tenants' runs, decisions, tokens and entries together. */
const INSTALLATION_ACTIONS: ReadonlySet<ApiAction> = new Set(["metrics.read"]);

/** @param operators the tenant that the installation was set up with */
export const withInstallation = (access: Access, operators: TenantId): Access => ({
  ...access,
  permits: (subject, action) =>
    (subject.tenant === operators || !INSTALLATION_ACTIONS.has(action)) && access.permits(subject, action),
});
