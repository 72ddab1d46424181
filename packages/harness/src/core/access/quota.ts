// How often somebody may ask.

import type { ApiAction } from "@assent/contract";

/** So many requests in so many seconds. */
export type Quota = { readonly requests: number; readonly windowSeconds: number };

/** Null: no limit of that kind. */
export type Quotas = {
  /** All requests of a tenant. */
  readonly tenant: Quota | null;
  /** All requests of one principal. */
  readonly principal: Quota | null;
  /** A principal's requests for one action. */
  readonly actions: Readonly<Partial<Record<ApiAction, Quota>>>;
};

/** `tenant`, `principal`, or the name of an action: then the quota is a principal's, for that action alone. */
export type QuotaPolicy = { readonly name: string; readonly quota: Quota };

/** The narrowest first, the tenant's last: the database takes from them in this order. */
export function policiesFor(
  { actions, principal, tenant }: Quotas,
  action: ApiAction,
): readonly QuotaPolicy[] {
  return [
    { name: action, quota: actions[action] ?? null },
    { name: "principal", quota: principal },
    { name: "tenant", quota: tenant },
  ].flatMap(({ name, quota }) => (quota === null ? [] : [{ name, quota }]));
}
