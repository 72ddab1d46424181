import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runSchema, type Run } from "@assent/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openCedarPolicies } from "../../../packages/harness/src/adapters/cedar/policies.ts";
import { shippedPolicyFolder } from "../../../packages/harness/src/adapters/cedar/policy-folder.ts";
import type { ActionRequest } from "../../../packages/harness/src/core/decide/action-request.ts";
import {
  type DecisionRecord,
  recordDecision,
} from "../../../packages/harness/src/core/decide/decision-record.ts";
import { assent, json, makeFolder } from "../cli/support/command.ts";
import { type FakeHarness, sendJson, startFakeHarness } from "../cli/support/fake-harness.ts";
import { ANNA, AT, makeApproval, makeRun, NOW, runId } from "../cli/support/records.ts";

let fake: FakeHarness;
beforeEach(async () => void (fake = await startFakeHarness()));
afterEach(async () => await fake.close());

const PERMIT = `@id("all") permit (principal, action, resource);\n`;
const ASK = `@id("money") @needs_approval @quorum("2")\nforbid (principal, action, resource)\nwhen { context.harm.contains("money") };\n`;

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await makeFolder();
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

const CASE = {
  name: "money needs two",
  call: { effect: "once", harm: ["money"], tainted: false },
  expect: { verdict: "needs_approval", policies: ["money"], quorum: 2 },
};

describe("check", () => {
  test.each(["default", "strict"])("the shipped set %s loads", async (set) => {
    const done = await assent(fake, ["policy", "check", "--set", set, "--json"]);
    expect(done.code).toBe(0);
    expect(json(done)).toMatchObject({ loads: true });
  });

  test("a set that would not load is exit 1, with the file and the place, and asks no server", async () => {
    const folder = await folderOf({
      "good.cedar": PERMIT,
      "bad.cedar": `\n  ${ASK.replace("harm", "harms")}`,
    });
    const done = await assent(fake, ["policy", "check", folder]);
    expect(done.code).toBe(1);
    expect(done.terminal.stdout()).toMatch(/^bad\.cedar:2:3: .*harms.* \(policy_schema\)\n$/);
    expect(fake.received).toEqual([]);
  });
});

describe("test", () => {
  test("cases that hold are exit 0; one that does not is named, exit 1", async () => {
    const good = await folderOf({
      "a.cedar": PERMIT + ASK,
      "a.test.json": JSON.stringify({ cases: [CASE] }),
    });
    expect((await assent(fake, ["policy", "test", good])).terminal.stdout()).toBe("1 of 1 cases hold.\n");
    const bad = await folderOf({
      "a.cedar": PERMIT + ASK.replace('@quorum("2")', ""),
      "a.test.json": JSON.stringify({ cases: [CASE] }),
    });
    const done = await assent(fake, ["policy", "test", bad]);
    expect(done.code).toBe(1);
    expect(done.terminal.stdout()).toContain(
      "FAILED a.test.json: money needs two: quorum: expected 2, got 1",
    );
  });

  test.each([
    ["no cases", {}, "cases_missing"],
    [
      "a misspelt case",
      { "a.test.json": JSON.stringify({ cases: [{ ...CASE, expct: {} }] }) },
      "cases_invalid",
    ],
    ["a file that is no JSON", { "a.test.json": "{" }, "cases_invalid"],
  ])("%s never passes for success", async (_name, files, code) => {
    const folder = await folderOf({ "a.cedar": PERMIT, ...files });
    const done = await assent(fake, ["policy", "test", folder]);
    expect(done.code).toBe(2);
    expect(done.terminal.stderr()).toContain(`(${code})`);
  });
});

const request = (tainted: boolean): ActionRequest => ({
  tenant: `ten_${"0".repeat(32)}`,
  run: runId(1),
  requester: ANNA,
  agent: { name: "agent", version: "1" },
  action: {
    tool: "pay",
    tool_version: "1",
    manifest_digest: `sha256:${"a".repeat(64)}`,
    effect: "once",
    harm: ["money"],
    arguments: { to: "bob", note: "thanks" },
  },
  controlArguments: ["to"],
  labels: { "/to": { origin: "trusted", sources: [] }, "/note": { origin: "model", sources: [] } },
  tainted,
  askable: true,
  planned: false,
});

