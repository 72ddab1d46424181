import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  chmodSync,
  existsSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openFsStore } from "../../fs-store.ts";
import { addPolicy, forget, revoke } from "../../memory.ts";
import { AgentProvenance } from "../../provenance.ts";
import type { HarmonyStore } from "../../store.ts";
import type { PolicyAction } from "../../vocabulary.ts";
import type { ConflictReport, FileReport } from "./answer-file.ts";
import { FsMergeWorkspace } from "./fs-workspace.ts";
import { forgetConflict, type MergeSetting } from "./memory.ts";
import { answerMerge, learnMerge, undoMerge, type MergeReport } from "./merge.ts";

// Only a hang is to fail here: every record is fsynced, and a busy machine may take its time.
vi.setConfig({ testTimeout: 120_000 });

const ALICE = AgentProvenance.human("alice");
let root = "";
let store: HarmonyStore;
let setting: MergeSetting;
let clock = 0;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "harmony-merge-"));
  store = openFsStore(root);
  clock = Date.parse("2026-01-01T00:00:00Z");
  setting = settingOf(ALICE);
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function tick(): Date {
  clock += 1000;
  return new Date(clock);
}

function settingOf(actor: AgentProvenance): MergeSetting {
  return { store, workspace: new FsMergeWorkspace(root), actor, now: tick, scope: "" };
}

type Sides = { readonly ours: string; readonly base: string; readonly theirs: string };

function marked({ ours, base, theirs }: Sides): string {
  return `<<<<<<< HEAD\n${ours}||||||| 1234567\n${base}=======\n${theirs}>>>>>>> topic\n`;
}

const SIDES: Sides = { ours: "v = 2\n", base: "v = 1\n", theirs: "v = 3\n" };
const OTHER: Sides = { ours: "print(a)\nlog(a)\n", base: "print(x, y)\n", theirs: "if ok: print(x)\n" };

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const take = (path: string): string => readFileSync(join(root, path), "utf8");
const conflicted = (sides: Sides): string => `top\n${marked(sides)}end\n`;
const answer = async (...paths: string[]): Promise<MergeReport> =>
  await answerMerge(paths, setting, { dryRun: false });

function conflictsOf(file: FileReport | undefined): readonly ConflictReport[] {
  if (file === undefined || file.status === "refused") throw new Error("no such file was answered");
  return file.conflicts;
}

async function statusOf(path: string): Promise<string[]> {
  return conflictsOf((await answer(path)).files[0]).map(({ status, reason }) => `${status} ${reason}`);
}

/** A person decides the conflict of these sides with this text, in a file of its own. */
async function teach(path: string, sides: Sides, text: string): Promise<void> {
  put(path, conflicted(sides));
  await answer(path);
  put(path, `top\n${text}end\n`);
  await learnMerge([path], setting);
}

test("an unknown conflict is escalated and the file is not touched", async () => {
  put("a.txt", conflicted(SIDES));
  expect(await statusOf("a.txt")).toEqual(["escalated no_precedent"]);
  expect(take("a.txt")).toBe(conflicted(SIDES));
  expect((await store.listEscalations({ status: "open" })).length).toBe(1);
});

test("what a person decided answers the same conflict in another file, with its provenance, and closes the escalation", async () => {
  await teach("a.txt", SIDES, "v = 23\n");
  expect((await store.listEscalations()).map(({ status }) => status)).toEqual(["resolved"]);
  put("lib/b.txt", conflicted(SIDES));
  const [file] = (await answer("lib/b.txt")).files;
  expect(conflictsOf(file)[0]).toMatchObject({
    status: "applied",
    text: "v = 23\n",
    provenance: { principalId: "alice" },
  });
  expect(take("lib/b.txt")).toBe("top\nv = 23\nend\n");
});

