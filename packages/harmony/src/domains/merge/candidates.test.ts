import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fakeId } from "../../ids.ts";
import { AgentProvenance } from "../../provenance.ts";
import { Resolution } from "../../resolutions.ts";
import type { MergeContext, MergeMemory, Precedent } from "./candidate.ts";
import { Experience } from "./experience.ts";
import {
  fingerprintConflict,
  fingerprintShape,
  tokensOfConflict,
  type ConflictTexts,
} from "./fingerprint.ts";
import { makeCandidates } from "./makers.ts";
import { rank } from "./rank.ts";
import { explain, STRATEGIES } from "./strategies.ts";

const CONTEXT: MergeContext = { path: "src/a.ts", oursLabel: "HEAD", theirsLabel: "topic", merge: "m" };
const NOTHING: MergeMemory = { exact: [], similar: [] };
const text = fc
  .array(fc.constantFrom("a", "b1", "c = 2", ""), { maxLength: 4 })
  .map((l) => l.map((x) => `${x}\n`).join(""));
const conflicts = fc.record({ base: fc.option(text), ours: text, theirs: text });
const swap = ({ base, ours, theirs }: ConflictTexts): ConflictTexts => ({ base, ours: theirs, theirs: ours });

function precedent(result: string, texts: ConflictTexts | null, strategy: string = "text"): Precedent {
  const patternId = fakeId("pattern");
  const resolvedBy = AgentProvenance.human("alice");
  const resolution = new Resolution({
    patternId,
    strategy,
    result: strategy === "text" ? result : null,
    resolvedAt: "2026-01-02T00:00:00Z",
    resolvedBy,
  });
  const near = { samePath: false, sameMerge: false, sameBase: true, sameShape: true, similarity: 1 };
  return { patternId, path: "src/old.ts", resolution, texts, ...near };
}

const shape = (ours: string, theirs: string): string | null =>
  fingerprintShape({ base: "v = 1;\n", ours, theirs });

const best = (
  conflict: ConflictTexts,
  memory: MergeMemory,
): { text: string; makers: readonly string[] } | undefined =>
  rank(makeCandidates(conflict, CONTEXT, memory), conflict, CONTEXT, new Experience())[0];

describe("what makes two conflicts the same", () => {
  test("the sides are unordered, the base is not a side, and a missing base is not an empty one", () => {
    fc.assert(
      fc.property(conflicts, conflicts, (a, b) => {
        expect(fingerprintConflict(swap(a))).toBe(fingerprintConflict(a));
        const same =
          a.base === b.base &&
          [a.ours, a.theirs].toSorted().join("\0") === [b.ours, b.theirs].toSorted().join("\0");
        expect(fingerprintConflict(a) === fingerprintConflict(b)).toBe(same);
      }),
      { seed: 42, numRuns: 2000 },
    );
    expect(fingerprintConflict({ base: null, ours: "a", theirs: "b" })).not.toBe(
      fingerprintConflict({ base: "", ours: "a", theirs: "b" }),
    );
  });

  test("a shape forgets names and numbers, and nothing else", () => {
    expect(shape("v = 2;\n", "v = 3;\n")).toBe(shape("v = 8;\n", "v = 9;\n"));
    expect(shape("v = 2;\n", "v = 2;\n")).not.toBe(shape("v = 8;\n", "v = 9;\n"));
    expect(shape("v = 2\n", "v = 3;\n")).not.toBe(shape("v = 8;\n", "v = 9;\n"));
    expect(shape("v += 2;\n", "v = 3;\n")).toBe(shape("v = 9;\n", "v += 8;\n"));
    expect(fingerprintShape({ base: null, ours: "x".repeat(50_001), theirs: "" })).toBeNull();
  });

  test("a large conflict keeps at most 512 tokens, most of them shared with one like it", () => {
    const words = Array.from({ length: 2_000 }, (_, at) => `word${at}`);
    const one = tokensOfConflict({ base: "", ours: words.join(" "), theirs: "" });
    const two = tokensOfConflict({ base: "", ours: words.slice(0, 1_900).join(" "), theirs: "" });
    expect(one.length).toBe(512);
    expect(two.filter((token) => one.includes(token)).length).toBeGreaterThan(400);
    expect(tokensOfConflict({ base: null, ours: "x".repeat(300), theirs: "" })[0]?.length).toBe(22);
  });
});

