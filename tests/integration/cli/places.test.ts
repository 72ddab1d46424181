// Places that a command line can name and that nothing can be kept in, listened on or read from: named, with a remedy.

import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { run } from "../../../packages/harness/src/cli/main.ts";
import { createDeps, makeFolder } from "./support/command.ts";
import { openTerminal } from "./support/terminal.ts";

/** A log's key, as `assent audit log` prints one. */
const LOG =
  "assent-ae53c25a8613a5b4/audit/ten_01a1ff4a1c0c7999829c01b8e04ff607+79b1a325+Ad6W+uLHs3nk9WbTJazilgPDiCaIlvTOlv0LSPRNb6/o";

async function assent(folder: string, ...words: readonly string[]): Promise<readonly [number, string]> {
  const terminal = openTerminal();
  const code = await run(words, terminal, createDeps(folder));
  return [code, `${terminal.stdout()}${terminal.stderr()}`];
}

test("a witness without a usable name, folder, log or port says which, and listens nowhere", async () => {
  const folder = await makeFolder();
  const witness = async (...words: readonly string[]): Promise<readonly [number, string]> =>
    await assent(folder, "audit", "witness", ...words);
  const named = ["--name", "witness.example/one"];
  const usual = ["--state", "state", ...named];
  for (const name of ["my witness", "witness.example+one", "witness\u00a0one"])
    expect(await witness("--state", "state", "--name", name, "--log", LOG)).toEqual([
      2,
      expect.stringContaining("(name_invalid)"),
    ]);
  expect(existsSync(join(folder, "state"))).toBe(false);
  expect(await witness("--state", "/proc/assent", ...named, "--log", LOG)).toEqual([
    2,
    expect.stringMatching(/\/proc\/assent cannot be made, read or written: E[A-Z]+ \(state_unusable\)/),
  ]);
  expect(await witness(...usual, "--log", "garbage")).toEqual([2, expect.stringContaining("(key_invalid)")]);
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  onTestFinished(() => {
    taken.close();
  });
  const address = taken.address();
  const port = typeof address === "object" && address !== null ? address.port : expect.unreachable();
  expect(await witness(...usual, "--log", LOG, "--port", String(port))).toEqual([
    6,
    expect.stringContaining(`127.0.0.1:${port} cannot be listened on (EADDRINUSE) (address_unavailable)`),
  ]);
});

test("a folder of rules that is not there is named as it was given", async () => {
  expect(await assent(await makeFolder(), "policy", "check", "/nonexistent/rules")).toEqual([
    1,
    expect.stringMatching(/^\/nonexistent\/rules: .*\(policy_unreadable\)/),
  ]);
});

test("credentials that are a folder are named, and left", async () => {
  const folder = await makeFolder();
  const credentials = join(folder, ".assent", "credentials.json");
  mkdirSync(credentials, { recursive: true });
  expect(await assent(folder, "runs")).toEqual([2, expect.stringContaining("(credentials_unreadable)")]);
  expect(existsSync(credentials)).toBe(true);
});
