import fc from "fast-check";
import { expect, test } from "vitest";
import { cutPassages, PASSAGE_CHARS_MAX, PASSAGE_OVERLAP_CHARS } from "./passages.ts";

const texts = fc
  .array(
    fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 400 }),
      fc.constantFrom("\n\n", "\n", ". ", " ", "😀".repeat(700), "x".repeat(2_600)),
    ),
    { minLength: 1, maxLength: 30 },
  )
  .map((parts) => parts.join(""))
  .filter((text) => text !== "" && text.isWellFormed());

test("passages cover the whole text in order, overlap by a bounded part, and split no character", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const passages = cutPassages(text);
      let covered = 0;
      for (const [index, passage] of passages.entries()) {
        expect(text.slice(passage.start, passage.start + passage.text.length)).toBe(passage.text);
        expect(passage.text.length).toBeGreaterThan(0);
        expect(passage.text.length).toBeLessThanOrEqual(PASSAGE_CHARS_MAX);
        expect(passage.text.isWellFormed()).toBe(true);
        // No gap, and no more repeated than said.
        expect(passage.start).toBeLessThanOrEqual(covered);
        if (index > 0) expect(covered - passage.start).toBeLessThanOrEqual(PASSAGE_OVERLAP_CHARS);
        expect(passage.start + passage.text.length).toBeGreaterThan(covered);
        covered = passage.start + passage.text.length;
      }
      expect(covered).toBe(text.length);
    }),
    { seed: 20_261_120, numRuns: 300 },
  );
});

test("a short text is one passage; a cut falls between paragraphs where there are some", () => {
  expect(cutPassages("A short one.")).toEqual([{ start: 0, text: "A short one." }]);
  const paragraph = `${"word ".repeat(150).trim()}.\n\n`;
  const [first, second] = cutPassages(paragraph.repeat(3));
  expect(first?.text).toBe(paragraph);
  expect(second?.text.startsWith("word")).toBe(true);
});
