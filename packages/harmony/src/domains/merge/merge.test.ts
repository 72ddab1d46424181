// What a memory answers: known conflicts, unknown ones, those like a known one, and those forgotten.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { forget } from "../../memory.ts";
import {
  ALICE,
  answer,
  conflicted,
  conflictsOf,
  desk,
  marked,
  OTHER,
  put,
  SIDES,
  statusOf,
  take,
  teach,
  useDesk,
} from "../../testing/merge-desk.ts";
import { forgetConflict } from "./memory.ts";

useDesk();

test("an unknown conflict is escalated and the file is not touched", async () => {
  put("a.txt", conflicted(SIDES));
  expect(await statusOf("a.txt")).toEqual(["escalated no_precedent"]);
  expect(take("a.txt")).toBe(conflicted(SIDES));
  expect((await desk.store.listEscalations({ status: "open" })).length).toBe(1);
});

test("what a person decided answers the same conflict in another file, with its provenance, and closes the escalation", async () => {
  await teach("a.txt", SIDES, "v = 23\n");
  expect((await desk.store.listEscalations()).map(({ status }) => status)).toEqual(["resolved"]);
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
  await desk.store.saveResolution(
    new Resolution({ patternId, strategy: "ours", resolvedAt: new Date(desk.clock), resolvedBy: ALICE }),
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
    const makers = report?.candidates.map(({ makers: [first] }) => first) ?? [];
    // Which way of putting both together comes third is for the weights that were learned.
    expect(makers.slice(0, 2)).toEqual(["theirs", "ours"]);
    expect(["ours_theirs", "theirs_ours", "union", "sorted_union"]).toContain(makers[2]);
    expect(makers).toHaveLength(3);
  });
});

describe("forgetting", () => {
  test.each(["forget", "forgetConflict"])(
    "%s: nothing answers from a forgotten pattern, exactly or by likeness",
    async (how) => {
      await teach("a.txt", SIDES, "v = 3\n");
      const [pattern] = await desk.store.listPatterns();
      const patternId = pattern?.patternId ?? "";
      if (how === "forget")
        expect(await forget(desk.store, patternId, { at: new Date(desk.clock), actor: ALICE })).toBe(true);
      else {
        expect(await forgetConflict(patternId, desk.setting)).toBe(true);
        for (const folder of ["texts", "places"]) {
          expect(readdirSync(join(desk.root, ".muse/harmony/merge", folder))).toEqual([]);
        }
      }
      expect((await desk.store.listAudit({ eventType: "pattern_forgotten" })).length).toBe(1);
      put("b.txt", conflicted(SIDES));
      expect(await statusOf("b.txt")).toEqual(["escalated no_precedent"]);
      put("c.txt", conflicted({ ours: "w = 20\n", base: "w = 10\n", theirs: "w = 30\n" }));
      expect(await statusOf("c.txt")).toEqual(["escalated no_precedent"]);
    },
  );
});

describe("the experience ledger", () => {
  test("torn, foreign and hostile lines tell nothing and harm nothing", async () => {
    await teach("a.txt", SIDES, SIDES.theirs);
    const path = join(desk.root, ".muse/harmony/merge/experience.jsonl");
    const good = readFileSync(path, "utf8");
    writeFileSync(
      path,
      `{"path":"x\n<<<<<<< HEAD\n${"[".repeat(50)}\n{"__proto__":1}\n${good.slice(0, -20)}\n${good}`,
    );
    await teach("b.txt", OTHER, OTHER.theirs);
    const outcomes = desk.setting.workspace.loadOutcomes();
    expect(outcomes.map((outcome) => outcome.path)).toEqual(["a.txt", "b.txt"]);
    const right = outcomes[0]?.texts[outcomes[0].right ?? -1];
    expect(right).toContain("theirs");
    expect(right).not.toContain("ours");
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
