// The security regression set: the five of the plan are all there, nothing in it is empty, left out or gone, and no
// security test lies outside of it. That none of it was skipped when it ran, the gate asks of the report.

import { SCENARIOS, SECURITY_SET } from "@assent/suite";
import { expect, test } from "vitest";
import { listFiles, nameOf, read, visit } from "./tree.ts";

/** The plan's words, and the order of spec/acceptance.md. */
const PLAN: readonly (readonly [id: string, title: string])[] = [
  ["Sec1", "Authn/Authz bypass attempts across all harness endpoints"],
  ["Sec2", "Tenant isolation checks in retrieval, artifacts, status APIs"],
  ["Sec3", "Secret leakage checks in logs, traces, and returned artifacts"],
  ["Sec4", "Tool sandbox escape/path traversal checks"],
  ["Sec5", "Audit tamper detection checks"],
];

const FILES: readonly string[] = listFiles("tests/**/*.test.ts", "packages/*/src/**/*.test.ts");

/** Calls that make a test, of which a file must have one. */
const TESTING = /^(?:test|it|prove|proveKills)(?:\.each)?$/;
const LEFT_OUT = /\.(?:only|skip|todo|skipIf|runIf|fails)$/;

function faultsOf(file: string, text: string): string[] {
  let tests = 0;
  const faults: string[] = [];
  visit(file, text, (node) => {
    const name = nameOf(node) ?? "";
    if (node.type === "MemberExpression" && LEFT_OUT.test(name)) faults.push(`${file}: ${name}`);
    if (node.type === "CallExpression" && TESTING.test(nameOf(node["callee"]) ?? "")) tests += 1;
  });
  return tests === 0 ? [...faults, `${file}: no test`] : faults;
}

test("the five of the plan are in it, in its words and order", () => {
  const ours = SECURITY_SET.filter(({ id }) => id !== "beyond").map(({ id, title }) => [id, title]);
  expect(ours).toEqual(PLAN);
});

test("every member has scenarios of the gate and tests, all of which exist", () => {
  const gated = new Set(SCENARIOS.filter(({ tier }) => tier <= 1).map(({ id }) => id));
  const faults = SECURITY_SET.flatMap(({ id, scenarios, tests }) => [
    ...(scenarios.length === 0 || tests.length === 0 ? [`${id} attacks nothing`] : []),
    ...scenarios.filter((name) => !gated.has(name)).map((name) => `${id}: no scenario of the gate ${name}`),
    ...tests.filter((file) => !FILES.includes(file)).map((file) => `${id}: no test ${file}`),
  ]);
  expect(faults).toEqual([]);
});

test("no test of it is left out, and none of its files is without a test", () => {
  const files = SECURITY_SET.flatMap(({ tests }) => tests);
  expect(files.length).toBeGreaterThan(25);
  expect(files.flatMap((file) => faultsOf(file, read(file)))).toEqual([]);
});

test("every security test is of it, once", () => {
  const files = SECURITY_SET.flatMap(({ tests }) => tests);
  expect(new Set(files).size).toBe(files.length);
  expect(listFiles("tests/security/**/*.test.ts").filter((file) => !files.includes(file))).toEqual([]);
});

test.each([
  ["const a = 1;", ["x.test.ts: no test"]],
  ['test.skip("a", f);', ["x.test.ts: test.skip", "x.test.ts: no test"]],
  ['describe.only("a", f); test("b", f);', ["x.test.ts: describe.only"]],
  ['test.each([1])("a", f);', []],
])("%s", (text, faults) => {
  expect(faultsOf("x.test.ts", text)).toEqual(faults);
});
