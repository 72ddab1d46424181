// The two-merge story of the issue, with the real command on a real repository: a first conflict is escalated and a
// person resolves it; in the next branch the same conflict is applied with that provenance, one like it is proposed, a
// different one is escalated; the audit tells the whole story.

import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compiledBefore } from "../support/compiled.ts";

const HARMONY = fileURLToPath(new URL("../../packages/harmony/bin/harmony.mjs", import.meta.url));

let root = "";

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "harmony-story-")));
  git("init", "-q", "-b", "main");
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

/** Nothing of this machine's configuration, and a fixed author. */
function environment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: root,
    ...compiledBefore(),
    LC_ALL: "C",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_SYSTEM: "/dev/null",
    GIT_AUTHOR_NAME: "Test",
    GIT_AUTHOR_EMAIL: "test@localhost",
    GIT_COMMITTER_NAME: "Test",
    GIT_COMMITTER_EMAIL: "test@localhost",
  };
}

function git(...args: string[]): string {
  return execFileSync("git", ["-c", "merge.conflictStyle=diff3", ...args], {
    cwd: root,
    env: environment(),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** True when it stopped at conflicts. */
function mergeStops(branch: string): boolean {
  try {
    git("merge", "-q", "--no-edit", branch);
    return false;
  } catch {
    return git("diff", "--name-only", "--diff-filter=U") !== "";
  }
}

type Ran = { readonly code: number; readonly out: string; readonly error: string };

async function harmony(...args: string[]): Promise<Ran> {
  return await new Promise((resolve) => {
    const options = { cwd: root, env: { ...environment(), HARMONY_AS: "alice" }, encoding: "utf8" } as const;
    execFile(process.execPath, [HARMONY, ...args], options, (failure, out, error) => {
      resolve({ code: failure === null ? 0 : Number(failure.code), out, error });
    });
  });
}

type MergeJson = {
  readonly schema: string;
  readonly learned: readonly { readonly path: string }[];
  readonly files: readonly {
    readonly path: string;
    readonly status: string;
    readonly conflicts: readonly {
      readonly status: string;
      readonly reason: string;
      readonly text: string | null;
      readonly provenance: { readonly type: string; readonly principal_id: string | null } | null;
      readonly dropped: readonly { readonly side: string; readonly text: string }[];
      readonly candidates: readonly { readonly text: string; readonly reasons: readonly string[] }[];
    }[];
  }[];
};

const isMergeJson = (json: unknown): json is MergeJson =>
  typeof json === "object" && json !== null && "schema" in json && json.schema === "assent.harmony/merge/v1";

type AuditJson = { readonly entries: readonly { readonly event_type: string; readonly at: string }[] };

const isAuditJson = (json: unknown): json is AuditJson =>
  typeof json === "object" && json !== null && "entries" in json && Array.isArray(json.entries);

function read(ran: Ran): MergeJson {
  const json: unknown = JSON.parse(ran.out);
  if (!isMergeJson(json)) throw new Error(`not the document of a merge: ${ran.out}${ran.error}`);
  return json;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const take = (path: string): string => readFileSync(join(root, path), "utf8");

function commit(message: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) write(path, text);
  git("add", "-A", "--", ".", ":!.muse");
  git("commit", "-qm", message);
}

const limits = (name: string, value: number): string => `export const limits = {\n  ${name}: ${value},\n};\n`;
const HELP = "usage: tool\n\nRun it.\n";

/** Both branches change the limit; `second` also changes another file's limit of another name, and the help. */
function writeHistory(): void {
  commit("base", {
    "src/limits.ts": limits("timeoutMs", 100),
    "src/other.ts": limits("sizeBytes", 10),
    "help.txt": HELP,
  });
  for (const branch of ["first", "second"]) {
    git("checkout", "-qb", branch, "main");
    const files: Record<string, string> = { "src/limits.ts": limits("timeoutMs", 300) };
    if (branch === "second") {
      files["src/other.ts"] = limits("sizeBytes", 30);
      files["help.txt"] = HELP.replace("Run it.", "Run it with care, and read the manual before.");
    }
    commit(branch, files);
  }
  git("checkout", "-q", "main");
  const ours = { "src/limits.ts": limits("timeoutMs", 200), "src/other.ts": limits("sizeBytes", 20) };
  commit("ours", { ...ours, "help.txt": HELP.replace("Run it.", "Do not run it.") });
}

test("two merges: asked once, answered the second time, with the reasons told", async () => {
  writeHistory();
  git("branch", "again");

  // First merge: nothing is known. A person decides, takes the larger limit, and the command learns.
  expect(mergeStops("first")).toBe(true);
  const conflicted = take("src/limits.ts");
  const first = await harmony("merge", "src/limits.ts", "--json");
  expect(first.code).toBe(1);
  expect(read(first).files).toMatchObject([
    {
      path: "src/limits.ts",
      status: "conflicted",
      conflicts: [{ status: "escalated", reason: "no_precedent" }],
    },
  ]);
  expect(take("src/limits.ts")).toBe(conflicted);
  expect((await harmony("escalations")).out).toContain("No policy or resolution found");
  write("src/limits.ts", limits("timeoutMs", 300));
  expect((await harmony("merge", "--learn")).code).toBe(0);
  expect((await harmony("escalations", "--status", "open", "--json")).out).not.toContain('"status": "open"');
  git("commit", "-qam", "merge first");

  // Second merge, elsewhere in history: the same conflict, one like it, and a different one. No file is named.
  git("checkout", "-q", "again");
  expect(mergeStops("second")).toBe(true);
  const before = take("src/limits.ts");
  const second = await harmony("merge", "--json");
  expect(second.code).toBe(1);
  const byPath = new Map(read(second).files.map((file) => [file.path, file]));
  expect([...byPath.keys()].toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
    "help.txt",
    "src/limits.ts",
    "src/other.ts",
  ]);

  expect(byPath.get("src/limits.ts")).toMatchObject({
    status: "resolved",
    conflicts: [
      {
        status: "applied",
        reason: "exact_verified",
        provenance: { type: "human", principal_id: "alice" },
        dropped: [{ side: "ours", text: "  timeoutMs: 200,\n" }],
      },
    ],
  });
  expect(take("src/limits.ts")).toBe(limits("timeoutMs", 300));

  const [similar] = byPath.get("src/other.ts")?.conflicts ?? [];
  expect(similar).toMatchObject({ status: "proposed", reason: "similar" });
  expect(similar?.candidates[0]?.text).toBe("  sizeBytes: 30,\n");
  expect(similar?.candidates[0]?.reasons.join(" ")).toMatch(/with other names.*alice/u);
  expect(similar?.candidates.length).toBe(3);
  expect(take("src/other.ts")).toContain("<<<<<<<");

  expect(byPath.get("help.txt")?.conflicts).toMatchObject([{ status: "escalated", reason: "no_precedent" }]);

  // The table for a person says the same, and who decided when.
  const table = (await harmony("merge", "src/other.ts", "help.txt")).out;
  expect(table).toMatch(/src\/other\.ts: 0 of 1 resolved/u);
  expect(table).toMatch(/proposed .*alice, \d{4}-\d\d-\d\d, src\/limits\.ts/u);

  // What was applied can be taken back exactly, and then is not forced upon the person again.
  expect((await harmony("merge", "--undo", "src/limits.ts")).code).toBe(1);
  expect(take("src/limits.ts")).toBe(before);
  expect(read(await harmony("merge", "src/limits.ts", "--json")).files).toMatchObject([
    { status: "conflicted", conflicts: [{ status: "proposed", reason: "undone" }] },
  ]);

  const audit = await harmony("audit", "--limit", "100", "--json");
  const story: unknown = JSON.parse(audit.out);
  if (!isAuditJson(story)) throw new Error(audit.out);
  const told = story.entries.map(({ event_type }) => event_type).toReversed();
  const chapters = ["pattern_recorded", "escalation_recorded", "resolution_saved", "escalation_resolved"];
  // What one command does it does at one time; between commands time goes on.
  const times = chapters.map(
    (event) => story.entries.findLast((entry) => entry.event_type === event)?.at ?? "",
  );
  expect(times).toEqual(times.toSorted());
  expect(times).not.toContain("");
  const later = told.slice(told.indexOf("escalation_resolved"));
  for (const event of [
    "resolution_applied",
    "resolution_proposed",
    "escalation_recorded",
    "resolution_undone",
  ]) {
    expect(later).toContain(event);
  }
});

test("an aborted merge teaches nothing: our side is back in the file, and nobody decided for it", async () => {
  writeHistory();
  expect(mergeStops("first")).toBe(true);
  await harmony("merge");
  git("merge", "--abort");
  expect((await harmony("merge", "--learn")).out).toBe("nothing to learn\n");
  expect(mergeStops("first")).toBe(true);
  const again = await harmony("merge", "--json");
  expect(read(again).files).toMatchObject([{ conflicts: [{ status: "escalated" }] }]);
});

test("the same branch merged into another one is another merge: its clean files decide nothing", async () => {
  writeHistory();
  git("branch", "clean", "main~1");
  expect(mergeStops("first")).toBe(true);
  await harmony("merge");
  write("src/limits.ts", limits("timeoutMs", 250));
  await harmony("merge", "--learn");
  git("commit", "-qam", "merge first");
  git("checkout", "-q", "clean");
  git("merge", "-q", "--no-commit", "--no-ff", "first");
  expect((await harmony("merge", "--learn")).out).toBe("nothing to learn\n");
});

test("a file that one side deleted is not called resolved, though it has no markers", async () => {
  commit("base", { "a.txt": "one\n" });
  git("checkout", "-qb", "topic");
  commit("changed", { "a.txt": "two\n" });
  git("checkout", "-q", "main");
  git("rm", "-q", "a.txt");
  git("commit", "-qm", "deleted");
  expect(mergeStops("topic")).toBe(true);
  const ran = await harmony("merge", "--json");
  expect(ran.code).toBe(1);
  expect(read(ran).files).toMatchObject([
    { path: "a.txt", status: "refused", refusal: { reason: "modify_delete" } },
  ]);
});

const document = (line: string): string => `Title\n=======\n\n${line}\n=======\n\nend\n`;

test("the marker size that .gitattributes sets is the one that is read", async () => {
  commit("base", { ".gitattributes": "*.rst conflict-marker-size=20\n", "a.rst": document("one") });
  git("checkout", "-qb", "topic");
  commit("theirs", { "a.rst": document("<<<<<<< two").replace("end", "END") });
  git("checkout", "-q", "main");
  commit("ours", { "a.rst": document("three") });
  expect(mergeStops("topic")).toBe(true);
  expect(read(await harmony("merge", "--json")).files).toMatchObject([
    { path: "a.rst", status: "conflicted", conflicts: [{ status: "escalated" }] },
  ]);
  write("a.rst", document("two and three").replace("end", "END"));
  const learned = await harmony("merge", "--learn", "--json");
  expect(learned.out).toContain('"status": "learned"');
});

const text = (value: string): string => `top\n${value}\nend\n`;

test("a rebase teaches from stop to stop, and a skipped commit teaches nothing", async () => {
  const both = (value: string): Record<string, string> => ({ "a.txt": text(value), "b.txt": text(value) });
  commit("base", { ...both("one"), "c.txt": text("one") });
  git("checkout", "-qb", "topic");
  commit("first", { "a.txt": text("topic") });
  commit("second", { "c.txt": text("skipped") });
  commit("third", { "b.txt": text("topic") });
  git("checkout", "-q", "main");
  commit("main", { ...both("main"), "c.txt": text("main") });
  git("checkout", "-q", "topic");
  const step = (...args: string[]): void => {
    try {
      git("-c", "core.editor=true", "rebase", ...args);
    } catch {
      // It stops at the next conflict.
    }
  };
  step("main");
  expect(read(await harmony("merge", "--json")).files).toMatchObject([
    { path: "a.txt", status: "conflicted" },
  ]);
  write("a.txt", text("decided"));
  git("add", "a.txt");
  step("--continue");
  expect(read(await harmony("merge", "--json")).files).toMatchObject([
    { path: "c.txt", status: "conflicted" },
  ]);
  step("--skip");
  const third = read(await harmony("merge", "--json"));
  expect(third.files).toMatchObject([{ path: "b.txt", status: "resolved" }]);
  expect(take("b.txt")).toBe(text("decided"));
  expect(third.learned).toEqual([]);
});

test("wrong use is told in one line with exit code 2", async () => {
  for (const args of [["nowhere.txt"], ["../x"], ["--learn", "--undo"], ["--no-such-option"]]) {
    const ran = await harmony("merge", ...args);
    expect([ran.code, ran.out]).toEqual([2, ""]);
    expect(ran.error.trim().split("\n").length).toBe(1);
  }
  expect((await harmony("merge")).code).toBe(0);
});