test("every line that the answer drops from a side is told", async () => {
  await teach("a.txt", { ...SIDES, ours: "v = 2\nkeep\nkeep\n" }, "v = 3\nkeep\n");
  put("b.txt", conflicted({ ...SIDES, ours: "v = 2\nkeep\nkeep\n" }));
  expect(conflictsOf((await answer("b.txt")).files[0])[0]?.dropped).toEqual([
    { side: "ours", text: "v = 2\n" },
    { side: "ours", text: "keep\n" },
  ]);
});

test("the text is replayed when the sides come swapped", async () => {
  await teach("a.txt", SIDES, SIDES.ours);
  put("b.txt", conflicted({ ours: SIDES.theirs, base: SIDES.base, theirs: SIDES.ours }));
  expect(await statusOf("b.txt")).toEqual(["applied exact_verified"]);
  expect(take("b.txt")).toBe(`top\n${SIDES.ours}end\n`);
});

test("a stored strategy is never replayed: which side it meant is not known", async () => {
  put("a.txt", conflicted(SIDES));
  const [report] = conflictsOf((await answer("a.txt")).files[0]);
  const { Resolution } = await import("../../resolutions.ts");
  const patternId = report?.patternId ?? "";
  await store.saveResolution(
    new Resolution({ patternId, strategy: "ours", resolvedAt: new Date(clock), resolvedBy: ALICE }),
  );
  put("b.txt", conflicted({ ours: SIDES.theirs, base: SIDES.base, theirs: SIDES.ours }));
  expect(await statusOf("b.txt")).toEqual(["proposed strategy_not_replayed"]);
  expect(take("b.txt")).toContain("<<<<<<<");
});

test("within one merge: what was decided in one file answers the next ones, in one call", async () => {
  for (const path of ["a.txt", "b.txt", "c.txt"]) put(path, conflicted(SIDES));
  expect((await answer("a.txt", "b.txt", "c.txt")).files.map(({ status }) => status)).toEqual([
    "conflicted",
    "conflicted",
    "conflicted",
  ]);
  put("b.txt", "top\nv = 4\nend\n");
  const { files, learned } = await answer("a.txt", "b.txt", "c.txt");
  expect(learned.map(({ path }) => path)).toEqual(["b.txt"]);
  expect(files.map(({ status }) => status)).toEqual(["resolved", "clean", "resolved"]);
  expect(["a.txt", "c.txt"].map(take)).toEqual(["top\nv = 4\nend\n", "top\nv = 4\nend\n"]);
});

test("within one file: the conflict decided by hand answers its repetition, the person's text stays", async () => {
  const file = (first: string): string => `top\n${first}between\n${marked(SIDES)}end\n`;
  put("a.txt", file(marked(SIDES)));
  expect(await statusOf("a.txt")).toEqual(["escalated no_precedent", "escalated no_precedent"]);
  put("a.txt", file("by hand\n"));
  expect(await statusOf("a.txt")).toEqual(["applied exact_verified"]);
  expect(take("a.txt")).toBe("top\nby hand\nbetween\nby hand\nend\n");
});

/** Git, saying that this commit is being merged. */
class Merging extends FsMergeWorkspace {
  commit: string = "a".repeat(40);
  override commitBeingMerged(): string {
    return this.commit;
  }
  override session(): string {
    return this.commit;
  }
}

/** Where git does not say, all of one day is one merge. */
const DAY_MS = 86_400_000;

