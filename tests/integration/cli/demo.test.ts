// `demo` against a server that speaks the contract, with a real git repository and the real git.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "../../../packages/harness/src/cli/main.ts";
import type { StartHarness, StartOptions } from "../../../packages/harness/src/cli/start.ts";
import { createDeps, type Finished, jsonLines, makeFolder, member } from "./support/command.ts";
import { type FakeHarness, sendJson, sendProblem, startFakeHarness } from "./support/fake-harness.ts";
import { approvalId, AT, DIFF, makeApproval, makeEvent, runId } from "./support/records.ts";
import { openTerminal } from "./support/terminal.ts";

let fake: FakeHarness;
let cwd: string;
let started: StartOptions[];
let stops: number;

const git = (...args: string[]): string =>
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
    cwd,
    encoding: "utf8",
  });

beforeEach(async () => {
  fake = await startFakeHarness();
  cwd = await makeFolder();
  started = [];
  stops = 0;
  git("init", "-q");
  await writeFile(join(cwd, "CHANGELOG.md"), "# Changelog\n");
  git("add", ".");
  git("commit", "-qm", "Begin");
  fake.patch = { bytes: Buffer.from(DIFF), commit: git("rev-parse", "HEAD").trim() };
});
afterEach(async () => await fake.close());

async function stop(): Promise<void> {
  stops += 1;
  await Promise.resolve();
}

const refuse: StartHarness = async () =>
  await Promise.resolve({ ok: false, error: { code: "home_locked", detail: "No.", remedy: "Wait." } });

const startHarness: StartHarness = async (options) => {
  started.push(options);
  const running = {
    url: fake.url,
    consoleUrl: null,
    home: options.home,
    adminKey: fake.key,
    firstStart: true,
    stop,
  };
  return await Promise.resolve({ ok: true, value: running });
};

async function demo(...words: string[]): Promise<Finished> {
  const terminal = openTerminal();
  const code = await run(["demo", ...words], terminal, createDeps(cwd, { startHarness }));
  expect(stops).toBe(started.length);
  expect(terminal.listeners()).toBe(0);
  return { code, terminal };
}

const saved = (): string => join(cwd, ".assent", "demo", runId(1), "changes.patch");

test("does the whole job and proves it", async () => {
  const done = await demo();
  expect(done.terminal.stderr()).toBe("");
  expect(done.code).toBe(0);
  expect(started[0]).toMatchObject({ host: "127.0.0.1", port: 0, home: join(cwd, ".assent") });
  const output = done.terminal.stdout();
  for (const part of [
    "The run has stopped at a gate",
    "A demo approver decides this, not a person",
    "The entry is written.",
    "git apply --check accepts the patch",
    "Audit trail verified",
  ])
    expect(output).toContain(part);
  expect(await readFile(saved(), "utf8")).toBe(DIFF);
  expect(git("status", "--porcelain", "--", "CHANGELOG.md")).toBe("");
});

test("the one who asks is not the one who approves, and neither key outlives the demo", async () => {
  await demo();
  const whose = (path: RegExp): Set<string | undefined> =>
    new Set(fake.received.filter((one) => path.test(one.path)).map(({ headers }) => headers.authorization));
  expect(whose(/\/run$/)).toEqual(new Set(["Bearer secret-demo-requester"]));
  expect(whose(/\/approve$/)).toEqual(new Set(["Bearer secret-demo-approver"]));
  expect(fake.keys.map(({ scopes }) => scopes)).toEqual([
    ["runs:read", "runs:write"],
    ["runs:read", "approvals:decide"],
  ]);
  const revoked = fake.received
    .filter(({ method }) => method === "DELETE")
    .map(({ path }) => path.split("/").at(-1));
  expect(revoked).toEqual(fake.keys.map(({ id }) => id));
});

test("what git is handed as a commit is one", async () => {
  fake.patch.commit = "--index-output=/tmp/x";
  const done = await demo();
  expect(done.terminal.stderr()).toContain("names no commit of its workspace");
});

test("the keys are revoked when the demo fails too", async () => {
  fake.patch.bytes = Buffer.from("");
  expect((await demo()).code).toBe(1);
  expect(fake.received.filter(({ method }) => method === "DELETE")).toHaveLength(2);
});

test("--json prints one event a line and ends with the proof", async () => {
  const done = await demo("--json");
  const lines = jsonLines(done);
  const events = lines.map((line) => member(line, "event")).filter((event) => event !== "audit_event");
  expect(events).toEqual([
    "listening",
    "run_submitted",
    "approval_waiting",
    "approval_decided",
    "demo_succeeded",
  ]);
  expect(lines.at(-1)).toMatchObject({
    patch: { applies_to: fake.patch.commit, applies_to_files_as_they_are: true },
    audit: { verified: true, status: "succeeded", findings: [] },
  });
});

