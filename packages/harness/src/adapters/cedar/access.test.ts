import { API_ACTIONS, type ApiAction, isApiAction, type Role, ROLES, SCOPES } from "@assent/contract";
import { expect, test } from "vitest";
import type { Access } from "../../core/access/access-point.ts";
import type { AccessSubject } from "../../core/access/access-question.ts";
import { APPROVING_ROLES, APPROVING_SCOPE } from "../../core/decide/assent-data.ts";
import { openAccess } from "./access.ts";
import { shippedAccessFolder } from "./policy-folder.ts";

const TENANT = `ten_${"0".repeat(32)}` as const;
const ALL: readonly ApiAction[] = Object.keys(API_ACTIONS).filter(isApiAction);

function subject(change: Partial<AccessSubject>): AccessSubject {
  const actor = { id: `prn_${"1".repeat(32)}`, kind: "human", name: "anna" } as const;
  return { tenant: TENANT, actor, scopes: [], roles: [], ...change };
}

function open(source: Parameters<typeof openAccess>[0]): Access {
  const opened = openAccess(source);
  if (!opened.ok) throw new Error(opened.error.detail);
  return opened.value;
}

const shipped = open({ folder: shippedAccessFolder() });
const permitted = (who: AccessSubject, access = shipped): ApiAction[] =>
  ALL.filter((action) => access.permits(who, action));

test.each<[Role, ApiAction[]]>([
  [
    "requester",
    ["runs.submit", "runs.cancel", "runs.drive", "runs.read", "documents.read", "documents.write"],
  ],
  [
    "approver",
    [
      "runs.read",
      "documents.read",
      "approvals.decide",
      "decisions.read",
      "precedents.read",
      "precedents.revoke",
    ],
  ],
  [
    "auditor",
    [
      "runs.read",
      "documents.read",
      "decisions.read",
      "precedents.read",
      "keys.read",
      "access.read",
      "audit.read",
    ],
  ],
  ["admin", ALL.filter((action) => action !== "service.describe")],
])("the role %s permits these and no other", (role, actions) => {
  expect(permitted(subject({ roles: [role] })).toSorted()).toEqual(
    [...actions, "service.describe"].toSorted(),
  );
});

test.each(Object.entries(API_ACTIONS))("%s is permitted by the scope %s alone", (action, scope) => {
  for (const held of SCOPES)
    expect(permitted(subject({ scopes: [held] })).some((found) => found === action)).toBe(
      scope === null || scope === held,
    );
});

test("whoever holds nothing may only read what the API is", () => {
  expect(permitted(subject({}))).toEqual(["service.describe"]);
});

test("deny wins over every role, and an error is a deny", () => {
  const admin = subject({ roles: ["admin"] });
  const permit = `@id("all") permit (principal, action, resource);`;
  const forbid = `@id("humans") forbid (principal, action == Action::"keys.create", resource) when { principal.kind == "human" };`;
  expect(permitted(admin, open({ texts: { "a.cedar": permit } }))).toEqual(ALL);
  expect(permitted(admin, open({ texts: { "a.cedar": permit, "b.cedar": forbid } }))).toEqual(
    ALL.filter((action) => action !== "keys.create"),
  );
  const broken = structuredClone(admin);
  Reflect.set(broken.actor, "name", 7);
  expect(permitted(broken)).toEqual([]);
});

test.each([
  [`@id("a") permit (principal, action == Action::"runs.everything", resource);`, "policy_schema"],
  [`@id("a") @needs_approval forbid (principal, action, resource);`, "policy_annotation"],
  [`@id("a") permit (principal, action, resource) when { context.tainted };`, "policy_schema"],
  ["", "policy_missing"],
])("%s is not loaded", (text, code) => {
  const opened = openAccess({ texts: { "a.cedar": text } });
  expect(opened.ok ? null : opened.error.code).toBe(code);
});

test("an answer is remembered for the very same question: any other caller, role, scope, tenant or action is asked anew", () => {
  const access = open({ folder: shippedAccessFolder() });
  const admin = subject({ roles: ["admin"] });
  expect(access.permits(admin, "keys.create")).toBe(true);
  // The same principal, by id and name, without what it was allowed it for.
  expect(access.permits(subject({ roles: ["auditor"] }), "keys.create")).toBe(false);
  expect(access.permits(subject({}), "keys.create")).toBe(false);
  expect(access.permits(admin, "keys.create")).toBe(true);

  const texts = {
    "own.cedar": `@id("own") permit (principal, action, resource == Tenant::"${TENANT}") when { principal.name == "anna" && context.scopes.contains("runs:write") };`,
  };
  const own = open({ texts });
  const anna = subject({ scopes: ["runs:write"] });
  const other = { ...anna, tenant: `ten_${"9".repeat(32)}` } as const;
  const ben = { ...anna, actor: { ...anna.actor, name: "ben" } };
  for (let round = 0; round < 2; round += 1) {
    expect(own.permits(anna, "runs.submit")).toBe(true);
    expect(own.permits(subject({}), "runs.submit")).toBe(false);
    expect(own.permits(other, "runs.submit")).toBe(false);
    expect(own.permits(ben, "runs.submit")).toBe(false);
  }
});

test("what verifiers of a log take for the right to approve is what these rules permit it by", () => {
  const roles = ROLES.filter((role) => permitted(subject({ roles: [role] })).includes("approvals.decide"));
  const scopes = SCOPES.filter((scope) =>
    permitted(subject({ scopes: [scope] })).includes("approvals.decide"),
  );
  expect([roles, scopes, shipped.ownRules]).toEqual([APPROVING_ROLES, [APPROVING_SCOPE], null]);
  // Of others nobody says what they take for it.
  const [own, other] = ["approver", "auditor"].map(
    (role) =>
      open({
        texts: {
          "a.cedar": `@id("a")@description("A.")permit(principal in Role::"${role}",action,resource);`,
        },
      }).ownRules,
  );
  expect([own, other]).toEqual([expect.stringMatching(/^sha256:/), expect.stringMatching(/^sha256:/)]);
  expect(own).not.toBe(other);
});