describe("how far one decision reaches", () => {
  test("in a later merge it applies at its own path, and elsewhere is proposed until a person left it there too", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    clock += DAY_MS;
    put("lib/b.txt", conflicted(SIDES));
    expect(await statusOf("lib/b.txt")).toEqual(["proposed exact_elsewhere"]);
    expect(take("lib/b.txt")).toBe(conflicted(SIDES));
    put("a.txt", conflicted(SIDES));
    expect(await statusOf("a.txt")).toEqual(["applied exact_verified"]);
    put("lib/b.txt", "top\nv = 2\nend\n");
    await learnMerge(["lib/b.txt"], setting);
    clock += DAY_MS;
    for (const path of ["lib/b.txt", "lib/c.txt"]) {
      put(path, conflicted(SIDES));
      expect(await statusOf(path)).toEqual(["applied exact_verified"]);
    }
  });

  test("an agent that leaves it elsewhere widens nothing", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    clock += DAY_MS;
    setting = settingOf(AgentProvenance.agent("bot"));
    await teach("b.txt", SIDES, "v = 2\n");
    clock += DAY_MS;
    for (const path of ["b.txt", "c.txt"]) {
      put(path, conflicted(SIDES));
      expect(await statusOf(path)).toEqual(["proposed exact_elsewhere"]);
    }
  });

  test("a policy that names the least confidence says what is enough", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    clock += DAY_MS;
    const policy = {
      scope: "repo",
      action: "auto",
      condition: { pathGlob: "lib/**", confidenceMin: 0.8 },
    } as const;
    await addPolicy(store, { ...policy, createdAt: tick(), createdBy: ALICE });
    for (const path of ["lib/b.txt", "b.txt"]) put(path, conflicted(SIDES));
    expect(await statusOf("lib/b.txt")).toEqual(["applied exact_verified"]);
    expect(await statusOf("b.txt")).toEqual(["proposed exact_elsewhere"]);
  });
});

