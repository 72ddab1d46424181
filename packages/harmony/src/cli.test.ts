// The command, called as a terminal would call it: words in, text and exit code out.

import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { VERSION } from "./version.ts";
import { runCli } from "./cli.ts";
import { museDir } from "./paths.ts";
import { newRoot } from "./testing/root.ts";
import { moment } from "./testing/samples.ts";

type Shell = {
  readonly root: string;
  /** Runs a command line; `json` is what it printed, parsed, when it was called with --json. */
  readonly run: (...words: string[]) => Promise<{ code: number; out: string; error: string }>;
  readonly json: (...words: string[]) => Promise<Record<string, unknown> & { code: number }>;
};

function openShell(env: Record<string, string> = { HARMONY_AS: "ann" }): Shell {
  const root = newRoot();
  let seconds = 0;
  const run: Shell["run"] = async (...words) => {
    let [out, error] = ["", ""];
    seconds += 1;
    const code = await runCli(words, {
      cwd: root,
      env,
      now: () => new Date(moment(seconds)),
      writeOut: (text) => {
        out += text;
      },
      writeError: (text) => {
        error += text;
      },
    });
    return { code, out, error };
  };
  const json: Shell["json"] = async (...words) => {
    const { code, out } = await run(...words, "--json");
    return { ...JSON.parse(out), code };
  };
  writeFileSync(`${root}/ours`, "a\n");
  writeFileSync(`${root}/theirs`, "b\n");
  return { root, run, json };
}

const field = (value: unknown, ...keys: readonly string[]): string =>
  String(keys.reduce<unknown>((at, key) => Object(at)[key], value));

async function recorded(shell: Shell): Promise<string> {
  return field(await shell.json("record", "ours", "theirs", "--path", "src/a.ts"), "pattern", "pattern_id");
}

describe("in an empty folder", () => {
  test("no command tells what there is and what to do, and writes nothing", async () => {
    const shell = openShell();
    const { code, out } = await shell.run();
    expect(code).toBe(0);
    expect(out).toContain("No memory at");
    expect(out).toContain("harmony merge");
    expect(readdirSync(museDir(shell.root))).toEqual([]);
  });

  test.each([
    [["list"], 0, "Nothing remembered yet"],
    [["escalations"], 0, "Nothing waits for a person"],
    [["policy-list"], 0, "No policies"],
    [["audit"], 0, "No audit entries"],
    [["gc"], 0, "forgot 0 patterns"],
  ])("%s says so", async (words, code, says) => {
    const result = await openShell().run(...words);
    expect(result).toMatchObject({ code, error: "" });
    expect(result.out).toContain(says);
  });
});

test("the whole story: record, escalate, resolve, ask for the best, revoke, audit", async () => {
  const shell = openShell();
  const id = await recorded(shell);
  const escalation = await shell.json("escalate", id, "--reason", "both changed it");
  expect(escalation).toMatchObject({ code: 0, schema: "assent.harmony/escalate/v1", opened: true });
  const escalationId = field(escalation, "escalation", "escalation_id");
  expect(await shell.json("escalations")).toMatchObject({ escalations: [{ status: "open", seen_count: 1 }] });

  const resolved = await shell.json(
    "resolve",
    escalationId.slice(7, 19),
    "--text",
    "c\n",
    "--rationale",
    "why",
  );
  expect(resolved).toMatchObject({ code: 0, resolution: { result: "c\n", human_verified: true } });
  expect(field(resolved, "resolution", "resolved_by", "principal_id")).toBe("ann");
  expect((await shell.json("escalations"))["escalations"]).toEqual([]);
  expect(await shell.run("resolve", escalationId, "--text", "d")).toMatchObject({ code: 4, out: "" });

  expect(await shell.json("best", id)).toMatchObject({ code: 0, confidence: 5 / 6 });
  const resolutionId = field(resolved, "resolution", "resolution_id");
  expect(await shell.json("revoke", resolutionId, "--reason", "wrong")).toMatchObject({
    code: 0,
    decisions: [],
    escalations: [{ escalation_id: escalationId }],
  });
  expect((await shell.run("best", id)).code).toBe(3);
  const { entries } = await shell.json("audit");
  expect(
    Array.isArray(entries) &&
      entries
        .map((entry) => entry.event_type)
        .toReversed()
        .slice(0, 2),
  ).toEqual(["pattern_recorded", "escalation_recorded"]);
  expect(await shell.json("audit", "--type", "resolution_revoked")).toMatchObject({
    entries: [{ metadata: { reason: "wrong" } }],
  });
});

