import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createdKeySchema, keySchema, problem } from "@assent/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { run } from "../../../packages/harness/src/cli/main.ts";
import type { Environment } from "../../../packages/harness/src/cli/environment.ts";
import { assent, createDeps, json, makeFolder, writeCredentials } from "./support/command.ts";
import { type FakeHarness, sendJson, startFakeHarness } from "./support/fake-harness.ts";
import { ANNA, AT, keyId } from "./support/records.ts";
import { openTerminal, type Terminal } from "./support/terminal.ts";

let fake: FakeHarness;
let home: string;
beforeEach(async () => {
  fake = await startFakeHarness();
  home = await makeFolder();
});
afterEach(async () => await fake.close());

async function runs(
  words: readonly string[],
  environment: Partial<Environment> = {},
): Promise<{ code: number; terminal: Terminal }> {
  const terminal = openTerminal();
  const deps = createDeps(home, {
    environment: { url: null, token: null, signingKey: null, noColor: false, ...environment },
  });
  return { code: await run([...words, "runs"], terminal, deps), terminal };
}

const sent = (): (string | undefined)[] => fake.received.map(({ headers }) => headers.authorization);

describe("which server and which key", () => {
  test("what the home's server wrote down, without any option", async () => {
    await writeCredentials(home, fake.url, fake.key);
    expect((await runs(["--home", "."])).code).toBe(0);
    expect(sent()).toEqual([`Bearer ${fake.key}`]);
  });

  test("options win over the environment, the environment over the file", async () => {
    await writeCredentials(home, "http://127.0.0.1:1", "stored");
    expect((await runs(["--home", "."], { url: fake.url, token: "from-env" })).code).toBe(4);
    expect(
      (
        await runs(["--home", ".", "--url", fake.url, "--token", fake.key], {
          url: "http://127.0.0.1:1",
          token: "x",
        })
      ).code,
    ).toBe(0);
    expect(sent()).toEqual(["Bearer from-env", `Bearer ${fake.key}`]);
  });

  test("a stored key goes to no server but the one that issued it", async () => {
    await writeCredentials(home, "http://127.0.0.1:1", "stored-secret");
    const { code, terminal } = await runs(["--home", ".", "--url", fake.url]);
    expect(code).toBe(2);
    expect(terminal.stderr()).toContain("(key_missing)");
    expect(fake.received).toEqual([]);
  });

  test.each([["ftp://x"], ["file:///etc/passwd"], ["not a url"], ["http://user:pw@host"]])(
    "the URL %s is refused",
    async (url) => {
      const { code, terminal } = await runs(["--url", url, "--token", "k"]);
      expect(code).toBe(2);
      expect(terminal.stderr()).toContain("(url_malformed)");
    },
  );

  test("a key with a line break is refused and never repeated", async () => {
    const { code, terminal } = await runs(["--url", fake.url], { token: "secret\nvalue" });
    expect(code).toBe(2);
    expect(terminal.stderr()).not.toContain("secret");
  });

  test("a broken credentials file is said, and its content is not", async () => {
    await writeFile(join(home, "credentials.json"), '{"key":"secret"');
    const { code, terminal } = await runs(["--home", "."]);
    expect(code).toBe(2);
    expect(terminal.stderr()).toContain("(credentials_malformed)");
    expect(terminal.stderr()).not.toContain("secret");
  });
});