describe("being wrong", () => {
  test("an override lowers the evidence at once: the next time it is proposed, not applied", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    put("b.txt", conflicted(SIDES));
    expect(await statusOf("b.txt")).toEqual(["applied exact_verified"]);
    put("b.txt", "top\nv = 5\nend\n");
    const [learned] = await learnMerge(["b.txt"], setting);
    expect(learned).toMatchObject({ conflicts: [{ status: "overridden" }] });
    put("c.txt", conflicted(SIDES));
    const [report] = conflictsOf((await answer("c.txt")).files[0]);
    expect(report).toMatchObject({ status: "proposed", reason: "exact_disagreement" });
    expect(
      report?.candidates
        .slice(0, 2)
        .map(({ text }) => text)
        .toSorted(),
    ).toEqual(["v = 2\n", "v = 5\n"]);
    for (const candidate of report?.candidates ?? []) expect(candidate.confidence).toBeLessThan(0.8);
    expect(take("c.txt")).toBe(conflicted(SIDES));
  });

  test("an answer kept by a person gains, once in each merge however many files and runs repeat it", async () => {
    const workspace = new Merging(root);
    setting = { ...setting, workspace };
    await teach("a.txt", SIDES, "v = 2\n");
    const paths = ["b.txt", "c.txt", "d.txt"];
    const counts = async (): Promise<object | undefined> => {
      const [pattern] = await store.listPatterns();
      return (await store.listResolutions(pattern?.patternId ?? ""))[0];
    };
    for (const path of paths) put(path, conflicted(SIDES));
    await answer(...paths);
    await learnMerge(["b.txt"], setting);
    await learnMerge(paths, setting);
    expect(await counts()).toMatchObject({ appliedCount: 3, confirmedCount: 1, overriddenCount: 0 });
    workspace.commit = "b".repeat(40);
    put("a.txt", conflicted(SIDES));
    await answer("a.txt");
    await learnMerge(["a.txt"], setting);
    expect(await counts()).toMatchObject({ appliedCount: 4, confirmedCount: 2, overriddenCount: 0 });
  });

  test("correcting a slip in the same merge leaves one answer, not a disagreement", async () => {
    await teach("a.txt", SIDES, "v = oops\n");
    put("a.txt", "top\nv = 4\nend\n");
    await learnMerge(["a.txt"], setting);
    put("b.txt", conflicted(SIDES));
    expect(await statusOf("b.txt")).toEqual(["applied exact_verified"]);
    expect(take("b.txt")).toBe("top\nv = 4\nend\n");
  });

  test("an answer that others stood by is not withdrawn by a correction, it is contradicted", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    put("b.txt", conflicted(SIDES));
    await answer("b.txt");
    await learnMerge(["b.txt"], setting);
    put("a.txt", "top\nv = 4\nend\n");
    await learnMerge(["a.txt"], setting);
    const [pattern] = await store.listPatterns();
    const resolutions = await store.listResolutions(pattern?.patternId ?? "");
    expect(resolutions.find(({ result }) => result === "v = 2\n")).toMatchObject({
      revokedAt: null,
      overriddenCount: 1,
    });
    put("c.txt", conflicted(SIDES));
    expect(await statusOf("c.txt")).toEqual(["proposed exact_disagreement"]);
  });

  test("what was revoked is not given again, also when somebody decides the same once more", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    const [pattern] = await store.listPatterns();
    const patternId = pattern?.patternId ?? "";
    const [resolution] = await store.listResolutions(patternId);
    await revoke(
      store,
      patternId,
      resolution?.resolutionId ?? "",
      { at: new Date(clock), actor: ALICE },
      "wrong",
    );
    put("b.txt", conflicted(SIDES));
    expect(await statusOf("b.txt")).toEqual(["escalated no_precedent"]);
    put("b.txt", "top\nv = 2\nend\n");
    expect(await learnMerge(["b.txt"], setting)).toMatchObject([
      { conflicts: [{ status: "skipped", reason: "revoked" }] },
    ]);
    expect((await store.listEscalations({ status: "open" })).length).toBe(1);
    put("c.txt", conflicted(SIDES));
    expect(await statusOf("c.txt")).toEqual(["escalated no_precedent"]);
  });

  test("an agent's keeping or changing of a person's answer is no experience of it, but no certainty either", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    setting = settingOf(AgentProvenance.agent("bot"));
    for (const [path, text] of [
      ["b.txt", "v = 2\n"],
      ["c.txt", "v = 7\n"],
    ] as const) {
      put(path, conflicted(SIDES));
      expect(await statusOf(path)).toEqual(["applied exact_verified"]);
      put(path, `top\n${text}end\n`);
      await learnMerge([path], setting);
    }
    const [pattern] = await store.listPatterns();
    const resolutions = await store.listResolutions(pattern?.patternId ?? "");
    const person = resolutions.find(({ humanVerified }) => humanVerified);
    expect(person).toMatchObject({ result: "v = 2\n", confirmedCount: 1, overriddenCount: 0 });
    put("d.txt", conflicted(SIDES));
    expect(await statusOf("d.txt")).toEqual(["proposed exact_disagreement"]);
  });

  test("an agent's decision is proposed and never applied by itself, nor does its keeping confirm", async () => {
    setting = settingOf(AgentProvenance.agent("bot", "model-1"));
    await teach("a.txt", SIDES, "v = 2\n");
    await learnMerge(["a.txt"], setting);
    put("b.txt", conflicted(SIDES));
    expect(await statusOf("b.txt")).toEqual(["proposed exact_unverified"]);
    const [pattern] = await store.listPatterns();
    expect(await store.listResolutions(pattern?.patternId ?? "")).toMatchObject([
      { confirmedCount: 1, humanVerified: false },
    ]);
  });
});

describe("conflicts like a decided one", () => {
  test("with other names the answer is proposed with its own names and its reason", async () => {
    await teach("a.txt", SIDES, "v = 3\n");
    put("b.txt", conflicted({ ours: "w = 20\n", base: "w = 10\n", theirs: "w = 30\n" }));
    const [report] = conflictsOf((await answer("b.txt")).files[0]);
    expect(report).toMatchObject({ status: "proposed", reason: "similar" });
    expect(report?.candidates.length).toBe(3);
    expect(report?.candidates[0]).toMatchObject({ text: "w = 30\n", provenance: { principalId: "alice" } });
    expect(report?.candidates[0]?.makers).toContain("template");
    expect(report?.candidates[0]?.reasons.join()).toContain("alice, 2026-01-01, a.txt");
  });

  test("an unlike conflict is escalated all the same, with computed candidates for the person", async () => {
    await teach("a.txt", SIDES, "v = 3\n");
    put("b.txt", conflicted(OTHER));
    const [report] = conflictsOf((await answer("b.txt")).files[0]);
    expect(report).toMatchObject({ status: "escalated", reason: "no_precedent" });
    expect(report?.candidates.map(({ makers }) => makers[0])).toEqual(["theirs", "ours", "union"]);
  });
});