test.each([
  ["union", "a\nb\n", "b\nc\n", "a\nb\nc\n"],
  ["sorted_union", "c\na\n", "b\na\n", "a\nb\nc\n"],
  ["ours_theirs", "a", "b\n", "a\nb\n"],
  ["theirs_ours", "a\r\n", "b", "b\r\na\r\n"],
  ["union", "a", "b\r\n", "a\r\nb\r\n"],
  ["nothing", "a\n", "b\n", ""],
] as const)("%s of %j and %j is %j", (name, ours, theirs, answer) => {
  const conflict = { base: "", ours, theirs };
  expect(STRATEGIES[name](conflict)).toBe(answer);
  expect(explain(answer, conflict)).toContain(name);
});

test("words that each side changed apart are merged, words that both changed are not", () => {
  const base = "const a = 1, b = 2;\n";
  expect(
    STRATEGIES.token_merge({ base, ours: "const a = 9, b = 2;\n", theirs: "const a = 1, b = 8;\n" }),
  ).toBe("const a = 9, b = 8;\n");
  expect(
    STRATEGIES.token_merge({ base, ours: "const a = 9, b = 2;\n", theirs: "const a = 7, b = 2;\n" }),
  ).toBeNull();
  expect(STRATEGIES.token_merge({ base: null, ours: "a", theirs: "b" })).toBeNull();
});

describe("memory", () => {
  const past = { base: "v = 1\n", ours: "v = 2\n", theirs: "v = 3\n" };
  test("a stored text survives swapped sides", () => {
    const memory = { exact: [precedent("v = 2 + 3\n", past)], similar: [] };
    expect(best(past, memory)).toMatchObject({ text: "v = 2 + 3\n", makers: ["exact"] });
    expect(best(swap(past), memory)).toMatchObject({ text: "v = 2 + 3\n", makers: ["exact"] });
  });

  test("the same conflict with other names gets the answer with its own names", () => {
    const here = { base: "w = 7\n", ours: "w = 8\n", theirs: "w = 9\n" };
    const found = best(here, { exact: [], similar: [precedent("v = 3 // 2\n", past)] });
    expect(found).toMatchObject({ text: "w = 9 // 8\n", makers: ["template"] });
  });

  test("a person's own word in the answer is not carried to another conflict by template", () => {
    const here = { base: "w = 7\n", ours: "w = 8\n", theirs: "w = 9\n" };
    const made = makeCandidates(here, CONTEXT, { exact: [], similar: [precedent("v = newWord\n", past)] });
    expect(made.filter(({ maker }) => maker === "template")).toEqual([]);
  });

  test("a like conflict's choice of side is offered with its reason", () => {
    const there = { base: "x\ny\n", ours: "x1\ny\n", theirs: "x2\ny\nz\n" };
    const here = { base: "x\ny\nw\n", ours: "x1\ny\nw\n", theirs: "x2\ny\nw2\n" };
    const made = makeCandidates(here, CONTEXT, {
      exact: [],
      similar: [{ ...precedent(there.theirs, there), similarity: 0.7 }],
    });
    expect(made.find(({ maker }) => maker === "similar")).toMatchObject({
      text: here.theirs,
      reason:
        "a conflict 70% like this one: there the answer keeps their side (alice, 2026-01-02, src/old.ts)",
    });
  });
});

test("equal texts are one candidate with all who made it; no text stands twice, best first, and all are shares of one whole", () => {
  fc.assert(
    fc.property(conflicts, (conflict) => {
      const candidates = makeCandidates(conflict, CONTEXT, NOTHING);
      const ranked = rank(candidates, conflict, CONTEXT, new Experience());
      expect(new Set(ranked.map((r) => r.text)).size).toBe(ranked.length);
      for (const { text: made, makers } of ranked) {
        expect(makers).toEqual(candidates.filter((c) => c.text === made).map(({ maker }) => maker));
      }
      const worths = ranked.map(({ confidence }) => confidence);
      expect(worths).toEqual(worths.toSorted((a, b) => b - a));
      for (const worth of worths) expect(worth).toBeGreaterThanOrEqual(0);
      expect(worths.reduce((sum, worth) => sum + worth, 0)).toBeLessThanOrEqual(1 + 1e-9);
    }),
    { seed: 42, numRuns: 500 },
  );
});
