// The command as it is really started: its own process, its own environment.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runSchema } from "@assent/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compiledBefore } from "../../support/compiled.ts";
import { makeFolder } from "./support/command.ts";
import { type FakeHarness, startFakeHarness } from "./support/fake-harness.ts";
import { makeApproval, makeRun, runId } from "./support/records.ts";

const SERVE: string = fileURLToPath(new URL("support/serve.ts", import.meta.url));
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
    { cwd, env: { ...compiledBefore(), ...environment } },
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

type Server = {
  readonly child: ChildProcess;
  readonly seen: (text: string) => Promise<void>;
  output: string;
};

function serve(...words: string[]): Server {
  const child = spawn(process.execPath, ["--conditions=assent-source", SERVE, "up", "--json", ...words], {
    cwd,
  });
  const waiters: { text: string; resolve: () => void }[] = [];
  const server: Server = {
    child,
    output: "",
    seen: async (text) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiters.push({ text, resolve });
      if (server.output.includes(text)) resolve();
      await promise;
    },
  };
  child.stdout.on("data", (chunk: Buffer) => {
    server.output += chunk.toString();
    for (const { text, resolve } of waiters) if (server.output.includes(text)) resolve();
  });
  return server;
}

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s ends a server cleanly, with exit 0 and a line",
  async (signal) => {
    const server = serve();
    await server.seen('"listening"');
    server.child.kill(signal);
    expect(await once(server.child, "exit")).toEqual([0, null]);
    await server.seen('"stopped"');
  },
);

test("a second signal ends a server that cannot end", async () => {
  const server = serve("--model", "never/stops");
  await server.seen('"listening"');
  server.child.kill("SIGTERM");
  await server.seen('"stopping"');
  server.child.kill("SIGTERM");
  expect(await once(server.child, "exit")).toEqual([130, null]);
  expect(server.output).not.toContain('"stopped"');
});

test("`up` refuses an environment in which no certificate is checked", async () => {
  const home = join(cwd, "home");
  const { code, stderr } = await start(["--home", home, "up"], { NODE_TLS_REJECT_UNAUTHORIZED: "0" });
  expect([code, stderr.includes("(certificates_unchecked)")]).toEqual([6, true]);
});

// Root may write everywhere, so a folder stands where the log should be; for others a file of another user does.
test.each(["up", "demo"])("`%s` refuses a home that cannot be used, and says what to do", async (command) => {
  const home = join(cwd, "home");
  await mkdir(join(home, "assent.log"), { recursive: true });
  const { code, stderr } = await start(["--home", home, command]);
  expect(code).toBe(command === "up" ? 6 : 1);
  expect(stderr).toContain("(home_unusable)");
  expect(stderr).toContain("--home");
});
