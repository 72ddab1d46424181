// The command as it is really started: its own process, its own environment.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { runSchema } from "@assent/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeFolder } from "./support/command.ts";
import { type FakeHarness, startFakeHarness } from "./support/fake-harness.ts";
import { makeApproval, makeRun, runId } from "./support/records.ts";

const BIN: string = fileURLToPath(new URL("../../../packages/harness/bin/assent.mjs", import.meta.url));

let fake: FakeHarness;
let cwd: string;
beforeEach(async () => {
  fake = await startFakeHarness();
  cwd = await makeFolder();
});
afterEach(async () => await fake.close());

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

async function start(words: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const child = execFile(
    process.execPath,
    [BIN, ...words],
    { cwd, env: { ...environment } },
    (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
  );
  return await promise;
}

test("runs from source and says its version", async () => {
  const { code, stdout, stderr } = await start(["--version"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("takes server and key from the environment", async () => {
  fake.add(makeRun(1, { status: "succeeded" }));
  const { code, stdout } = await start(["show", runId(1), "--json"], {
    ASSENT_URL: fake.url,
    ASSENT_TOKEN: fake.key,
  });
  expect(code).toBe(0);
  expect(runSchema.parse(JSON.parse(stdout)).id).toBe(runId(1));
});

test("approves nothing where there is no terminal", async () => {
  fake.add(makeRun(1, { status: "awaiting_approval", approvals: [makeApproval(1, runId(1))] }));
  const { code, stderr } = await start(["approve", runId(1)], {
    ASSENT_URL: fake.url,
    ASSENT_TOKEN: fake.key,
  });
  expect(code).toBe(2);
  expect(stderr).toContain("(cannot_ask)");
  expect(fake.received).toEqual([]);
});

test("output longer than a pipe holds arrives whole", async () => {
  fake.add(makeRun(1, { task: "x".repeat(20_000), answer: "y".repeat(300_000) }));
  const { code, stdout } = await start(["show", runId(1), "--json"], {
    ASSENT_URL: fake.url,
    ASSENT_TOKEN: fake.key,
  });
  expect(code).toBe(0);
  expect(runSchema.parse(JSON.parse(stdout)).answer).toHaveLength(300_000);
});