describe("forgetting", () => {
  test.each(["forget", "forgetConflict"])(
    "%s: nothing answers from a forgotten pattern, exactly or by likeness",
    async (how) => {
      await teach("a.txt", SIDES, "v = 3\n");
      const [pattern] = await store.listPatterns();
      const patternId = pattern?.patternId ?? "";
      if (how === "forget")
        expect(await forget(store, patternId, { at: new Date(clock), actor: ALICE })).toBe(true);
      else {
        expect(await forgetConflict(patternId, setting)).toBe(true);
        for (const folder of ["texts", "places"]) {
          expect(readdirSync(join(root, ".muse/harmony/merge", folder))).toEqual([]);
        }
      }
      expect((await store.listAudit({ eventType: "pattern_forgotten" })).length).toBe(1);
      put("b.txt", conflicted(SIDES));
      expect(await statusOf("b.txt")).toEqual(["escalated no_precedent"]);
      put("c.txt", conflicted({ ours: "w = 20\n", base: "w = 10\n", theirs: "w = 30\n" }));
      expect(await statusOf("c.txt")).toEqual(["escalated no_precedent"]);
    },
  );
});

const windows = (text: string): string => text.replaceAll("\n", "\r\n");

describe("undo", () => {
  test.each([
    ["plain", (text: string) => text],
    ["CRLF and byte order mark", (text: string) => `\uFEFF${windows(text)}`],
    ["no last line end", (text: string) => text.slice(0, -1)],
  ])("restores the conflicted text byte for byte: %s", async (_, style) => {
    const before = style(`top\n${marked(SIDES)}mid\n${marked(OTHER)}mid\n${marked(SIDES)}end\n`);
    put("t.txt", style(`top\n${marked(SIDES)}end\n`));
    await answer("t.txt");
    put("t.txt", style("top\nv = 9\nend\n"));
    await learnMerge(["t.txt"], setting);
    put("b.txt", before);
    expect(await statusOf("b.txt")).toEqual([
      "applied exact_verified",
      "escalated no_precedent",
      "applied exact_verified",
    ]);
    expect(take("b.txt")).not.toBe(before);
    const [undone] = await undoMerge(["b.txt"], setting);
    expect(undone).toMatchObject({ conflicts: [{ status: "restored" }, { status: "restored" }] });
    expect(take("b.txt")).toBe(before);
  });

  test("the undone answer is not given again here, and is elsewhere", async () => {
    await teach("a.txt", SIDES, "v = 9\n");
    put("b.txt", conflicted(SIDES));
    await answer("b.txt");
    await undoMerge(null, setting);
    expect(await statusOf("b.txt")).toEqual(["proposed undone"]);
    put("c.txt", conflicted(SIDES));
    expect(await statusOf("c.txt")).toEqual(["applied exact_verified"]);
  });

  test("nor is an answer undone in one merge withheld in the next", async () => {
    const workspace = new Merging(root);
    setting = { ...setting, workspace };
    await teach("b.txt", SIDES, "v = 9\n");
    workspace.commit = "c".repeat(40);
    put("b.txt", conflicted(SIDES));
    await answer("b.txt");
    await undoMerge(null, setting);
    expect(await statusOf("b.txt")).toEqual(["proposed undone"]);
    workspace.commit = "b".repeat(40);
    expect(await undoMerge(null, setting)).toEqual([]);
    expect(await statusOf("b.txt")).toEqual(["applied exact_verified"]);
  });

  test("a person's own decisions and edits stay", async () => {
    await teach("a.txt", SIDES, "v = 9\n");
    put("b.txt", `top\n${marked(SIDES)}mid\n${marked(OTHER)}end\n`);
    await answer("b.txt");
    put("b.txt", "top\nv = 9\nmid\nby hand\nend\n");
    await undoMerge(["b.txt"], setting);
    expect(take("b.txt")).toBe(`top\n${marked(SIDES)}mid\nby hand\nend\n`);
  });

  test("an answer of no lines is taken back too", async () => {
    await teach("a.txt", SIDES, "");
    const before = `top\n${marked(SIDES)}mid\n${marked(OTHER)}end\n`;
    put("b.txt", before);
    await answer("b.txt");
    expect(take("b.txt")).toBe(`top\nmid\n${marked(OTHER)}end\n`);
    put("b.txt", "top\nmid\nby hand\nend\n");
    await undoMerge(["b.txt"], setting);
    expect(take("b.txt")).toBe(`top\n${marked(SIDES)}mid\nby hand\nend\n`);
  });

  test("an answer that was edited since is left as it is", async () => {
    await teach("a.txt", SIDES, "v = 9\n");
    put("b.txt", conflicted(SIDES));
    await answer("b.txt");
    put("b.txt", "top\nv = 9 // mine\nend\n");
    expect(await undoMerge(["b.txt"], setting)).toMatchObject([{ conflicts: [{ status: "left" }] }]);
    expect(take("b.txt")).toBe("top\nv = 9 // mine\nend\n");
  });
});

