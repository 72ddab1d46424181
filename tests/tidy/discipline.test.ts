// What makes a test worth nothing: being left out, leaving out all the others, or hoping that some time is enough.

import { expect, test } from "vitest";
import { lineAt, listFiles, nameOf, read, visit } from "./tree.ts";

type Found = { readonly file: string; readonly line: number; readonly what: string };

const LEFT_OUT = /\.(?:only|skip|todo|skipIf|runIf|fails)$/;
/** They give up after a second, which a busy machine takes for nothing: `until` of tests/support waits longer. */
const IMPATIENT = /^(?:vi\.waitFor|vi\.waitUntil|expect\.poll)$/;
const WAITING = /^(?:setTimeout|setInterval|delay|pause|(?:.*\.)?sleep)$/;

// A scenario whose target lacks something is skipped here, by the target's own word and with its reason in the report.
const MAY_SKIP: readonly string[] = ["tests/support/target/prove.ts"];

function undisciplined(file: string, text: string): Found[] {
  const found: Found[] = [];
  visit(file, text, (node) => {
    const add = (what: string): void => {
      found.push({ file, line: lineAt(text, node.start), what });
    };
    const name = nameOf(node) ?? "";
    if (node.type === "MemberExpression" && LEFT_OUT.test(name) && !MAY_SKIP.includes(file)) add(name);
    if (node.type === "CallExpression") {
      const called = nameOf(node["callee"]) ?? "";
      if (WAITING.test(called)) add(called);
      if (IMPATIENT.test(called) && !text.slice(node.start, node.end).includes("timeout:")) add(called);
      if (called === "expect" && /^expect\((?:true|false|1|null)\)/.test(text.slice(node.start)))
        add("expect(constant)");
    }
    // setImmediate gives others their turn and takes no time, so it stays allowed.
    if (
      /^import[^;]*\b(?:setTimeout|setInterval|scheduler)\b[^;]*"(?:node:)?timers/.test(
        importText(node, text),
      )
    )
      add("node:timers");
  });
  return found;
}

const importText = (node: { readonly type: string; readonly start: number }, text: string): string =>
  node.type === "ImportDeclaration" ? text.slice(node.start) : "";

const tests = listFiles("packages/*/src/**/*.test.{ts,tsx}", "tests/**/*.test.{ts,tsx}");
const support = listFiles("tests/support/target/**/*.ts");

test("no test is left out, leaves out others, or sleeps", () => {
  expect(tests.length).toBeGreaterThan(20);
  expect([...tests, ...support].flatMap((file) => undisciplined(file, read(file)))).toEqual([]);
});

test.each([
  ['test.only("a", f);', "test.only"],
  ['describe.skip("a", f);', "describe.skip"],
  ['test.todo("a");', "test.todo"],
  ['test.skipIf(windows)("a", f);', "test.skipIf"],
  ['it.fails("a", f);', "it.fails"],
  ["context.skip();", "context.skip"],
  ["await new Promise((done) => setTimeout(done, 10));", "setTimeout"],
  ["await clock.sleep(10);", "clock.sleep"],
  ["await vi.waitUntil(() => told);", "vi.waitUntil"],
  ["await expect.poll(told).toBe(true);", "expect.poll"],
  ['import { setTimeout as later } from "node:timers/promises";', "node:timers"],
  ["expect(true).toBe(true);", "expect(constant)"],
])("finds %s", (text, what) => {
  expect(undisciplined("x.test.ts", text).map((found) => found.what)).toEqual([what]);
});

test("every test file belongs to one project of vitest.config.ts", () => {
  const known =
    /^(?:packages\/[a-z]+\/src\/|tests\/(?:integration|e2e|harmony|nightly|security|tidy)\/).*\.ts$/;
  expect(tests.filter((file) => !known.test(file))).toEqual([]);
});
