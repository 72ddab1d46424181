import { API_ACTIONS, isApiAction, type Role, type Scope } from "@assent/contract";
import type { Access } from "./access-point.ts";
import type { AccessSubject } from "./access-question.ts";

/** Those of the scopes and roles that would permit the caller's principal something which the caller may not do. */
export function lackingOf(
  access: Pick<Access, "permits">,
  caller: AccessSubject,
  wanted: { readonly scopes: readonly Scope[]; readonly roles: readonly Role[] },
): readonly (Scope | Role)[] {
  const actions = Object.keys(API_ACTIONS).filter(isApiAction);
  const forbidden = actions.filter((action) => !access.permits(caller, action));
  const gives = (held: Pick<AccessSubject, "scopes" | "roles">): boolean =>
    forbidden.some((action) => access.permits({ ...caller, ...held }, action));
  return [
    ...wanted.scopes.filter(
      (scope) => !caller.scopes.includes(scope) && gives({ scopes: [scope], roles: [] }),
    ),
    ...wanted.roles.filter((role) => !caller.roles.includes(role) && gives({ scopes: [], roles: [role] })),
  ];
}
