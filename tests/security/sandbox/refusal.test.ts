// Fail closed: where anything is missing, or the sandbox does not hold, there is none, and the reason is said.

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, closeSync, cpSync, mkdirSync, openSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parseAccount } from "../../../packages/harness/src/adapters/sandbox/account.ts";
import { openGuardedTools } from "../../../packages/harness/src/assemble/guarded-tools.ts";
import { readConfig, readEnvironment } from "../../../packages/harness/src/config.ts";
import { openSandbox } from "../../../packages/harness/src/adapters/sandbox/open-sandbox.ts";
import { random } from "../../integration/files/repository.ts";
import { openFolder, openRoom } from "./room.ts";

// Commands that end by a limit of time, on a machine that is busy with other tests.

const REAL = "/usr/bin/bwrap";

/** A bubblewrap that lacks a wall: our arguments, changed by a shell script on the way to the real one. */
async function openWith(script: string) {
  const folder = openFolder();
  const program = join(folder, "bwrap");
  writeFileSync(program, `#!/bin/bash\nreal=${REAL}\n${script}\n`);
  chmodSync(program, 0o755);
  return await openSandbox({ folder: join(folder, "sandbox"), random, bubblewrapPlaces: [program] });
}

const without = (...names: readonly string[]): string =>
  `args=(); for a in "$@"; do case "$a" in ${names.join("|")}) ;; *) args+=("$a");; esac; done; exec $real "\${args[@]}"`;

test("without bubblewrap there is no sandbox", async () => {
  const opened = await openSandbox({
    folder: join(openFolder(), "sandbox"),
    random,
    bubblewrapPlaces: ["/nonexistent/bwrap"],
  });
  expect(opened).toMatchObject({ ok: false, error: { reason: "bubblewrap_missing" } });
});

test("a harness whose agent runs commands does not start on a machine without bubblewrap, and says what to do", () => {
  const folder = openFolder();
  for (const name of ["home", "agents"]) mkdirSync(join(folder, name));
  const agent = {
    name: "runner",
    description: "Runs.",
    system: "You run commands.",
    models: ["scripted/none"],
    tools: ["command"],
    workspace: "required",
  };
  writeFileSync(join(folder, "agents", "runner.json"), JSON.stringify(agent));
  writeFileSync(join(folder, "assent.config.json"), JSON.stringify({ agents: "agents" }));
  const program = fileURLToPath(new URL("../../../packages/harness/bin/assent.mjs", import.meta.url));
  const words = [
    program,
    "--home",
    join(folder, "home"),
    "up",
    "--port",
    "0",
    "--config",
    join(folder, "assent.config.json"),
  ];
  // The real command line, in a world of its own where the one program is no program.
  const hidden = ["--dev-bind", "/", "/", "--ro-bind", "/dev/null", REAL];
  const { status, stderr } = spawnSync(REAL, [...hidden, "--", process.execPath, ...words], {
    encoding: "utf8",
  });
  expect(stderr).toContain("(bubblewrap_missing)");
  expect(stderr).toContain("The agent runner names the tool command");
  expect(stderr).toContain("install the package bubblewrap");
  expect(status).toBe(6);
  // Refused before anything was begun: no database, no key.
  expect(readdirSync(join(folder, "home"))).not.toContain("credentials.json");
});

test("a server, which carries nothing out, decides about commands without any sandbox; a worker does not", async () => {
  const folder = openFolder();
  for (const name of ["agents", "bundled"]) mkdirSync(join(folder, name));
  const agent = {
    name: "runner",
    description: "Runs.",
    system: "Run.",
    models: ["scripted/none"],
    tools: ["command"],
  };
  writeFileSync(join(folder, "agents", "runner.json"), JSON.stringify({ ...agent, workspace: "required" }));
  writeFileSync(join(folder, "assent.config.json"), JSON.stringify({ agents: "agents" }));
  const config = readConfig(join(folder, "assent.config.json"), readEnvironment({}), join(folder, "bundled"));
  if (!config.ok) throw new Error(config.error.detail);
  // Nothing can be made below a file.
  const options = {
    folder: join(folder, "assent.config.json", "sandbox"),
    random,
    onProgress: () => undefined,
  };
  await expect(openGuardedTools(config.value, { ...options, isWorking: true })).rejects.toThrow("ENOTDIR");
  const opened = await openGuardedTools(config.value, { ...options, isWorking: false });
  if (!opened.ok) throw new Error(opened.error.detail);
  const [command, ...others] = opened.value;
  expect([command?.manifest.name, command?.manifest.effect, others]).toEqual(["command", "once", []]);
});

test("the real one, through the same script, opens", async () => {
  const opened = await openWith('exec $real "$@"');
  expect(opened).toMatchObject({ ok: true });
});

test("namespaces that are forbidden are a refusal", async () => {
  const opened = await openWith('echo "bwrap: No permissions to create new namespace" >&2; exit 1');
  expect(opened).toMatchObject({
    ok: false,
    error: { reason: "namespaces_forbidden" },
  });
  expect(opened.ok ? "" : opened.error.message).toContain("No permissions");
});