function recordsOfDefault(times: readonly string[]): DecisionRecord[] {
  const policies = openCedarPolicies({ folder: shippedPolicyFolder("default") });
  if (!policies.ok) throw new Error(policies.error.detail);
  return times.map((at, index) => {
    const asked = request(index % 2 === 1);
    const verdict = policies.value.decide(asked);
    const { version } = policies.value;
    return recordDecision({
      at: new Date(at),
      step: index + 1,
      request: asked,
      budget: {},
      version,
      verdict,
    });
  });
}

const daysAgo = (days: number): string => new Date(NOW.getTime() - days * 86_400_000).toISOString();

describe("diff", () => {
  test("says which decisions of the last days would be others, from a file", async () => {
    const folder = await folderOf({ "a.cedar": PERMIT + ASK });
    const lines = recordsOfDefault([daysAgo(9), daysAgo(6), daysAgo(1)]).map((record) =>
      JSON.stringify(record),
    );
    await writeFile(join(folder, "records.jsonl"), `${lines.join("\n")}\n`);
    const done = await assent(fake, [
      "policy",
      "diff",
      folder,
      "--records",
      join(folder, "records.jsonl"),
      "--json",
    ]);
    expect(done.code).toBe(0);
    expect(json(done)).toMatchObject({
      judged: 2,
      unchanged: 0,
      otherReasons: 1,
      changes: [
        {
          run: runId(1),
          step: 3,
          tool: "pay",
          before: { verdict: "permit", policies: ["act"] },
          after: { verdict: "needs_approval", policies: ["money"] },
        },
      ],
    });
    expect(fake.received).toEqual([]);
  });

  test("asks the server for all pages since then", async () => {
    const folder = await folderOf({ "a.cedar": PERMIT + ASK });
    const [first, second] = recordsOfDefault([daysAgo(2), daysAgo(1)]);
    fake.intercept(
      "GET",
      /^\/api\/harness\/decisions$/,
      (response, { query }) =>
        query.get("cursor") === null
          ? sendJson(response, 200, { data: [first], next_cursor: "c2" })
          : sendJson(response, 200, { data: [second], next_cursor: null }),
      2,
    );
    const done = await assent(fake, ["policy", "diff", folder, "--days", "3"]);
    expect(done.code).toBe(0);
    expect(done.terminal.stdout()).toContain(
      "2 decisions of the last 3 days: 1 would be others, 1 the same for other",
    );
    expect(fake.received.map(({ query }) => [query.get("since"), query.get("cursor")])).toEqual([
      [daysAgo(3), null],
      [daysAgo(3), "c2"],
    ]);
  });

  test("a record that is none stops it: a comparison of a part would look like one of all", async () => {
    const folder = await folderOf({ "a.cedar": PERMIT, "r.jsonl": '{"v":1}\n' });
    const done = await assent(fake, ["policy", "diff", folder, "--records", join(folder, "r.jsonl")]);
    expect(done.code).toBe(2);
    expect(done.terminal.stderr()).toContain("line 1 of");
  });
});

