// What the gate says of failed tests, held by a real run of vitest over tests that fail in each way there is.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { failedSoFar, failuresOf, reasonsIn } from "../../scripts/gate-failures.ts";
import { ROOT } from "./tree.ts";

const VITEST = join(ROOT, "node_modules", "vitest", "vitest.mjs");
// Inside of the repository, where vitest is found.
mkdirSync(join(ROOT, "node_modules", ".cache"), { recursive: true });
const folder = mkdtempSync(join(ROOT, "node_modules", ".cache", "failing-"));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const FILES = {
  "assertion.test.mjs":
    'test("no more than one", () => { expect({ a: 1 }).toEqual({ a: 2 }); }); test("fine", () => {});',
  "hook.test.mjs": 'beforeAll(() => { throw new Error("the hook broke"); }); test("never", () => {});',
  "load.test.mjs": 'import "./is-not-there.mjs";',
  "rejection.test.mjs": 'test("passes", () => { Promise.reject(new Error("nobody waits")); });',
};

test("names every failure, and why; and nothing of what passed", () => {
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      VITEST,
      "run",
      `--root=${folder}`,
      "--globals",
      "--reporter=default",
      "--reporter=json",
      "--outputFile.json=r.json",
    ],
    { encoding: "utf8", env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined } },
  );
  const { testResults } = JSON.parse(readFileSync(join(folder, "r.json"), "utf8"));
  expect(failuresOf(testResults, `${folder}/`).toSorted()).toEqual([
    "assertion.test.mjs > no more than one",
    "hook.test.mjs",
    "load.test.mjs",
  ]);
  const output = stdout + stderr;
  expect(failedSoFar(output)).toEqual([expect.stringMatching(/^× no more than one/u)]);
  const reasons = reasonsIn(output);
  for (const reason of ['"a": 2', "the hook broke", "is-not-there.mjs", "nobody waits"])
    expect(reasons).toContain(reason);
  expect(reasons).not.toContain("✓");
  expect(reasonsIn("all is well")).toBe("");
});
