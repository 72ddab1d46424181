// What can be asked of the API, by name: each route declares one of these, and the rules in policies/access say who may.

import { z } from "zod";

export const SCOPES = [
  "runs:read",
  "runs:write",
  "approvals:decide",
  "documents:read",
  "documents:write",
  "keys:admin",
  "audit:read",
  "metrics:read",
  "audit:admin",
] as const;
export const scopeSchema = z.enum(SCOPES).meta({ id: "Scope", description: "What a key may be used for." });
export type Scope = z.infer<typeof scopeSchema>;

export const ROLES = ["requester", "approver", "auditor", "admin"] as const;
export const roleSchema = z
  .enum(ROLES)
  .meta({ id: "Role", description: "What its holder does here; rules say what that permits." });
export type Role = z.infer<typeof roleSchema>;

/** Every action, and the scope that it belongs to; null: whoever has a valid credential may. */
export const API_ACTIONS = {
  "runs.submit": "runs:write",
  "runs.cancel": "runs:write",
  "runs.drive": "runs:write",
  "runs.read": "runs:read",
  "approvals.decide": "approvals:decide",
  "decisions.read": "approvals:decide",
  "precedents.read": "approvals:decide",
  "precedents.revoke": "approvals:decide",
  "documents.read": "documents:read",
  "documents.write": "documents:write",
  "keys.read": "keys:admin",
  "keys.create": "keys:admin",
  "keys.rotate": "keys:admin",
  "keys.revoke": "keys:admin",
  "webhooks.read": "keys:admin",
  "webhooks.manage": "keys:admin",
  "access.read": "audit:read",
  "metrics.read": "metrics:read",
  "audit.read": "audit:read",
  "audit.manage": "audit:admin",
  "service.describe": null,
} as const satisfies Record<string, Scope | null>;
export type ApiAction = keyof typeof API_ACTIONS;

export function isApiAction(name: unknown): name is ApiAction {
  return typeof name === "string" && Object.hasOwn(API_ACTIONS, name);
}
