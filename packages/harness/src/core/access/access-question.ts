// What the rules in policies/access are told of one request to the API: who, which action, whose tenant. The entities
// are those that rules about tool calls see (policies/schema.cedarschema); the actions come from the contract's table.

import {
  type Actor,
  API_ACTIONS,
  type ApiAction,
  type Role,
  type Scope,
  SCOPES,
  type TenantId,
} from "@assent/contract";
import type { PolicyQuestion } from "../decide/policy-context.ts";

/** As much of a caller as rules may look at. */
export type AccessSubject = {
  readonly tenant: TenantId;
  readonly actor: Pick<Actor, "id" | "kind" | "name">;
  readonly scopes: readonly Scope[];
  readonly roles: readonly Role[];
};

/** What the schema of tool calls lacks for these questions, in Cedar's schema language. */
export function accessSchema(): string {
  const groups = SCOPES.map((scope) => `action ${quote(scope)};`);
  const actions = Object.entries(API_ACTIONS).map(
    ([name, scope]) =>
      `action ${quote(name)}${scope === null ? "" : ` in [Action::${quote(scope)}]`} appliesTo {
  principal: [Principal],
  resource: [Tenant],
  context: { scopes: Set<String> },
};`,
  );
  return [...groups, ...actions].join("\n");
}

// JSON's string form is Cedar's for what stands in the table: no escapes are needed there.
const quote = (name: string): string => JSON.stringify(name);

export function accessQuestion(
  { tenant, actor, scopes, roles }: AccessSubject,
  action: ApiAction,
): PolicyQuestion {
  const of = { type: "Tenant", id: tenant };
  const principal = { type: "Principal", id: actor.id };
  const holds = roles.map((role) => ({ type: "Role", id: role }));
  return {
    principal,
    action: { type: "Action", id: action },
    resource: of,
    context: { scopes: [...scopes] },
    entities: [
      { uid: of, attrs: {}, parents: [] },
      ...holds.map((uid) => ({ uid, attrs: {}, parents: [] })),
      {
        uid: principal,
        // A lone surrogate is no Unicode text, and Cedar would refuse the whole question.
        attrs: { kind: actor.kind, name: actor.name.toWellFormed() },
        parents: [of, ...holds],
      },
    ],
  };
}
