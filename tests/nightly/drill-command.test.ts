// `assent-suite drill` as its users run it: a command that starts the harness, kills it inside the tool, and counts the
// effects itself.

import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCredentials } from "../../packages/harness/src/home.ts";
import { createInstallation, type Installation } from "../support/target/installation.ts";
import { PRESENT_PROGRAM } from "../support/target/program-copy.ts";
import { startServerProcess } from "../support/target/server-process.ts";

const COMMAND = fileURLToPath(new URL("../../packages/suite/bin/assent-suite.mjs", import.meta.url));
const EFFECT_FIRST = {
  agent: "teller",
  task: "Tell the sink, then write the note.",
  workspace: "notes",
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("there is no port");
  return address.port;
}

let sinkPort: number;
let installation: Installation;
let key: string;
beforeAll(async () => {
  sinkPort = await freePort();
  installation = createInstallation(`http://127.0.0.1:${sinkPort}/effect`);
  // The first start makes the operator's key.
  const server = await startServerProcess(installation);
  key = readCredentials(installation.home)?.key ?? "";
  await server.stop();
}, 180_000);
afterAll(() => {
  installation.remove();
});

type Ended = { readonly code: unknown; readonly stdout: string; readonly stderr: string };

async function drill(body: unknown): Promise<Ended> {
  const port = await freePort();
  const { home, configFile, folder } = installation;
  const flags = ["--json", "--port", String(port), "--home", home, "--config", configFile];
  const given = [
    "--token",
    key,
    "--run-body",
    JSON.stringify(body),
    "--effect-first",
    JSON.stringify(EFFECT_FIRST),
    "--sink-port",
    String(sinkPort),
    "--server",
    JSON.stringify([process.execPath, PRESENT_PROGRAM, "up", ...flags]),
  ];
  return await new Promise((resolve) => {
    execFile(
      process.execPath,
      [COMMAND, "drill", `http://127.0.0.1:${port}`, ...given],
      { cwd: folder, env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "" } },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : error.code, stdout, stderr });
      },
    );
  });
}

test("every drill that can be made from outside shows one effect, the kill inside the tool among them", async () => {
  const { code, stdout, stderr } = await drill(installation.gatedTask.body);
  expect([code, stderr]).toEqual([0, ""]);
  const lines = stdout.trimEnd().split("\n");
  expect(lines.at(-1)).toBe("5 passed, 0 failed, 2 skipped");
  const passed = lines.filter((line) => line.startsWith("PASS"));
  expect(passed.some((line) => line.includes("drill/d2_killed_inside_the_tool"))).toBe(true);
  expect(passed.map((line) => /effects: (\d+)$/.exec(line)?.[1])).toEqual(["1", "1", "1", "1", "1"]);
}, 600_000);

test("a task that has no effect at the sink passes no drill that counts one, and the command says so", async () => {
  const { code, stdout } = await drill(installation.plainTask);
  expect(code).toBe(1);
  expect(stdout).toContain("the effect happened exactly once");
}, 600_000);
