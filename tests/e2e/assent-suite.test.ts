// The suite as its users run it: a command of its own against a URL, knowing nothing but keys.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SCENARIOS } from "@assent/suite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createInProcessTarget } from "../support/target/local-target.ts";

/** What it looks at where it is not told otherwise. */
const GATED = SCENARIOS.filter(({ tier }) => tier <= 1).length;

const COMMAND = fileURLToPath(new URL("../../packages/suite/bin/assent-suite.mjs", import.meta.url));
const START_MS_MAX = 120_000;

const target = createInProcessTarget();
beforeAll(async () => {
  await target.start();
}, START_MS_MAX);
afterAll(async () => {
  await target.stop();
}, START_MS_MAX);

test(
  "it proves a running harness black box and says what it could not look at",
  { timeout: 2 * START_MS_MAX },
  async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      COMMAND,
      target.endpoints()[0] ?? "",
      "--token",
      target.key("requester") ?? "",
      "--approver-token",
      target.key("approver") ?? "",
      "--other-token",
      target.key("other_principal") ?? "",
      "--other-tenant-token",
      target.key("other_tenant") ?? "",
      "--run-body",
      JSON.stringify(target.gatedTask.body),
      "--seed",
      "42",
      "--hold-seconds",
      "1",
    ]);
    expect(stdout).toContain("seed 42");
    expect(stdout).toContain("not looked at: every pair, put to the database (needs db)");
    const closing = stdout.trimEnd().split("\n").at(-1) ?? "";
    const [, passed, skipped] = /^(\d+) passed, 0 failed, (\d+) skipped$/.exec(closing) ?? [];
    expect(Number(passed)).toBeGreaterThanOrEqual(6);
    expect(Number(passed) + Number(skipped)).toBe(GATED);
  },
);
