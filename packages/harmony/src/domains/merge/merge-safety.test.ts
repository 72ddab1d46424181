// What is declared, what is refused, and what a fault leaves behind.

import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  chmodSync,
  existsSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openFsStore } from "../../fs-store.ts";
import { fakeId } from "../../ids.ts";
import { addPolicy } from "../../memory.ts";
import {
  ALICE,
  answer,
  conflicted,
  conflictsOf,
  desk,
  marked,
  put,
  settingOf,
  SIDES,
  statusOf,
  take,
  teach,
  useDesk,
  WithoutGit,
} from "../../testing/merge-desk.ts";
import type { PolicyAction } from "../../vocabulary.ts";
import { FsMergeWorkspace } from "./fs-workspace.ts";
import { answerMerge, learnMerge, undoMerge } from "./merge.ts";

useDesk();

async function declare(action: PolicyAction, pathGlob: string): Promise<void> {
  await addPolicy(desk.store, {
    scope: "file",
    condition: { pathGlob },
    action,
    createdAt: new Date(desk.clock),
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
    expect(await learnMerge(["docs/a.txt"], desk.setting)).toMatchObject([
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
    await learnMerge(["a.txt"], desk.setting);
    put("b.txt", conflicted(SIDES));
    expect(await statusOf("b.txt")).toEqual(["proposed marker_in_answer"]);
    expect(take("b.txt")).toBe(conflicted(SIDES));
  });

  test("dry run says the same and writes nothing", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    put("b.txt", conflicted(SIDES));
    const audit = (await desk.store.listAudit()).length;
    const { files } = await answerMerge(["b.txt"], desk.setting, { dryRun: true });
    expect(conflictsOf(files[0])[0]).toMatchObject({ status: "applied", text: "v = 2\n" });
    expect(take("b.txt")).toBe(conflicted(SIDES));
    expect((await desk.store.listAudit()).length).toBe(audit);
    expect(desk.setting.workspace.loadPending("b.txt")).toBeNull();
  });

  test("the file's mode is kept", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    put("run.sh", conflicted(SIDES));
    chmodSync(join(desk.root, "run.sh"), 0o755);
    await answer("run.sh");
    expect(take("run.sh")).toBe("top\nv = 2\nend\n");
    expect(statSync(join(desk.root, "run.sh")).mode & 0o777).toBe(0o755);
  });

  test.each([
    ["not_utf8", Buffer.from([0x61, 0xff, 0x0a])],
    ["binary", Buffer.from("a\0b\n")],
    ["too_large", Buffer.alloc(8_388_609, 0x61)],
    ["unfinished_conflict", Buffer.from("<<<<<<< HEAD\n")],
  ])("refuses: %s", async (reason, bytes) => {
    writeFileSync(join(desk.root, "a.bin"), bytes);
    expect((await answer("a.bin")).files).toMatchObject([{ status: "refused", refusal: { reason } }]);
    expect(readFileSync(join(desk.root, "a.bin")).equals(bytes)).toBe(true);
  });

  test("a link is not followed, and nothing outside the repository is named", async () => {
    const outside = mkdtempSync(join(tmpdir(), "harmony-outside-"));
    writeFileSync(join(outside, "x.txt"), conflicted(SIDES));
    symlinkSync(join(outside, "x.txt"), join(desk.root, "link.txt"));
    symlinkSync(outside, join(desk.root, "folder"));
    expect((await answer("link.txt")).files).toMatchObject([{ refusal: { reason: "not_a_file" } }]);
    const { workspace } = desk.setting;
    for (const path of [join(outside, "x.txt"), "../x.txt", "folder/x.txt", desk.root]) {
      expect(workspace.locate(path)).toEqual({ ok: false, refusal: { reason: "outside" } });
    }
    await expect(answer("folder/x.txt")).rejects.toThrow("leads out");
    await expect(answer("../x.txt")).rejects.toThrow("leads out");
    rmSync(outside, { recursive: true });
  });

  test("a write is refused when somebody changed the file meanwhile", () => {
    put("a.txt", "one\n");
    expect(desk.setting.workspace.writeText("a.txt", "three\n", "two\n")).toEqual({
      ok: false,
      refusal: { reason: "changed_meanwhile" },
    });
    expect(take("a.txt")).toBe("one\n");
  });

  test("a planted record of a file is not believed: other name, other shape, a path outside", async () => {
    put("a.txt", conflicted(SIDES));
    await answer("a.txt");
    const notes = join(desk.root, ".muse/harmony/merge/files");
    const pending = desk.setting.workspace.loadPending("a.txt");
    writeFileSync(
      join(notes, `${"0".repeat(64)}.json`),
      JSON.stringify({ ...pending, path: "../../etc/passwd" }),
    );
    writeFileSync(join(notes, `${"1".repeat(64)}.json`), JSON.stringify(pending));
    writeFileSync(join(notes, `${"2".repeat(64)}.json`), "{".repeat(100_000));
    writeFileSync(join(notes, "x.json"), JSON.stringify(pending));
    expect(desk.setting.workspace.listPending().map(({ path }) => path)).toEqual(["a.txt"]);
  });

  test("git's own folder is neither read nor written, whatever a planted record or a link says", async () => {
    const config = "[core]\n\ta = b\\\nv = 9\n";
    const hooked = { ...SIDES, ours: "\tfsmonitor = evil\n" };
    put(".git/config", config);
    symlinkSync(join(desk.root, ".git"), join(desk.root, "shown"));
    const places = [".git/config", ".GIT/config", "sub/../.git/config", "shown/config", "a/.git/config"];
    put("a/.git/config", config);
    for (const path of places) {
      const { workspace } = desk.setting;
      const pending = {
        version: 1 as const,
        path,
        marker_size: 7,
        before: config.replace("v = 9\n", marked(hooked)),
        after: config,
        seen_at: new Date(desk.clock).toISOString(),
        merging: null,
        session: null,
        onto: null,
        conflicts: [
          {
            pattern_id: fakeId("p"),
            applied: "v = 9\n",
            resolution_id: null,
            learned: null,
            learned_resolution_id: null,
            undone: false,
          },
        ],
      };
      workspace.savePending(pending);
      await expect(undoMerge([path], desk.setting)).rejects.toMatchObject({ code: "untrusted_path" });
      expect(() => workspace.readText(path)).toThrow(expect.objectContaining({ code: "untrusted_path" }));
    }
    expect([take(".git/config"), take("a/.git/config")]).toEqual([config, config]);
  });

  test("a link in place of the notes' folder is refused", async () => {
    const outside = mkdtempSync(join(tmpdir(), "harmony-outside-"));
    mkdirSync(join(desk.root, ".muse/harmony"), { recursive: true });
    symlinkSync(outside, join(desk.root, ".muse/harmony/merge"));
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

test("where there is no git, every question to it has the answer that the faults below are tried with", () => {
  put("a.txt", "one\n");
  const [asking, knowing] = [new FsMergeWorkspace(desk.root), new WithoutGit(desk.root)];
  const answers = (workspace: FsMergeWorkspace): unknown[] => [
    workspace.markerSizeOf("a.txt"),
    workspace.listUnmerged(),
    workspace.commitBeingMerged(),
    workspace.session(),
    workspace.head(),
    workspace.isMerged("a".repeat(40)),
    workspace.rrCacheFolder(),
  ];
  expect(answers(knowing)).toEqual(answers(asking));
  expect(Object.getOwnPropertyNames(WithoutGit.prototype)).toHaveLength(answers(asking).length + 1);
});

test("a fault at any operation leaves the file as it was or answered, and another run completes the story", async () => {
  const before = conflicted(SIDES);
  let faults = 0;
  for (let k = 1; ; k += 1) {
    rmSync(desk.root, { recursive: true, force: true });
    mkdirSync(desk.root);
    desk.store = openFsStore(desk.root);
    const sound = { ...settingOf(ALICE), workspace: new WithoutGit(desk.root) };
    const calls = { left: k };
    const faulty = {
      ...sound,
      store: failingAt(sound.store, calls),
      workspace: failingAt(sound.workspace, calls),
    };
    const story = async (): Promise<void> => {
      if (!existsSync(join(desk.root, "a.txt"))) put("a.txt", before);
      if (take("a.txt") === before) await answerMerge(["a.txt"], desk.setting, { dryRun: false });
      if (take("a.txt") === before) put("a.txt", "top\nv = 9\nend\n");
      await learnMerge(["a.txt"], desk.setting);
      if (!existsSync(join(desk.root, "b.txt"))) put("b.txt", before);
      await answerMerge(["b.txt"], desk.setting, { dryRun: false });
    };
    desk.setting = faulty;
    const failed = await story().then(
      () => false,
      (error: unknown) => error instanceof Error && error.message === "injected fault",
    );
    for (const path of ["a.txt", "b.txt"]) {
      if (existsSync(join(desk.root, path))) expect([before, "top\nv = 9\nend\n"]).toContain(take(path));
    }
    desk.setting = sound;
    await story();
    expect(take("b.txt")).toBe("top\nv = 9\nend\n");
    expect((await desk.store.listEscalations()).map(({ status }) => status)).toEqual(["resolved"]);
    expect((await desk.store.listPatterns()).length).toBe(1);
    await undoMerge(["b.txt"], desk.setting);
    expect(take("b.txt")).toBe(before);
    if (!failed) break;
    faults += 1;
  }
  expect(faults).toBeGreaterThan(40);
});