test("show finds a pattern, an escalation or a resolution by its id or the beginning of it", async () => {
  const shell = openShell();
  const id = await recorded(shell);
  const given = await shell.json("resolve", id, "--strategy", "ours");
  const escalation = await shell.json("escalate", id, "--reason", "again");
  expect(await shell.json("show", id.slice(7, 20))).toMatchObject({ pattern: { pattern_id: id } });
  const escalationId = field(escalation, "escalation", "escalation_id");
  expect(await shell.json("show", escalationId)).toMatchObject({ escalation: { reason: "again" } });
  expect(await shell.json("show", field(given, "resolution", "resolution_id"))).toMatchObject({
    resolution: { strategy: "ours" },
  });
  expect((await shell.run("show", "abcdef")).code).toBe(3);
});

test("policies are added, listed in their order, and removed", async () => {
  const shell = openShell();
  await shell.run("policy-add", "--action", "ours", "--scope", "file", "--path-glob", "*.lock");
  const added = await shell.json(
    "policy-add",
    "--action",
    "manual",
    "--min-confidence",
    "0.5",
    "--comment",
    "ask",
  );
  const { policies } = await shell.json("policy-list");
  expect(policies).toMatchObject([
    { scope: "repo", action: "manual", condition: { confidence_min: 0.5 } },
    { scope: "file", action: "ours", condition: { path_glob: "*.lock" } },
  ]);
  expect((await shell.run("policy-list")).out).toContain("confidence >= 0.5");
  const policyId = field(added, "policy", "policy_id");
  expect((await shell.run("policy-remove", policyId)).code).toBe(0);
  expect((await shell.run("policy-remove", policyId)).code).toBe(3);
});

test("forget, gc and clear forget; clear only when one is sure; the audit stays", async () => {
  const shell = openShell();
  const id = await recorded(shell);
  expect((await shell.run("forget", id)).code).toBe(0);
  expect((await shell.run("forget", id)).code).toBe(3);
  await recorded(shell);
  expect(await shell.json("gc", "--days", "0")).toMatchObject({ forgotten: [id] });
  await recorded(shell);
  expect((await shell.run("clear")).code).toBe(2);
  expect(await shell.json("clear", "--yes")).toMatchObject({ code: 0, removed: 1 });
  expect((await shell.json("list"))["patterns"]).toEqual([]);
  expect(await shell.json("audit", "--type", "memory_cleared")).toMatchObject({ entries: [{}] });
});

describe("who acts", () => {
  test("an agent's environment names it, and nothing typed makes it a person", async () => {
    const shell = openShell({ HARMONY_AGENT: "robot", HARMONY_MODEL: "m1", HARMONY_AS: "ann" });
    const id = await recorded(shell);
    const given = await shell.json("--as", "ann", "--agent", "other", "resolve", id, "--strategy", "ours");
    expect(given).toMatchObject({
      resolution: {
        human_verified: false,
        resolved_by: { type: "agent", agent_id: "robot", model_id: "m1" },
      },
    });
  });

  test("--agent and --as are taken where the environment is silent", async () => {
    const shell = openShell({});
    const id = await recorded(shell);
    await shell.run("--agent", "x", "escalate", id, "--reason", "r1");
    await shell.run("--as", "bob", "escalate", id, "--reason", "r2");
    expect(await shell.json("escalations")).toMatchObject({
      escalations: [
        { escalated_by: { type: "human", principal_id: "bob" } },
        { escalated_by: { type: "agent", agent_id: "x" } },
      ],
    });
  });
});

