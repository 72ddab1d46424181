// How far a decision reaches, and what becomes of it when people decide otherwise.

import { describe, expect, test } from "vitest";
import { addPolicy, revoke } from "../../memory.ts";
import { AgentProvenance } from "../../provenance.ts";
import {
  ALICE,
  answer,
  conflicted,
  conflictsOf,
  DAY_MS,
  desk,
  Merging,
  put,
  settingOf,
  SIDES,
  statusOf,
  take,
  teach,
  tick,
  useDesk,
} from "../../testing/merge-desk.ts";
import { learnMerge } from "./merge.ts";

useDesk();

describe("how far one decision reaches", () => {
  test("in a later merge it applies at its own path, and elsewhere is proposed until a person left it there too", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    desk.clock += DAY_MS;
    put("lib/b.txt", conflicted(SIDES));
    expect(await statusOf("lib/b.txt")).toEqual(["proposed exact_elsewhere"]);
    expect(take("lib/b.txt")).toBe(conflicted(SIDES));
    put("a.txt", conflicted(SIDES));
    expect(await statusOf("a.txt")).toEqual(["applied exact_verified"]);
    put("lib/b.txt", "top\nv = 2\nend\n");
    await learnMerge(["lib/b.txt"], desk.setting);
    desk.clock += DAY_MS;
    for (const path of ["lib/b.txt", "lib/c.txt"]) {
      put(path, conflicted(SIDES));
      expect(await statusOf(path)).toEqual(["applied exact_verified"]);
    }
  });

  test("an agent that leaves it elsewhere widens nothing", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    desk.clock += DAY_MS;
    desk.setting = settingOf(AgentProvenance.agent("bot"));
    await teach("b.txt", SIDES, "v = 2\n");
    desk.clock += DAY_MS;
    for (const path of ["b.txt", "c.txt"]) {
      put(path, conflicted(SIDES));
      expect(await statusOf(path)).toEqual(["proposed exact_elsewhere"]);
    }
  });

  test("a policy that names the least confidence says what is enough", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    desk.clock += DAY_MS;
    const policy = {
      scope: "repo",
      action: "auto",
      condition: { pathGlob: "lib/**", confidenceMin: 0.8 },
    } as const;
    await addPolicy(desk.store, { ...policy, createdAt: tick(), createdBy: ALICE });
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
    const [learned] = await learnMerge(["b.txt"], desk.setting);
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
    const workspace = new Merging(desk.root);
    desk.setting = { ...desk.setting, workspace };
    await teach("a.txt", SIDES, "v = 2\n");
    const paths = ["b.txt", "c.txt", "d.txt"];
    const counts = async (): Promise<object | undefined> => {
      const [pattern] = await desk.store.listPatterns();
      return (await desk.store.listResolutions(pattern?.patternId ?? ""))[0];
    };
    for (const path of paths) put(path, conflicted(SIDES));
    await answer(...paths);
    await learnMerge(["b.txt"], desk.setting);
    await learnMerge(paths, desk.setting);
    expect(await counts()).toMatchObject({ appliedCount: 3, confirmedCount: 1, overriddenCount: 0 });
    workspace.commit = "b".repeat(40);
    put("a.txt", conflicted(SIDES));
    await answer("a.txt");
    await learnMerge(["a.txt"], desk.setting);
    expect(await counts()).toMatchObject({ appliedCount: 4, confirmedCount: 2, overriddenCount: 0 });
  });

  test("correcting a slip in the same merge leaves one answer, not a disagreement", async () => {
    await teach("a.txt", SIDES, "v = oops\n");
    put("a.txt", "top\nv = 4\nend\n");
    await learnMerge(["a.txt"], desk.setting);
    put("b.txt", conflicted(SIDES));
    expect(await statusOf("b.txt")).toEqual(["applied exact_verified"]);
    expect(take("b.txt")).toBe("top\nv = 4\nend\n");
  });

  test("an answer that others stood by is not withdrawn by a correction, it is contradicted", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    put("b.txt", conflicted(SIDES));
    await answer("b.txt");
    await learnMerge(["b.txt"], desk.setting);
    put("a.txt", "top\nv = 4\nend\n");
    await learnMerge(["a.txt"], desk.setting);
    const [pattern] = await desk.store.listPatterns();
    const resolutions = await desk.store.listResolutions(pattern?.patternId ?? "");
    expect(resolutions.find(({ result }) => result === "v = 2\n")).toMatchObject({
      revokedAt: null,
      overriddenCount: 1,
    });
    put("c.txt", conflicted(SIDES));
    expect(await statusOf("c.txt")).toEqual(["proposed exact_disagreement"]);
  });

  test("what was revoked is not given again, also when somebody decides the same once more", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    const [pattern] = await desk.store.listPatterns();
    const patternId = pattern?.patternId ?? "";
    const [resolution] = await desk.store.listResolutions(patternId);
    await revoke(
      desk.store,
      patternId,
      resolution?.resolutionId ?? "",
      { at: new Date(desk.clock), actor: ALICE },
      "wrong",
    );
    put("b.txt", conflicted(SIDES));
    expect(await statusOf("b.txt")).toEqual(["escalated no_precedent"]);
    put("b.txt", "top\nv = 2\nend\n");
    expect(await learnMerge(["b.txt"], desk.setting)).toMatchObject([
      { conflicts: [{ status: "skipped", reason: "revoked" }] },
    ]);
    expect((await desk.store.listEscalations({ status: "open" })).length).toBe(1);
    put("c.txt", conflicted(SIDES));
    expect(await statusOf("c.txt")).toEqual(["escalated no_precedent"]);
  });

  test("an agent's keeping or changing of a person's answer is no experience of it, but no certainty either", async () => {
    await teach("a.txt", SIDES, "v = 2\n");
    desk.setting = settingOf(AgentProvenance.agent("bot"));
    for (const [path, text] of [
      ["b.txt", "v = 2\n"],
      ["c.txt", "v = 7\n"],
    ] as const) {
      put(path, conflicted(SIDES));
      expect(await statusOf(path)).toEqual(["applied exact_verified"]);
      put(path, `top\n${text}end\n`);
      await learnMerge([path], desk.setting);
    }
    const [pattern] = await desk.store.listPatterns();
    const resolutions = await desk.store.listResolutions(pattern?.patternId ?? "");
    const person = resolutions.find(({ humanVerified }) => humanVerified);
    expect(person).toMatchObject({ result: "v = 2\n", confirmedCount: 1, overriddenCount: 0 });
    put("d.txt", conflicted(SIDES));
    expect(await statusOf("d.txt")).toEqual(["proposed exact_disagreement"]);
  });

  test("an agent's decision is proposed and never applied by itself, nor does its keeping confirm", async () => {
    desk.setting = settingOf(AgentProvenance.agent("bot", "model-1"));
    await teach("a.txt", SIDES, "v = 2\n");
    await learnMerge(["a.txt"], desk.setting);
    put("b.txt", conflicted(SIDES));
    expect(await statusOf("b.txt")).toEqual(["proposed exact_unverified"]);
    const [pattern] = await desk.store.listPatterns();
    expect(await desk.store.listResolutions(pattern?.patternId ?? "")).toMatchObject([
      { confirmedCount: 1, humanVerified: false },
    ]);
  });
});
