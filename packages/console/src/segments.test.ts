import fc from "fast-check";
import { expect, test } from "vitest";
import { isDeceptive, segmentsOf } from "./segments.ts";

/** Of each kind one: drawn, not drawn, half of a pair, of another script, joined to the one before. */
const CHARACTERS = [
  "a",
  "Z",
  "7",
  " ",
  "\n",
  "\t",
  "\u0430",
  "\u0301",
  "\u202E",
  "\u00A0",
  "\uD800",
  "\u{E0041}",
  "\u{1F600}",
];

test("every character of a text is drawn or named, in its place, and nothing is added", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...CHARACTERS) }), (text) => {
      const back = segmentsOf(text).map(({ kind, text: piece }) =>
        kind === "unseen" ? String.fromCodePoint(Number.parseInt(piece.slice(2), 16)) : piece,
      );
      expect(back.join("")).toBe(text);
    }),
    { seed: 1122, numRuns: 100 },
  );
});

test.each([
  ["a direction that is turned round", "pay \u202E06 EUR", "U+202E"],
  ["a word joined by nothing", "pass\u200Bword", "U+200B"],
  ["a soft hyphen", "in\u00ADvoice", "U+00AD"],
  ["a blank that is drawn as one", "a\u2800b", "U+2800"],
  ["a space that is not the space", "a\u00A0b", "U+00A0"],
  ["a carriage return", "real\rfake", "U+000D"],
  ["a tag character", "x\u{E0041}", "U+E0041"],
  ["half of a pair", "x\uD800", "U+D800"],
])("%s is named", (_what, text, named) => {
  expect(segmentsOf(text)).toContainEqual({ kind: "unseen", text: named });
  expect(isDeceptive(text)).toBe(true);
});

test("a word of several scripts' letters is marked, words of one script are not", () => {
  // The second letter is Cyrillic.
  expect(segmentsOf("to p\u0430ypal now")).toEqual([
    { kind: "plain", text: "to " },
    { kind: "mixed", text: "p\u0430ypal" },
    { kind: "plain", text: " now" },
  ]);
  for (const text of [
    "\u043F\u0440\u0438\u0432\u0435\u0442 world",
    "caf\u00E9",
    "two\nlines\tof 3",
    "\u03B1 = 1",
  ])
    expect({ text, deceptive: isDeceptive(text) }).toEqual({ text, deceptive: false });
});