async function declare(action: PolicyAction, pathGlob: string): Promise<void> {
  await addPolicy(store, {
    scope: "file",
    condition: { pathGlob },
    action,
    createdAt: new Date(clock),
    createdBy: ALICE,
  });
}

describe("declared strategies by path", () => {
  test.each([
    ["ours", "top\nb\na\nend\n"],
    ["theirs", "top\na\nc\nend\n"],
    ["base", "top\na\nend\n"],
    ["union", "top\nb\na\nc\nend\n"],
    ["sorted_union", "top\na\nb\nc\nend\n"],
  ] as const)("%s", async (action, expected) => {
    await declare(action, "docs/**");
    put("docs/list.txt", conflicted({ ours: "b\na\n", base: "a\n", theirs: "a\nc\n" }));
    put("list.txt", conflicted({ ours: "b\na\n", base: "a\n", theirs: "a\nc\n" }));
    expect(await statusOf("docs/list.txt")).toEqual(["applied policy_strategy"]);
    expect(take("docs/list.txt")).toBe(expected);
    expect(await statusOf("list.txt")).toEqual(["escalated no_precedent"]);
  });

  test("manual asks a person even where the memory knows", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    await declare("manual", "secret/*");
    put("secret/b.txt", conflicted(SIDES));
    expect(await statusOf("secret/b.txt")).toEqual(["escalated policy_manual"]);
  });

  test("base without a told base is escalated with what to do", async () => {
    await declare("base", "*");
    put("a.txt", "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n");
    expect(await statusOf("a.txt")).toEqual(["escalated no_base"]);
  });

  test("what a policy answered does not become a precedent", async () => {
    await declare("ours", "docs/*");
    put("docs/a.txt", conflicted(SIDES));
    await answer("docs/a.txt");
    expect(await learnMerge(["docs/a.txt"], setting)).toMatchObject([
      { conflicts: [{ status: "kept", resolutionId: null }] },
    ]);
    put("b.txt", conflicted(SIDES));
    expect(await statusOf("b.txt")).toEqual(["escalated no_precedent"]);
  });
});

