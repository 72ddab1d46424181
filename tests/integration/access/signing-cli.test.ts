// Signing keys on the command line, against a real server.

import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../../packages/harness/src/cli/main.ts";
import { createDeps, makeFolder } from "../cli/support/command.ts";
import { openTerminal } from "../cli/support/terminal.ts";
import { type Edge, openEdge } from "./support.ts";

let edge: Edge;
let admin: string;
let folder: string;
beforeAll(async () => {
  edge = await openEdge();
  admin = await edge.engine.newKey("admin", "default", { roles: ["admin"] });
  folder = await makeFolder();
});
afterAll(async () => await edge[Symbol.asyncDispose]());

async function assent(
  words: readonly string[],
  token: string,
  signingKey: string | null = null,
): Promise<{ code: number; json: Record<string, unknown>; error: string }> {
  const terminal = openTerminal();
  const environment = { url: edge.urls[0], token, signingKey, noColor: false };
  const code = await run([...words, "--json"], terminal, createDeps(folder, { environment }));
  const json: unknown = code === 0 ? JSON.parse(terminal.stdout()) : {};
  return {
    code,
    json: typeof json === "object" && json !== null ? { ...json } : {},
    error: terminal.stderr(),
  };
}

test.each(["ed25519", "hmac-sha256"])(
  "a key of %s that was made here signs what the command line asks",
  async (algorithm) => {
    const file = `${algorithm}.json`;
    const made = await assent(
      ["signing-keys", "create", "robot", "--algorithm", algorithm, "--out", file],
      admin,
    );
    expect(made.code).toBe(0);
    expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
    const kept = await readFile(join(folder, file), "utf8");
    expect(kept).toContain(String(made.json["id"]));
    const words = ["keys", "create", "robot", "--kind", "service", "--role", "requester", "--must-sign"];
    const token = String((await assent(words, admin)).json["secret"]);
    expect((await assent(["runs"], token)).error).toContain("signature_missing");
    expect((await assent(["runs"], token, file)).code).toBe(0);
    // A key that is there is never written over, and none is made that has no place.
    const before = (await assent(["signing-keys", "list"], admin)).json["data"];
    const again = ["signing-keys", "create", "robot", "--algorithm", algorithm, "--out", file];
    expect((await assent(again, admin)).code).toBe(2);
    const rotation = ["signing-keys", "rotate", String(made.json["id"]), "--out", file];
    expect((await assent(rotation, admin)).code).toBe(2);
    expect(await readFile(join(folder, file), "utf8")).toBe(kept);
    expect((await assent(["signing-keys", "list"], admin)).json["data"]).toEqual(before);
    const rotated = await assent(
      ["signing-keys", "rotate", String(made.json["id"]), "--out", `${algorithm}-2.json`],
      admin,
    );
    expect(rotated.code).toBe(0);
    expect((await assent(["runs"], token, file)).error).toContain("signature_refused");
    expect((await assent(["runs"], token, `${algorithm}-2.json`)).code).toBe(0);
    expect((await assent(["signing-keys", "revoke", String(rotated.json["id"])], admin)).code).toBe(0);
    expect((await assent(["runs"], token, `${algorithm}-2.json`)).error).toContain("signature_refused");
  },
);

test("a file that is no key, and a pair that nobody has, are refused before anything is sent", async () => {
  expect((await assent(["runs"], admin, "missing.json")).error).toContain("signing_key_unreadable");
  expect((await assent(["signing-keys", "create", "robot"], admin)).code).toBe(2);
});

test("a key that the server refuses to make leaves no file behind", async () => {
  const words = ["signing-keys", "create", "robot", "--out", "refused.json"];
  expect((await assent(words, "ask_nobodys")).error).toContain("unauthenticated");
  await expect(stat(join(folder, "refused.json"))).rejects.toThrow("ENOENT");
});

test("--out beside --public-key is refused: there is nothing to keep", async () => {
  const publicKey = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
  const words = ["signing-keys", "create", "robot", "--public-key", publicKey, "--out", "nothing.json"];
  expect((await assent(words, admin)).error).toContain("give --out or --public-key");
});
