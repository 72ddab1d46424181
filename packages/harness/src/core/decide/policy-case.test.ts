import { expect, test } from "vitest";
import { policyCasesSchema, runPolicyCase } from "./policy-case.ts";
import type { ActionRequest } from "./action-request.ts";
import type { Policies } from "./policy-point.ts";
import type { PolicyVerdict } from "./policy-verdict.ts";

const ASKED: PolicyVerdict = {
  verdict: "needs_approval",
  reasons: [
    { code: "needs_approval", policy: "a", detail: "" },
    { code: "needs_approval", policy: "b", detail: "" },
  ],
  assent: { approvers: ["anna"], quorum: 1, separateDuties: true, timeoutMs: 60_000, onTimeout: "deny" },
};

const CALL = { effect: "once", harm: ["money"], tainted: true };

function faultOf(expected: object, call: object = CALL): string | null {
  const policies: Policies = { version: "sha256:0", rules: [], decide: () => ASKED };
  const { cases } = policyCasesSchema.parse({ cases: [{ name: "x", call, expect: expected }] });
  return cases.map((one) => runPolicyCase(policies, one))[0] ?? null;
}

const GOOD = {
  verdict: "needs_approval",
  policies: ["b", "a"],
  approvers: ["anna"],
  quorum: 1,
  separate_duties: true,
  timeout_ms: 60_000,
};

test("what is as expected is no fault", () => {
  expect(faultOf(GOOD)).toBeNull();
});

test.each([
  ["verdict", { ...GOOD, verdict: "permit" }],
  ["policies", { ...GOOD, policies: ["a"] }],
  ["policies", { ...GOOD, policies: ["a", "b", "c"] }],
  ["approvers", { ...GOOD, approvers: [] }],
  ["quorum", { ...GOOD, quorum: 2 }],
  ["separate_duties", { ...GOOD, separate_duties: false }],
  ["timeout_ms", { ...GOOD, timeout_ms: 1 }],
])("another %s is a fault that is named", (name, expected) => {
  expect(faultOf(expected)).toMatch(new RegExp(`^${name}: expected `, "u"));
});

const refused = (value: unknown): boolean => !policyCasesSchema.safeParse(value).success;

test("an expectation that is misspelt, or a file without cases, is refused", () => {
  expect(refused({ cases: [] })).toBe(true);
  expect(refused({ cases: [{ name: "x", call: CALL, expect: { ...GOOD, qorum: 1 } }] })).toBe(true);
  expect(refused({ cases: [{ name: "x", call: { ...CALL, taint: true }, expect: GOOD }] })).toBe(true);
});

test("every value inside an argument gets the argument's origin", () => {
  const seen: ActionRequest[] = [];
  const policies: Policies = {
    version: "sha256:0",
    rules: [],
    decide: (request) => {
      seen.push(request);
      return ASKED;
    },
  };
  const call = {
    ...CALL,
    control: { to: { value: [{ "a/b": 1 }], origin: "trusted" } },
    content: { text: { value: [], origin: "model" } },
  };
  const { cases } = policyCasesSchema.parse({ cases: [{ name: "x", call, expect: GOOD }] });
  for (const one of cases) runPolicyCase(policies, one);
  expect(seen[0]?.controlArguments).toEqual(["to"]);
  expect(seen[0]?.action.arguments).toEqual({ to: [{ "a/b": 1 }], text: [] });
  expect(seen[0]?.labels).toMatchObject({
    "/to/0/a~1b": { origin: "trusted" },
    "/text": { origin: "model" },
  });
});