describe("called wrongly", () => {
  test.each([
    [["nonsense"], 2],
    [["show"], 2],
    [["show", "abc"], 2],
    [["show", "A".repeat(64)], 2],
    [["list", "--limit", "x"], 2],
    [["policy-add"], 2],
    [["policy-add", "--action", "delete-everything"], 2],
    [["policy-add", "--action", "ours", "--path-glob", "../x"], 1],
    [["policy-add", "--action", "ours", "--min-confidence", "2"], 2],
    [["record", "ours", "missing"], 2],
    [["record", "ours", "."], 2],
    [["resolve", "abcdef", "--strategy", "text"], 2],
    [["resolve", "abcdef", "--strategy", "ours", "--text", "x"], 2],
    [["resolve", "abcdef"], 2],
    [["resolve", "abcdef", "--strategy", "ours"], 3],
    [["escalations", "--status", "lost"], 2],
    [["completion", "tcsh"], 2],
  ])("%j ends with %i, one line, and nothing written", async (words, code) => {
    const shell = openShell();
    const result = await shell.run(...words);
    expect(result.code).toBe(code);
    expect(result.out).toBe("");
    expect(result.error.length).toBeGreaterThan(0);
    expect(existsSync(`${museDir(shell.root)}/harmony`)).toBe(false);
  });

  test("with --json an error is a document with a stable code", async () => {
    expect(await openShell().json("best", `sha256:${"0".repeat(64)}`)).toMatchObject({
      code: 3,
      schema: "assent.harmony/error/v1",
      error: { code: "not_found" },
    });
  });
});

test("what a stranger wrote cannot command the terminal", async () => {
  const shell = openShell();
  const id = await recorded(shell);
  await shell.run("escalate", id, "--reason", "a\u001b[2Jb\u202ec\nd\u009b1m");
  for (const words of [["escalations"], ["show", id], ["audit"]]) {
    const { out } = await shell.run(...words);
    expect(out).toContain("\\u001b[2Jb\\u202ec");
    expect(out.replaceAll("\n", "")).toMatch(/^[^\p{Cc}\p{Cf}]*$/u);
  }
});

test("the memory of the nearest folder above is used; --root names another", async () => {
  const shell = openShell();
  await recorded(shell);
  mkdirSync(`${shell.root}/deep/er`, { recursive: true });
  let out = "";
  const context = {
    cwd: `${shell.root}/deep/er`,
    env: {},
    now: () => new Date(moment(0)),
    writeOut: (text: string) => {
      out += text;
    },
    writeError: () => {},
  };
  await runCli(["status", "--json"], context);
  expect(JSON.parse(out)).toMatchObject({ root: shell.root, patterns: 1 });
  out = "";
  await runCli(["--root", ".", "status", "--json"], context);
  expect(JSON.parse(out)).toMatchObject({ root: `${shell.root}/deep/er`, patterns: 0 });
});

test.each(["bash", "zsh", "fish"])("completion for %s knows every command and its options", async (shell) => {
  const { code, out } = await openShell().run("completion", shell);
  expect(code).toBe(0);
  const commands =
    "record list show resolve best forget clear gc policy-add policy-list policy-remove audit escalations escalate status merge";
  for (const command of commands.split(" ")) expect(out).toContain(command);
  expect(out).toContain("path-glob");
});

const CONFLICT = "<<<<<<< HEAD\nours\n||||||| base\nbase\n=======\ntheirs\n>>>>>>> topic\n";

/** A decided conflict: its pattern, its answer, and what the merge domain keeps beside them. */
async function decided(shell: Shell): Promise<string> {
  writeFileSync(`${shell.root}/a.txt`, CONFLICT);
  await shell.run("merge", "a.txt");
  writeFileSync(`${shell.root}/a.txt`, "ours\n");
  await shell.run("merge", "--learn", "a.txt");
  const { patterns } = await shell.json("list");
  return field(patterns, "0", "pattern_id");
}

const notesOf = (shell: Shell): string[] =>
  ["texts", "places"].flatMap((folder) => {
    const path = `${museDir(shell.root)}/harmony/merge/${folder}`;
    return existsSync(path) ? readdirSync(path) : [];
  });

test("forget drops what the merge domain keeps of the conflict as well", async () => {
  const shell = openShell();
  const id = await decided(shell);
  expect(notesOf(shell)).toHaveLength(2);
  expect(await shell.run("forget", id)).toMatchObject({ code: 0 });
  expect(notesOf(shell)).toEqual([]);
});

