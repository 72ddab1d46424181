import fc from "fast-check";
import { expect, test } from "vitest";
import { foldPiece, foldView } from "./fold.ts";
import { textViews, valueViews } from "./normalise.ts";
import { originalRange, plainView } from "./view.ts";

const folded = (text: string): string[] => valueViews(text).map((view) => view.text);

test.each([
  ["Alice@Corp.COM", "alice@corp.com"],
  ["ａｌｉｃｅ＠ｃｏｒｐ．ｃｏｍ", "alice@corp.com"],
  ["al\u200bi\u00adce\u202e@corp\u{e0061}.com", "alice@corp.com"],
  ["STRASSE", foldPiece("straße")],
  ["e\u0301te\u0301", "été"],
  ["\u1112\u1161\u11ab", "한"],
  ["alice%40corp%2Ecom", "alice@corp.com"],
  ["alice%2540corp.com", "alice@corp.com"],
  ["alice&#64;corp&period;com", "alice@corp.com"],
  ["alice&amp;#x40;corp.com", "alice@corp.com"],
  ["alice\\u0040corp.com", "alice@corp.com"],
  ["https:\\/\\/corp.com\\/a", "https://corp.com/a"],
  ["YWxpY2VAY29ycC5jb20=", "alice@corp.com"],
  ["YWxpY2VA\r\nY29ycC5jb20", "alice@corp.com"],
  ["616c69636540636f72702e636f6d", "alice@corp.com"],
  ["WVd4cFkyVkFZMjl5Y0M1amIyMD0=", "alice@corp.com"],
  ["pay+the+bill", "pay the bill"],
  ["caf%C3%A9", "café"],
  ["%F0%9F%92%B8", "💸"],
])("%j is also read as %j", (text, expected) => {
  expect(folded(text)).toContain(expected);
});

test("tag characters are also read as the letters a model sees", () => {
  const smuggled = Array.from("evil", (letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join(
    "",
  );
  expect(folded(`hi${smuggled}`)).toEqual(["hi", "hievil"]);
});

test.each([
  "%",
  "%4",
  "%zz",
  "%ff%fe",
  "&#xffffffff;",
  "&#0;",
  "\\u{}",
  "\\uD8",
  "&bogus;",
  "%C0%80",
  "%ED%A0%80",
])("%j is no escape and stays", (text) => {
  expect(folded(text)).toEqual([text.toLowerCase()]);
});

test("an encoded word inside a text is read, and points at itself", () => {
  const text = "Token: YXR0YWNrZXJAZXZpbC5leGFtcGxl, please";
  const view = textViews(text).find((reading) => reading.text === "attacker@evil.example");
  expect(view).toBeDefined();
  if (view === undefined) return;
  const { start, end } = originalRange(view, 0, view.text.length);
  expect(text.slice(start, end)).toBe("YXR0YWNrZXJAZXZpbC5leGFtcGxl");
});

const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      "%",
      "&",
      "#",
      "\\",
      "u",
      "x",
      ";",
      "{",
      "}",
      "=",
      "+",
      "/",
      "4",
      "0",
      "a",
      "é",
      "\u200b",
      "\u0301",
    ),
    fc.constantFrom("\ud800", "\udc00", "\u{e0041}", "\u202e", "ﬁ", "İ", "ß", "ΐ", "\uffff", "\0"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 2 }),
  ),
  maxLength: 60,
});

test("every view keeps its offsets inside the text and in order, whatever the text", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      for (const view of textViews(text)) {
        expect(view.from.length).toBe(view.text.length);
        for (let at = 0; at < view.text.length; at += 1) {
          const { start, end } = originalRange(view, at, at + 1);
          expect(start >= 0 && start < end && end <= text.length).toBe(true);
          if (at > 0) expect(start).toBeGreaterThanOrEqual(view.from[at - 1] ?? 0);
        }
      }
    }),
    { seed: 42, numRuns: 2_000 },
  );
});

test("folding twice changes nothing", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const once = foldView(plainView(text));
      expect(foldView(plainView(once.text)).text).toBe(once.text);
    }),
    { seed: 42, numRuns: 2_000 },
  );
});

test("a range of the view is the range of the text it was made of", () => {
  const text = "to  ＡＬＩＣＥ\u200b%40corp.com now";
  for (const view of valueViews(text)) {
    const at = view.text.indexOf("alice");
    expect(at).toBeGreaterThan(-1);
    const { start, end } = originalRange(view, at, at + 5);
    expect(text.slice(start, end)).toBe("ＡＬＩＣＥ");
  }
});