describe("safety", () => {
  test("an answer that holds a marker here is proposed, not written", async () => {
    // Learned where markers are nine characters long, so that seven `=` were plain text.
    const long = conflicted(SIDES).replace(/^([<|=>])\1{6}/gmu, "$1$1$1$1$1$1$1$1$1");
    put("a.txt", long);
    await answer("a.txt");
    put("a.txt", "top\nTitle\n=======\nend\n");
    await learnMerge(["a.txt"], setting);
    put("b.txt", conflicted(SIDES));
    expect(await statusOf("b.txt")).toEqual(["proposed marker_in_answer"]);
    expect(take("b.txt")).toBe(conflicted(SIDES));
  });

  test("dry run says the same and writes nothing", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    put("b.txt", conflicted(SIDES));
    const audit = (await store.listAudit()).length;
    const { files } = await answerMerge(["b.txt"], setting, { dryRun: true });
    expect(conflictsOf(files[0])[0]).toMatchObject({ status: "applied", text: "v = 2\n" });
    expect(take("b.txt")).toBe(conflicted(SIDES));
    expect((await store.listAudit()).length).toBe(audit);
    expect(setting.workspace.loadPending("b.txt")).toBeNull();
  });

  test("the file's mode is kept", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    put("run.sh", conflicted(SIDES));
    chmodSync(join(root, "run.sh"), 0o755);
    await answer("run.sh");
    expect(take("run.sh")).toBe("top\nv = 2\nend\n");
    expect(statSync(join(root, "run.sh")).mode & 0o777).toBe(0o755);
  });

  test.each([
    ["not_utf8", Buffer.from([0x61, 0xff, 0x0a])],
    ["binary", Buffer.from("a\0b\n")],
    ["too_large", Buffer.alloc(8_388_609, 0x61)],
    ["unfinished_conflict", Buffer.from("<<<<<<< HEAD\n")],
  ])("refuses: %s", async (reason, bytes) => {
    writeFileSync(join(root, "a.bin"), bytes);
    expect((await answer("a.bin")).files).toMatchObject([{ status: "refused", refusal: { reason } }]);
    expect(readFileSync(join(root, "a.bin")).equals(bytes)).toBe(true);
  });

  test("a link is not followed, and nothing outside the repository is named", async () => {
    const outside = mkdtempSync(join(tmpdir(), "harmony-outside-"));
    writeFileSync(join(outside, "x.txt"), conflicted(SIDES));
    symlinkSync(join(outside, "x.txt"), join(root, "link.txt"));
    symlinkSync(outside, join(root, "folder"));
    expect((await answer("link.txt")).files).toMatchObject([{ refusal: { reason: "not_a_file" } }]);
    const { workspace } = setting;
    for (const path of [join(outside, "x.txt"), "../x.txt", "folder/x.txt", root]) {
      expect(workspace.locate(path)).toEqual({ ok: false, refusal: { reason: "outside" } });
    }
    await expect(answer("folder/x.txt")).rejects.toThrow("leads out");
    await expect(answer("../x.txt")).rejects.toThrow("leads out");
    rmSync(outside, { recursive: true });
  });

  test("a write is refused when somebody changed the file meanwhile", () => {
    put("a.txt", "one\n");
    expect(setting.workspace.writeText("a.txt", "three\n", "two\n")).toEqual({
      ok: false,
      refusal: { reason: "changed_meanwhile" },
    });
    expect(take("a.txt")).toBe("one\n");
  });

  test("a planted record of a file is not believed: other name, other shape, a path outside", async () => {
    put("a.txt", conflicted(SIDES));
    await answer("a.txt");
    const notes = join(root, ".muse/harmony/merge/files");
    const pending = setting.workspace.loadPending("a.txt");
    writeFileSync(
      join(notes, `${"0".repeat(64)}.json`),
      JSON.stringify({ ...pending, path: "../../etc/passwd" }),
    );
    writeFileSync(join(notes, `${"1".repeat(64)}.json`), JSON.stringify(pending));
    writeFileSync(join(notes, `${"2".repeat(64)}.json`), "{".repeat(100_000));
    writeFileSync(join(notes, "x.json"), JSON.stringify(pending));
    expect(setting.workspace.listPending().map(({ path }) => path)).toEqual(["a.txt"]);
  });

  test("a link in place of the notes' folder is refused", async () => {
    const outside = mkdtempSync(join(tmpdir(), "harmony-outside-"));
    mkdirSync(join(root, ".muse/harmony"), { recursive: true });
    symlinkSync(outside, join(root, ".muse/harmony/merge"));
    put("a.txt", conflicted(SIDES));
    await expect(answer("a.txt")).rejects.toMatchObject({ code: "untrusted_path" });
    expect(existsSync(join(outside, "files"))).toBe(false);
    rmSync(outside, { recursive: true });
  });
});

