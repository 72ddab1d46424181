// Which quotas a request is counted against, and which rights of another's key somebody would gain.

import { expect, test } from "vitest";
import type { Access } from "./access-point.ts";
import { lackingOf } from "./lacking.ts";
import { policiesFor } from "./quota.ts";

const quota = (requests: number): { readonly requests: number; readonly windowSeconds: number } => ({
  requests,
  windowSeconds: 60,
});

test("the action's own quota, the principal's and the tenant's, in this order, and none that is not set", () => {
  const all = { tenant: quota(3), principal: quota(2), actions: { "runs.read": quota(1) } };
  expect(policiesFor(all, "runs.read")).toEqual([
    { name: "runs.read", quota: quota(1) },
    { name: "principal", quota: quota(2) },
    { name: "tenant", quota: quota(3) },
  ]);
  expect(policiesFor(all, "runs.submit").map(({ name }) => name)).toEqual(["principal", "tenant"]);
  expect(policiesFor({ tenant: quota(3), principal: null, actions: {} }, "runs.read")).toEqual([
    { name: "tenant", quota: quota(3) },
  ]);
  expect(policiesFor({ tenant: null, principal: null, actions: {} }, "runs.read")).toEqual([]);
});

test("of what is wanted that lacks which the caller has not, and which permits something that the caller may not do", () => {
  // By scope alone: who has `runs` may read runs; the role of an auditor permits nothing here.
  const access: Pick<Access, "permits"> = {
    permits: ({ scopes, roles }, action) =>
      (action === "runs.read" && scopes.includes("runs:read")) ||
      (action === "keys.create" && roles.includes("admin")),
  };
  const caller = {
    tenant: `ten_${"1".repeat(32)}` as const,
    actor: { id: `prn_${"1".repeat(32)}` as const, kind: "human" as const, name: "a" },
    scopes: ["documents:read"] as const,
    roles: [],
  };
  expect(
    lackingOf(access, caller, { scopes: ["runs:read", "documents:read"], roles: ["admin", "auditor"] }),
  ).toEqual(["runs:read", "admin"]);
  // What one has oneself lacks to nobody, also where another rule takes it away.
  const unlessAuditor: Pick<Access, "permits"> = {
    permits: ({ scopes, roles }) => scopes.includes("documents:read") && !roles.includes("auditor"),
  };
  expect(
    lackingOf(unlessAuditor, { ...caller, roles: ["auditor"] }, { scopes: ["documents:read"], roles: [] }),
  ).toEqual([]);
  const reader = { ...caller, scopes: ["runs:read"] as const };
  expect(lackingOf(access, reader, { scopes: ["runs:read"], roles: ["auditor"] })).toEqual([]);
});