describe("keys", () => {
  const key = {
    id: keyId(1),
    prefix: "ask_abc",
    principal: ANNA,
    scopes: ["runs:read" as const],
    roles: ["requester" as const],
    must_sign: false,
    last_used_at: null,
    created_at: AT,
    expires_at: null,
    revoked_at: null,
  };

  test("create sends principal and scopes, and shows the secret this once", async () => {
    fake.intercept(
      "POST",
      /keys$/,
      (response) => sendJson(response, 201, { ...key, secret: "ask_whole" }),
      2,
    );
    const words = ["keys", "create", "anna", "--scope", "runs:read,runs:write", "--scope", "runs:read"];
    const done = await assent(fake, [...words, "--expires", "2027-01-31T00:00:00Z"]);
    expect(done.code).toBe(0);
    expect(done.terminal.stdout()).toContain("ask_whole");
    expect(fake.received[0]?.body).toEqual({
      principal: { name: "anna", kind: "human" },
      scopes: ["runs:read", "runs:write"],
      expires_at: "2027-01-31T00:00:00Z",
    });
    expect(createdKeySchema.parse(json(await assent(fake, [...words, "--json"]))).secret).toBe("ask_whole");
  });

  test.each([
    ["--scope", "everything"],
    ["--kind", "robot"],
    ["--expires", "tomorrow"],
  ])("create refuses %s %s before anything is sent", async (name, value) => {
    const done = await assent(fake, ["keys", "create", "bob", "--scope", "runs:read", name, value]);
    expect(done.code).toBe(2);
    expect(fake.received).toEqual([]);
  });

  test("create sends roles in place of scopes, and that requests must be signed", async () => {
    fake.intercept("POST", /keys$/, (response) => sendJson(response, 201, { ...key, secret: "ask_whole" }));
    const words = ["keys", "create", "anna", "--role", "approver,auditor", "--must-sign"];
    expect((await assent(fake, words)).code).toBe(0);
    expect(fake.received[0]?.body).toEqual({
      principal: { name: "anna", kind: "human" },
      scopes: [],
      roles: ["approver", "auditor"],
      must_sign: true,
    });
    const nothing = await assent(fake, ["keys", "create", "anna"]);
    expect([nothing.code, fake.received.length]).toEqual([2, 1]);
  });

  test("rotate sends the overlap in seconds, and shows the new secret this once", async () => {
    fake.intercept("POST", /rotate$/, (response) => sendJson(response, 201, { ...key, secret: "ask_new" }));
    const done = await assent(fake, ["keys", "rotate", key.id, "--overlap", "15m"]);
    expect(done.terminal.stdout()).toContain("ask_new");
    expect(fake.received[0]).toMatchObject({
      path: `/api/harness/keys/${key.id}/rotate`,
      body: { overlap_seconds: 900 },
    });
    expect((await assent(fake, ["keys", "rotate", key.id, "--overlap", "soon"])).code).toBe(2);
  });

  test("list says which keys still open anything", async () => {
    const keys = [key, { ...key, id: keyId(2), revoked_at: AT }, { ...key, id: keyId(3), expires_at: AT }];
    fake.intercept("GET", /keys$/, (response) => sendJson(response, 200, { data: keys }), 2);
    const lines = (await assent(fake, ["keys", "list"])).terminal.stdout().trimEnd().split("\n");
    expect(lines.slice(1).map((line) => line.split(/\s{2,}/).at(-1))).toEqual([
      "good",
      "revoked 3 minutes ago",
      "expired 3 minutes ago",
    ]);
    expect(json(await assent(fake, ["keys", "list", "--json"]))).toEqual({ data: keys });
  });

  test("revoke deletes exactly that key", async () => {
    fake.intercept("DELETE", /keys\//, (response) => sendJson(response, 200, { ...key, revoked_at: AT }), 2);
    expect((await assent(fake, ["keys", "revoke", key.id])).terminal.stdout()).toContain("is revoked");
    expect(fake.received[0]?.path).toBe(`/api/harness/keys/${key.id}`);
    expect(keySchema.parse(json(await assent(fake, ["keys", "revoke", key.id, "--json"]))).revoked_at).toBe(
      AT,
    );
  });
});

test("a demand for signatures says of whom: a service and a person may have one name", async () => {
  const said = { id: ANNA.id, kind: "human", name: "robot" };
  for (const must_sign of [true, false])
    fake.intercept("POST", /principals$/, (response) => sendJson(response, 200, { ...said, must_sign }));
  const demanded = await assent(fake, ["keys", "must-sign", "robot"]);
  expect(demanded.terminal.stdout()).toBe("From now on nothing of robot (human) is let in unsigned.\n");
  const ended = await assent(fake, ["keys", "must-sign", "robot", "--off"]);
  expect(ended.terminal.stdout()).toMatch(/^Requests of robot \(human\) need a signature only/u);
});

test("a refusal that names one place says once what is wrong there", async () => {
  const detail = "The expiry is in the past.";
  const refusal = problem("invalid_request", detail, { errors: [{ pointer: "#/expires_at", detail }] });
  fake.intercept("POST", /keys$/, (response) => sendJson(response, 400, refusal));
  const done = await assent(fake, ["keys", "create", "anna", "--role", "approver"]);
  expect(done.code).toBe(4);
  expect(done.terminal.stderr()).toMatch(
    /^assent: The expiry is in the past\. \(#\/expires_at\) \(invalid_request\)/u,
  );
});

describe("the grammar", () => {
  test.each([
    [[]],
    [["nonsense"]],
    [["runs", "--nonsense"]],
    [["show"]],
    [["show", "run_1"]],
    [["approve", "x"]],
  ])("%j is a usage error: exit 2, with an object under --json", async (words) => {
    expect((await assent(fake, words)).code).toBe(2);
    const done = await assent(fake, [...words, "--json"]);
    expect(done.code).toBe(2);
    expect(json(done)).toMatchObject({ error: { code: "usage", exit_code: 2 } });
    expect(fake.received).toEqual([]);
  });

  test.each([
    [["--help"]],
    [["help", "exit-codes"]],
    [["exit-codes"]],
    [["help", "json"]],
    [["run", "--help"]],
  ])("%j is help on standard output and exit 0", async (words) => {
    const done = await assent(fake, words);
    expect([done.code, done.terminal.stderr()]).toEqual([0, ""]);
    expect(done.terminal.stdout().length).toBeGreaterThan(100);
  });

  test("a task may begin with a dash behind --", async () => {
    await assent(fake, ["run", "maintainer", "--", "--json", "is", "a", "flag"]);
    expect(fake.received[0]?.body).toMatchObject({ task: "--json is a flag" });
  });
});