/** The object, but its k-th call throws, as a full disk or a killed process would stop it there. */
function failingAt<Port extends object>(port: Port, calls: { left: number }): Port {
  return new Proxy(port, {
    get(target, name): unknown {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        calls.left -= 1;
        if (calls.left === 0) throw new Error("injected fault");
        return Reflect.apply(member, target, args);
      };
    },
  });
}

test("a fault at any operation leaves the file as it was or answered, and another run completes the story", async () => {
  const before = conflicted(SIDES);
  let faults = 0;
  for (let k = 1; ; k += 1) {
    rmSync(root, { recursive: true, force: true });
    mkdirSync(root);
    store = openFsStore(root);
    const sound = settingOf(ALICE);
    const calls = { left: k };
    const faulty = {
      ...sound,
      store: failingAt(sound.store, calls),
      workspace: failingAt(sound.workspace, calls),
    };
    const story = async (): Promise<void> => {
      if (!existsSync(join(root, "a.txt"))) put("a.txt", before);
      if (take("a.txt") === before) await answerMerge(["a.txt"], setting, { dryRun: false });
      if (take("a.txt") === before) put("a.txt", "top\nv = 9\nend\n");
      await learnMerge(["a.txt"], setting);
      if (!existsSync(join(root, "b.txt"))) put("b.txt", before);
      await answerMerge(["b.txt"], setting, { dryRun: false });
    };
    setting = faulty;
    const failed = await story().then(
      () => false,
      (error: unknown) => error instanceof Error && error.message === "injected fault",
    );
    for (const path of ["a.txt", "b.txt"]) {
      if (existsSync(join(root, path))) expect([before, "top\nv = 9\nend\n"]).toContain(take(path));
    }
    setting = sound;
    await story();
    expect(take("b.txt")).toBe("top\nv = 9\nend\n");
    expect((await store.listEscalations()).map(({ status }) => status)).toEqual(["resolved"]);
    expect((await store.listPatterns()).length).toBe(1);
    await undoMerge(["b.txt"], setting);
    expect(take("b.txt")).toBe(before);
    if (!failed) break;
    faults += 1;
  }
  expect(faults).toBeGreaterThan(40);
}, 240_000);

describe("the experience ledger", () => {
  test("torn, foreign and hostile lines tell nothing and harm nothing", async () => {
    await teach("a.txt", SIDES, SIDES.theirs);
    const path = join(root, ".muse/harmony/merge/experience.jsonl");
    const good = readFileSync(path, "utf8");
    writeFileSync(
      path,
      `{"path":"x\n<<<<<<< HEAD\n${"[".repeat(50)}\n{"__proto__":1}\n${good.slice(0, -20)}\n${good}`,
    );
    await teach("b.txt", OTHER, OTHER.theirs);
    const outcomes = setting.workspace.loadOutcomes();
    expect(outcomes.map((outcome) => outcome.path)).toEqual(["a.txt", "b.txt"]);
    expect(outcomes[0]?.right).toContain("theirs");
    expect(outcomes[0]?.wrong).toContain("ours");
  });

  test("strategies are learned apart: where one side always wins it comes first, and is still not applied", async () => {
    for (const number of [1, 2, 3, 4, 5, 6]) {
      const sides = { ours: `a${number} b\n`, base: "", theirs: `c${number}\nd e ${"f ".repeat(number)}\n` };
      await teach(`docs/${number}.md`, sides, sides.theirs);
    }
    put("docs/new.md", conflicted(OTHER));
    const [report] = conflictsOf((await answer("docs/new.md")).files[0]);
    expect(report?.status).toBe("escalated");
    expect(report?.candidates[0]?.makers).toContain("theirs");
  });
});
