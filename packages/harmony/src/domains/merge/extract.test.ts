import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseConflicts, renderConflicts, type ConflictedText } from "./conflict.ts";
import { extractAnswers } from "./extract.ts";

function parsed(text: string): ConflictedText {
  const result = parseConflicts(text, 7);
  if (!result.ok) throw new Error(result.refusal.reason);
  return result.value;
}

const MARKED = "<<<<<<< HEAD\nours\n||||||| base\nbase\n=======\ntheirs\n>>>>>>> topic\n";

function fileOf(contexts: readonly (readonly string[])[]): ConflictedText {
  return parsed(contexts.map((lines) => lines.map((line) => `${line}\n`).join("")).join(MARKED));
}

const lines = (alphabet: readonly string[], maxLength: number): fc.Arbitrary<string[]> =>
  fc.array(fc.constantFrom(...alphabet), { maxLength });
const contexts = fc.array(lines(["a", "b", "}"], 4), { minLength: 2, maxLength: 5 });

test("what is called certain is what was put there, however repetitive the file", () => {
  let certain = 0;
  fc.assert(
    fc.property(
      contexts,
      fc.array(lines(["a", "}", "new"], 3), { minLength: 4, maxLength: 4 }),
      (around, given) => {
        const before = fileOf(around);
        const answers = around.slice(1).map((_, at) => (given[at] ?? []).map((line) => `${line}\n`).join(""));
        const now = renderConflicts(before, answers);
        const extracted = extractAnswers(before, now);
        expect(extracted.length).toBe(answers.length);
        for (const [at, found] of extracted.entries()) {
          if (!found.certain) continue;
          certain += 1;
          expect(found.text).toBe(answers[at]);
        }
        // One conflict has its two fixed ends, so it is always certain.
        if (answers.length === 1) expect(extracted[0]).toMatchObject({ certain: true, text: answers[0] });
      },
    ),
    { seed: 42, numRuns: 2000 },
  );
  expect(certain).toBeGreaterThan(1000);
});

test("with distinct lines around it every answer is certain, also when other places were edited", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.array(lines(["x", "y"], 3), { minLength: 4, maxLength: 4 }),
      fc.nat({ max: 4 }),
      (count, given, edited) => {
        const around = Array.from({ length: count + 1 }, (_, at) => [1, 2, 3].map((n) => `c${at}.${n}`));
        const before = fileOf(around);
        const answers = given.slice(0, count).map((answer) => answer.map((line) => `${line}\n`).join(""));
        const expected = answers.map((text) => ({ certain: true, text }));
        const now = renderConflicts(before, answers);
        expect(extractAnswers(before, now)).toMatchObject(expected);
        // The middle line of a context lies next to no conflict.
        expect(extractAnswers(before, now.replace(`c${edited}.2\n`, "edited\nby hand\n"))).toMatchObject(
          expected,
        );
      },
    ),
    { seed: 42, numRuns: 300 },
  );
});

describe("nothing is learned", () => {
  const before = fileOf([
    ["a1", "a2"],
    ["b1", "b2"],
    ["c1", "c2"],
  ]);

  test("from a conflict whose markers still stand, while its neighbour is learned", () => {
    const now = renderConflicts(before, ["done\n", undefined]);
    expect(extractAnswers(before, now)).toMatchObject([
      { certain: true, text: "done\n" },
      { certain: false, reason: "unresolved" },
    ]);
  });

  test("from a half deleted conflict", () => {
    const now = renderConflicts(before, ["ours\n=======\ntheirs\n>>>>>>> topic\n", "done\n"]);
    expect(extractAnswers(before, now)[0]).toEqual({ certain: false, reason: "unresolved" });
  });

  test("when a line next to the conflict was edited, while the other conflict is learned", () => {
    const now = renderConflicts(before, ["one\n", "two\n"]).replace("a2\n", "a2 edited\n");
    expect(extractAnswers(before, now)).toMatchObject([
      { certain: false, reason: "context_edited" },
      { certain: true, text: "two\n" },
    ]);
  });

  test("when the text around the conflicts was moved about", () => {
    const now = "c1\nc2\nx\nb1\nb2\ny\na1\na2\n";
    expect(extractAnswers(before, now).map(({ certain }) => certain)).toEqual([false, false]);
  });

  test("by a line that named the place only after the person deleted its twin", () => {
    const twins = fileOf([
      ["d", "q", "d"],
      ["z1", "z2"],
    ]);
    expect(extractAnswers(twins, "d\nq\nnew\nz1\nz2\n")).toEqual([{ certain: false, reason: "ambiguous" }]);
  });

  test("from two conflicts with no line between them", () => {
    const adjacent = fileOf([["a"], [], ["c"]]);
    expect(extractAnswers(adjacent, "a\nx\ny\nc\n").map(({ certain }) => certain)).toEqual([false, false]);
  });

  test("from an empty file that replaced everything", () => {
    expect(extractAnswers(before, "").map(({ certain }) => certain)).toEqual([false, false]);
  });
});
