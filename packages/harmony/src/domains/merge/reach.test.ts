import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openFsStore } from "../../fs-store.ts";
import { fakeId } from "../../ids.ts";
import { resolve } from "../../memory.ts";
import { AgentProvenance } from "../../provenance.ts";
import { Resolution } from "../../resolutions.ts";
import { newRoot } from "../../testing/root.ts";
import { FsMergeWorkspace } from "./fs-workspace.ts";
import type { MergeSetting } from "./memory.ts";
import { answerMerge } from "./merge.ts";
import { isWithinReach } from "./reach.ts";

const ANN = AgentProvenance.human("ann");
const DAY_MS = 86_400_000;

const given = (by: AgentProvenance, confirmedCount: number): Resolution =>
  new Resolution({
    patternId: fakeId("p"),
    strategy: "text",
    result: "x",
    resolvedAt: "2026-01-02T00:00:00Z",
    resolvedBy: by,
    confirmedCount,
  });
const once = given(ANN, 1);
const elsewhere = { path: "here", merge: "this", firstPath: "there", askedAt: null };
const place = { resolution_id: once.resolutionId, path: "there", merge: "that" };

test.each([
  ["one decision, elsewhere", once, [place], elsewhere, false],
  ["one decision, at its path", once, [place], { ...elsewhere, path: "there" }, true],
  ["one decision, in its merge", once, [place], { ...elsewhere, merge: "that" }, true],
  [
    "another answer was given here",
    once,
    [{ ...place, resolution_id: fakeId("r"), path: "here" }],
    elsewhere,
    false,
  ],
  ["where it was met first, but left elsewhere", once, [place], { ...elsewhere, firstPath: "here" }, false],
  ["given by the command, where it was met first", once, [], { ...elsewhere, firstPath: "here" }, true],
  ["given by the command, elsewhere", once, [], elsewhere, false],
  ["two decisions", given(ANN, 2), [place], elsewhere, true],
  ["an agent's answer, confirmed once", given(AgentProvenance.agent("bot"), 2), [place], elsewhere, false],
  ["an agent's answer, confirmed twice", given(AgentProvenance.agent("bot"), 3), [place], elsewhere, true],
  [
    "waiting when it was given",
    once,
    [place],
    { ...elsewhere, askedAt: new Date("2026-01-01T00:00:00Z") },
    true,
  ],
  [
    "asked after it was given",
    once,
    [place],
    { ...elsewhere, askedAt: new Date("2026-01-03T00:00:00Z") },
    false,
  ],
])("%s", (_, resolution, places, circumstances, within) => {
  expect(isWithinReach(resolution, places, circumstances)).toBe(within);
});

test("an answer given by the command applies to every file that waited for it, later only where it was asked", async () => {
  const root = newRoot();
  let clock = Date.parse("2026-01-01T00:00:00Z");
  const now = (): Date => new Date((clock += 1_000));
  const store = openFsStore(root);
  const setting: MergeSetting = { store, workspace: new FsMergeWorkspace(root), actor: ANN, now, scope: "" };
  const answer = async (path: string): Promise<string> => {
    await answerMerge([path], setting, { dryRun: false });
    return readFileSync(`${root}/${path}`, "utf8");
  };
  const conflict = "<<<<<<< a\n1\n||||||| b\n0\n=======\n2\n>>>>>>> c\n";
  for (const path of ["a", "b"]) {
    writeFileSync(`${root}/${path}`, conflict);
    expect(await answer(path)).toBe(conflict);
  }
  const [open] = await store.listEscalations({ status: "open" });
  const text = { strategy: "text", result: "12\n" };
  await resolve(store, open?.escalationId ?? "", text, { at: now(), actor: ANN });
  for (const path of ["a", "b"]) expect(await answer(path)).toBe("12\n");
  clock += DAY_MS;
  for (const path of ["a", "c"]) writeFileSync(`${root}/${path}`, conflict);
  expect(await answer("a")).toBe("12\n");
  expect(await answer("c")).toBe(conflict);
});