test("clear leaves nothing but the audit, not even a conflict's texts", async () => {
  const shell = openShell();
  await decided(shell);
  expect(await shell.run("clear", "--yes")).toMatchObject({ code: 0 });
  expect(existsSync(`${museDir(shell.root)}/harmony/merge`)).toBe(false);
  expect((await shell.run("audit")).out).toContain("memory_cleared");
});

test("clear does not follow a link that stands for the merge domain's folder", async () => {
  const shell = openShell();
  await recorded(shell);
  mkdirSync(`${shell.root}/precious`);
  writeFileSync(`${shell.root}/precious/file`, "");
  symlinkSync(`${shell.root}/precious`, `${museDir(shell.root)}/harmony/merge`);
  expect(await shell.json("clear", "--yes")).toMatchObject({ code: 1, error: { code: "untrusted_path" } });
  expect(readdirSync(`${shell.root}/precious`)).toEqual(["file"]);
});

test("gc drops the texts of a conflict that nobody answered", async () => {
  const shell = openShell();
  await decided(shell);
  writeFileSync(`${shell.root}/b.txt`, CONFLICT.replace("ours", "mine").replace("theirs", "yours"));
  expect((await shell.run("merge", "b.txt")).out).toContain("proposed");
  expect(notesOf(shell)).toHaveLength(3);
  const { forgotten } = await shell.json("gc", "--days", "0");
  expect(forgotten).toHaveLength(1);
  expect(notesOf(shell)).toHaveLength(2);
});

describe("with --json there is one document and nothing else", () => {
  test.each([
    [["nonsense"], 2, "usage"],
    [["show"], 2, "usage"],
    [["list", "--limit", "0"], 2, "usage"],
    [["list", "--no-such-option"], 2, "usage"],
    [["-C", "/nowhere/at/all", "clear", "--yes"], 1, "failure"],
  ])("for %j", async (words, code, error) => {
    const ran = await openShell().run(...words, "--json");
    expect(ran).toMatchObject({ code, error: "" });
    expect(JSON.parse(ran.out)).toMatchObject({ schema: "assent.harmony/error/v1", error: { code: error } });
  });

  test("without a command it is the status", async () => {
    expect(await openShell().json()).toMatchObject({ code: 0, schema: "assent.harmony/status/v1" });
  });
});

test("a resolution is shown by the digits that were printed when it was given", async () => {
  const shell = openShell();
  const id = await recorded(shell);
  const digits = /remembered as ([0-9a-f]+)/.exec(
    (await shell.run("resolve", id, "--text", "both")).out,
  )?.[1];
  expect(await shell.run("show", digits ?? "")).toMatchObject({ code: 0 });
  expect((await shell.run("show", digits ?? "")).out).toContain("both");
});

test.each([
  [
    ["audit", "--type", "--json"],
    "option '--type <event>' argument missing (write --type=--json if --json is meant)",
  ],
  [["audit", "-j", "--type", "--limit", "3"], "option '--type <event>' argument missing"],
  [["-C", "record", "audit", "--pattern", "-j"], "option '--pattern <id>' argument missing"],
  [["escalate", "abc", "--reason", "-j"], "option '--reason <why>' argument missing"],
])("%j: an option is no other option's value, and whoever asked for JSON gets it", async (words, says) => {
  const { code, out } = await openShell().run(...words);
  expect(code).toBe(2);
  expect(JSON.parse(out)).toMatchObject({ schema: "assent.harmony/error/v1", error: { code: "usage" } });
  expect(field(JSON.parse(out), "error", "message")).toContain(says);
});

test("a value that reads like an option or a command is taken where it is meant", async () => {
  const shell = openShell();
  const id = await recorded(shell);
  const resolved = await shell.json("resolve", id, "--text=--json", "--rationale", "audit");
  expect(resolved).toMatchObject({ code: 0, resolution: { result: "--json", rationale: "audit" } });
  expect((await shell.json("audit", "--type", "record")).code).toBe(0);
  expect((await shell.json("audit", "--type", "resolution_saved"))["entries"]).toHaveLength(1);
});

test("says its version, and does nothing else", async () => {
  const shell = openShell();
  expect(await shell.run("--version")).toMatchObject({ code: 0, out: `${VERSION}\n`, error: "" });
  expect(await shell.run("-V", "--json")).toMatchObject({ code: 0, out: `${VERSION}\n`, error: "" });
});
