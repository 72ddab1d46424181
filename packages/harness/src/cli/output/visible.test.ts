import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clip, indent, visibleJson, visibleLine, visibleText } from "./visible.ts";

// Any text at all, lone surrogates and the characters that attacks are made of more often than chance would have them.
const anyText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0x10ffff }),
      fc.constantFrom(0x1b, 0x07, 0x0a, 0x0d, 0x9b, 0x202e, 0x200b, 0x2028, 0xad, 0xfeff, 0xe0041, 0x3164),
    ),
  )
  .map((points) => String.fromCodePoint(...points));

const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u;

describe("text on a terminal", () => {
  test("no character that acts or hides is left in a line", () => {
    fc.assert(
      fc.property(anyText, (text) => !UNSEEN.test(visibleLine(text))),
      { seed: 42 },
    );
  });

  test("in text only line feed and tab are left", () => {
    fc.assert(
      fc.property(anyText, (text) => !UNSEEN.test(visibleText(text).replaceAll(/[\n\t]/g, ""))),
      { seed: 42 },
    );
  });

  test("JSON shows every character and still means the same value", () => {
    fc.assert(
      fc.property(fc.dictionary(anyText, anyText), fc.constantFrom(0, 2), (value, spaces) => {
        const shown = visibleJson(value, spaces);
        expect(JSON.parse(shown)).toEqual({ ...value });
        expect(UNSEEN.test(shown.replaceAll("\n", ""))).toBe(false);
      }),
      { seed: 42 },
    );
  });

  test.each([
    ["\u001B[2J", "<U+001B>[2J"],
    ["a\u202Eb", "a<U+202E>b"],
    ["a\nb", "a⏎b"],
    ["a\u00A0b", "a<U+00A0>b"],
    ["Grüße, 世界 🙂", "Grüße, 世界 🙂"],
  ])("%j is shown as %s", (text, shown) => {
    expect(visibleLine(text)).toBe(shown);
  });

  test("clipping never cuts a character in two", () => {
    expect(clip("🙂🙂🙂", 2)).toBe("🙂…");
    expect(clip("🙂🙂", 2)).toBe("🙂🙂");
  });

  test("every line is indented", () => {
    expect(indent("a\nb\n", "> ")).toBe("> a\n> b\n> ");
  });
});