test.each([
  ["shares the network", 'exec $real "${@:1:2}" --share-net "${@:3}"', "shares the net namespace"],
  [
    "has a writable root",
    'args=(); skip=0; for a in "$@"; do if [ $skip = 1 ]; then skip=0; continue; fi; if [ "$a" = --remount-ro ]; then skip=1; continue; fi; args+=("$a"); done; exec $real "${args[@]}"',
    "writes /probe",
  ],
  ["keeps the environment", `ASSENT_LEAK=1 ; export ASSENT_LEAK; ${without("--clearenv")}`, "variables"],
  [
    "has no filter",
    'args=(); skip=0; for a in "$@"; do if [ $skip = 1 ]; then skip=0; continue; fi; if [ "$a" = --seccomp ]; then skip=1; continue; fi; args+=("$a"); done; exec $real "${args[@]}"',
    "Seccomp",
  ],
  [
    "has no limits",
    'args=("$@"); for i in "${!args[@]}"; do case "${args[i]}" in --nofile=*) args[i]=--nofile=1024;; esac; done; exec $real "${args[@]}"',
    "limits",
  ],
  [
    "sees the folder of the canary",
    `args=("$@"); for i in "\${!args[@]}"; do if [ "\${args[i]}" = -- ]; then args=("\${args[@]:0:i}" --bind ${tmpdir()} ${tmpdir()} "\${args[@]:i}"); break; fi; done; exec $real "\${args[@]}"`,
    "reads a file outside",
  ],
  [
    "runs it on the machine itself",
    'while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
    "reads a file outside",
  ],
])("a sandbox that %s is refused", async (_, script, finding) => {
  const opened = await openWith(script);
  expect(opened).toMatchObject({
    ok: false,
    error: { reason: "does_not_block" },
  });
  expect(opened.ok ? "" : opened.error.message).toContain(finding);
});

test("a folder that the sandbox's user cannot enter is a refusal, not a failure later", async () => {
  const folder = openFolder();
  chmodSync(folder, 0o700);
  const opened = await openSandbox({ folder: join(folder, "sandbox"), random });
  // Ourselves can enter; only whoever starts as root has another user.
  if (process.getuid?.() === 0) expect(opened).toMatchObject({ ok: false });
  else expect(opened).toMatchObject({ ok: true });
});

test("no account of root's is taken for ours", () => {
  expect(parseAccount("assent-tools:x:995:994::/:/x\n")).toEqual({ uid: 995, gid: 994 });
  for (const line of [
    "assent-tools:x:0:0::/:/x",
    "assent-tools:x:995:0::/:/x",
    "assent-tools:x:-1:5",
    "assent-tools2:x:5:5",
    "",
  ])
    expect(parseAccount(line)).toBeNull();
});

test("a user without any rights has the same walls", async () => {
  // The tests' own folder may be closed to that user: the sources and a node go where it can read them.
  const folder = openFolder();
  const own = join(folder, "own");
  mkdirSync(own);
  const root = process.getuid?.() === 0;
  const user = root ? { uid: 65_534, gid: 65_534 } : {};
  if (root) execFileSync("chown", ["65534:65534", own]);
  const source = fileURLToPath(new URL("../../../", import.meta.url));
  for (const part of ["packages/harness/src", "packages/contract", "tests/security/sandbox", "package.json"])
    cpSync(join(source, part), join(folder, "source", part), { recursive: true });
  for (const name of ["zod", "canonicalize"])
    cpSync(join(source, "node_modules", name), join(folder, "source/node_modules", name), {
      recursive: true,
    });
  mkdirSync(join(folder, "source/node_modules/@assent"));
  cpSync(join(source, "packages/contract"), join(folder, "source/node_modules/@assent/contract"), {
    recursive: true,
  });
  const program = join(folder, "node");
  cpSync(process.execPath, program);
  writeFileSync(join(own, "canary"), "canary-19cd", { mode: 0o644 });
  const child = join(folder, "source/tests/security/sandbox/children/plain-user.ts");
  // Left open in that process, as a careless starter would: no command may find them.
  const leak = openSync(join(own, "canary"), "r");
  const { stdout, status } = spawnSync(
    program,
    ["--conditions=assent-source", child, join(own, "sandbox"), join(own, "canary")],
    {
      ...user,
      cwd: "/",
      env: {},
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit", leak, leak, leak, "ignore", leak],
    },
  );
  closeSync(leak);
  expect(status).toBe(0);
  const said: unknown = JSON.parse(stdout);
  expect(said).toMatchObject({
    outcome: { ok: true, value: { end: { how: "exited", code: 0 }, written: ["closed/x", "made"] } },
    written: ["closed/x", "made"],
    left: [],
  });
  expect(stdout).not.toContain("canary-19cd");
  if (root) expect(said).toMatchObject({ uid: 65_534 });
});

test("descriptors that our starter left open do not reach a command", async () => {
  const room = await openRoom({ "a.txt": "a\n" });
  const { stdout } = await room.run(["/bin/sh", "-c", "ls -l /proc/self/fd"]);
  const above = stdout.text.split("\n").filter((line) => /\s(?:[3-9]|\d\d+) -> /u.test(line));
  // ls's own, of the folder that it lists.
  expect(above.filter((line) => !/-> \/(?:dev\/null|proc\/\d+\/fd)$/u.test(line))).toEqual([]);
  expect(readdirSync(room.tree)).toEqual(["a.txt"]);
});