test("continues the run that a killed process left at the gate", async () => {
  fake.intercept("POST", /approve$/, (response) => response.destroy());
  expect((await demo()).code).toBe(1);
  const done = await demo();
  expect(done.code).toBe(0);
  expect(done.terminal.stdout()).toContain(`Continuing run ${runId(1)}`);
  expect(fake.received.filter(({ path }) => path.endsWith("/run"))).toHaveLength(1);
  expect((await demo()).code).toBe(0);
  expect(fake.received.filter(({ path }) => path.endsWith("/run"))).toHaveLength(2);
});

test("what was committed since decides nothing, and files that changed are said", async () => {
  await writeFile(join(cwd, "CHANGELOG.md"), "# Another\n");
  git("commit", "-qam", "Change it");
  const done = await demo();
  expect(done.code).toBe(0);
  expect(done.terminal.stdout()).toContain("not on the files as they are right now");
});

test.each<[string, () => void, string]>([
  [
    "a patch that does not apply",
    () => (fake.patch.bytes = Buffer.from(DIFF.replace("# Changelog", "# Else"))),
    "patch_does_not_apply",
  ],
  ["an empty patch", () => (fake.patch.bytes = Buffer.from("")), "patch_does_not_apply"],
  [
    "a commit that looks like an option",
    () => (fake.patch.commit = "--index-output=/tmp/x"),
    "patch_does_not_apply",
  ],
  [
    "artifact bytes that were swapped",
    () =>
      fake.intercept("GET", /artifacts\//, (response) =>
        response.writeHead(200, { "content-digest": "sha-256=:AAAA:" }).end(DIFF),
      ),
    "content_digest_mismatch",
  ],
  [
    "a trail that was altered",
    () =>
      fake.intercept("GET", /runs\/run_0+1\/artifacts\//, (response) => {
        const stored = fake.runs.get(runId(1));
        if (stored !== undefined)
          stored.events[1] = { ...makeEvent(runId(1), 2, "run_leased"), at: AT.replace("57", "58") };
        response.writeHead(200, { "content-digest": contentDigest() }).end(DIFF);
      }),
    "digest_mismatch",
  ],
  [
    "no answer at the gate but a refusal",
    () =>
      fake.intercept("POST", /approve$/, (response) =>
        sendJson(response, 403, {
          type: "urn:x",
          title: "t",
          status: 403,
          detail: "No.",
          remedy: "None.",
          code: "scope_missing",
        }),
      ),
    "scope_missing",
  ],
])("any failure is exit 1 with its name: %s", async (_, arrange, code) => {
  arrange();
  const done = await demo();
  expect(done.code).toBe(1);
  expect(done.terminal.stderr()).toContain(`(${code}).`);
  expect(done.terminal.stderr().trimEnd().split("\n")).toHaveLength(1);
});

test.each([
  ["model_unknown", "Another process on this home took the run, and was started without that"],
  ["transcript_mismatch", "See it with `assent up`"],
])("a run that ended with %s is followed by what helps", async (code, remedy) => {
  const reason = { code, detail: "It did." };
  fake.intercept("POST", /approve$/, (response) => {
    fake.append(runId(1), "run_failed", { status: "failed", finished_at: AT, reason });
    sendProblem(response, "approval_already_decided", "It is decided.");
  });
  const done = await demo();
  expect(done.code).toBe(1);
  expect(done.terminal.stderr()).toContain(`the demo run ended failed: It did (${code}). ${remedy}`);
});

test.each([
  ["scripted/changelog", "please report it"],
  ["openai-compatible/qwen3", "That is openai-compatible/qwen3's own: try again, or another --model."],
])("%s that changes nothing is not always a bug of ours", async (model, remedy) => {
  fake.patch.bytes = null;
  fake.intercept(
    "GET",
    /runs\/run_0+1$/,
    (response) => {
      sendJson(response, 200, { ...fake.runs.get(runId(1))?.run, model });
    },
    9,
  );
  const done = await demo();
  expect(done.code).toBe(1);
  expect(done.terminal.stderr()).toContain("the run ended without a change of any file (patch_missing)");
  expect(done.terminal.stderr()).toContain(remedy);
});

function contentDigest(): string {
  return `sha-256=:${createHash("sha256").update(DIFF).digest("base64")}:`;
}

test("a call whose outcome is unknown is not guessed by the demo approver", async () => {
  fake.intercept("GET", /runs\/run_0+1$/, (response) => {
    const stored = fake.runs.get(runId(1));
    sendJson(response, 200, {
      ...stored?.run,
      approvals: [makeApproval(1, runId(1), { subject: "in_doubt" })],
    });
  });
  const done = await demo();
  expect(done.code).toBe(1);
  expect(done.terminal.stderr()).toContain("(outcome_unknown)");
  expect(fake.runs.get(runId(1))?.run.approvals.find(({ id }) => id === approvalId(1))?.status).toBe("open");
});

test("a harness that cannot start is exit 1 too", async () => {
  const terminal = openTerminal();
  expect(await run(["demo"], terminal, createDeps(cwd, { startHarness: refuse }))).toBe(1);
  expect(terminal.stderr()).toBe("assent: No (home_locked). Wait.\n");
});