describe("trial", () => {
  const path = /^\/api\/harness\/policies\/trial$/;

  test("the server says which decisions would be others, where it stopped, and that nothing was changed", async () => {
    const folder = await folderOf({ "a.cedar": PERMIT + ASK });
    const bodies: unknown[] = [];
    fake.intercept("POST", path, (response, { body }) => {
      bodies.push(body);
      sendJson(response, 200, {
        loads: true,
        version: `sha256:${"1".repeat(64)}`,
        rules: 2,
        since: AT,
        judged: 2_000,
        complete: false,
        unchanged: 1_790,
        other_reasons: 9,
        changes: [
          {
            at: AT,
            run_id: runId(1),
            step: 3,
            tool: "pay\u202e",
            before: { verdict: "permit", policies: ["act"] },
            after: { verdict: "needs_approval", policies: ["money"] },
          },
        ],
        changes_more: 200,
      });
    });
    const done = await assent(fake, ["policy", "trial", join(folder, "a.cedar"), "--days", "3"]);
    expect(done.code).toBe(0);
    expect(bodies).toEqual([{ text: PERMIT + ASK, days: 3 }]);
    const told = done.terminal.stdout();
    expect(told).toContain("pay<U+202E>");
    expect(told).toContain("needs_approval (money)");
    expect(told).toContain("2000 decisions of the last 3 days: 201 would be others, 9 the same for other");
    expect(told).toContain("200 of these are not listed.");
    expect(told).toContain("There are more decisions than one trial judges");
    expect(told).toContain("Nothing was changed");
  });

  test("rules that would not load are told at their place in the file, and the exit is 1", async () => {
    const folder = await folderOf({ "a.cedar": "forbid" });
    fake.intercept("POST", path, (response) =>
      sendJson(response, 200, {
        loads: false,
        fault: { code: "policy_syntax", line: 4, column: 2, detail: "It ends too soon." },
      }),
    );
    const done = await assent(fake, ["policy", "trial", join(folder, "a.cedar")]);
    expect(done.code).toBe(1);
    expect(done.terminal.stdout()).toContain("a.cedar:4:2: It ends too soon. (policy_syntax)");
  });
});

describe("explain", () => {
  const decided: Run["steps"][number] = {
    seq: 2,
    kind: "tool",
    name: "pay",
    state: "refused",
    effect: "once",
    effect_id: null,
    arguments: { to: "eve\u202e" },
    decision: {
      verdict: "deny",
      reasons: [{ code: "forbidden", policy: "no-money", detail: "Money stays here." }],
    },
    approval_id: null,
    result: null,
    error: null,
    started_at: AT,
    finished_at: AT,
  };
  const model = { ...decided, seq: 1, kind: "model", decision: null } as const;

  beforeEach(() => fake.add(runSchema.parse({ ...makeRun(1), steps: [model, decided] })));

  test("names the rule, its reason and the exact arguments", async () => {
    const done = await assent(fake, ["policy", "explain", runId(1), "2"]);
    expect(done.code).toBe(0);
    expect(done.terminal.stdout()).toBe(
      'pay: deny\n  no-money: Money stays here. (forbidden)\nArguments\n{\n  "to": "eve\\u202e"\n}\n',
    );
  });

  test("of a gate it shows what people were asked about", async () => {
    const gate = { ...decided, seq: 3, kind: "gate", arguments: undefined } as const;
    const asked = makeApproval(1, runId(1), { step: 3 });
    fake.add(runSchema.parse({ ...makeRun(1), steps: [model, decided, gate], approvals: [asked] }));
    const done = await assent(fake, ["policy", "explain", runId(1), "3", "--json"]);
    expect(done.code).toBe(0);
    expect(json(done)).toMatchObject({ tool: "pay", arguments: asked.action.arguments });
  });

  test.each([
    ["1", "step_undecided"],
    ["4", "step_unknown"],
  ])("step %s: %s", async (step, code) => {
    const done = await assent(fake, ["policy", "explain", runId(1), step]);
    expect(done.code).toBe(2);
    expect(done.terminal.stderr()).toContain(`(${code})`);
  });
});

describe("authorize", () => {
  const call = {
    principal: { type: "User", id: "anna" },
    action: { type: "Action", id: "read" },
    resource: { type: "File", id: "a" },
    context: {},
    entities: [],
    policies: "permit (principal, action, resource);",
  };

  test("answers as Cedar does, exit 0 for allow and 1 for deny", async () => {
    const folder = await folderOf({
      "yes.json": JSON.stringify(call),
      "no.json": JSON.stringify({ ...call, policies: "" }),
      "bad.json": JSON.stringify({ ...call, polices: "" }),
    });
    const yes = await assent(fake, ["policy", "authorize", join(folder, "yes.json"), "--json"]);
    expect([yes.code, json(yes)]).toEqual([
      0,
      { decision: "allow", reasons: ["policy0"], errors: [], failures: [] },
    ]);
    expect((await assent(fake, ["policy", "authorize", join(folder, "no.json")])).code).toBe(1);
    expect((await assent(fake, ["policy", "authorize", join(folder, "bad.json")])).code).toBe(2);
  });
});
