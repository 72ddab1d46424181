// How texts read once what encodes them is undone, and which part of the text each character of a reading was.

import { expect, test } from "vitest";
import { endOf, readingsOf, startOf } from "./reading.ts";

const read = (text: string): readonly string[] => readingsOf(text).map((reading) => reading.text);

test.each<[string, string, string]>([
  ["percent", "a%41%7ab", "aAzb"],
  ["percent in small letters", "%e9", "\u00e9"],
  ["a line feed", String.raw`a\nb`, "a\nb"],
  ["a return", String.raw`a\rb`, "a\rb"],
  ["a tab", String.raw`a\tb`, "a\tb"],
  ["a backspace", String.raw`a\bb`, "a\bb"],
  ["a form feed", String.raw`a\fb`, "a\fb"],
  ["a zero", String.raw`a\0b`, "a\0b"],
  ["a quote", String.raw`a\"b`, 'a"b'],
  ["an apostrophe", String.raw`a\'b`, "a'b"],
  ["a slash", String.raw`a\/b`, "a/b"],
  ["a backslash", String.raw`a\\b`, String.raw`a\b`],
  ["a line that goes on", "a\\\nb", "ab"],
  ["four hex digits", String.raw`a\u0041b`, "aAb"],
  ["two hex digits", String.raw`a\x41b`, "aAb"],
  ["a code point", String.raw`a\u{1f511}b`, "a🔑b"],
  ["the last code point", String.raw`a\u{10fffd}b`, "a\u{10fffd}b"],
  ["three octal digits", String.raw`a\101b`, "aAb"],
  ["the largest octal byte", String.raw`a\377b`, "a\u00ffb"],
  ["an entity by number", "a&#65;b", "aAb"],
  ["an entity in hex", "a&#x41;b", "aAb"],
  ["an entity in HEX", "a&#X4A;b", "aJb"],
  ["an entity with zeros", "a&#00000065;b", "aAb"],
  ["full-width letters", "ａＢ１", "aB1"],
  ["a ligature", "oﬃce", "office"],
  ["what cannot be seen", "a\u200bb\u00adc\u0301d", "abcd"],
  ["tag characters", "a\u{e0041}\u{e007e}\u{e0020}b", "aA~ b"],
])("%s", (_, text, decoded) => {
  expect(read(text).slice(0, 2)).toEqual([text, decoded]);
});

const NAMED = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  sol: "/",
  plus: "+",
  equals: "=",
  lowbar: "_",
  hyphen: "-",
  period: ".",
  colon: ":",
  dollar: "$",
  excl: "!",
  commat: "@",
  num: "#",
  percnt: "%",
  ast: "*",
};

test.each(Object.entries(NAMED))("&%s; is %s", (name, character) => {
  expect(read(`a&${name};b`)[1]).toBe(`a${character}b`);
});

test.each([
  "100%",
  "%4",
  "%zz",
  "%4g",
  String.raw`\q`,
  "\\",
  String.raw`\u004`,
  String.raw`\u00g1`,
  String.raw`\x4`,
  String.raw`\u{110000}`,
  String.raw`\u{41`,
  String.raw`\u{}`,
  String.raw`\u{0000041}`,
  String.raw`\47`,
  String.raw`\471`,
  String.raw`\189`,
  "&amp",
  "&amp ;",
  "&Amp;",
  "&unknown;",
  "&constructor;",
  "&toexact;",
  "&#1114112;",
  "&#x110000;",
  "&#;",
  "&#x;",
  "&#6g;",
  "&#000000065;",
  "é",
  "密码",
  "🔑",
  "\u{e0080}x".slice(2),
  "plain text",
  "",
])("%j is no encoding", (text) => {
  expect(read(text)).toEqual([text]);
});

test("layer by layer, three at most", () => {
  expect(read("%2541")).toEqual(["%2541", "%41", "A"]);
  expect(read("%25252541")).toEqual(["%25252541", "%252541", "%2541", "%41"]);
  expect(read(String.raw`\\u0041`)).toEqual([String.raw`\\u0041`, String.raw`\u0041`, "A"]);
});

/** What of the text each character of the last reading was. */
function partsOf(text: string): readonly string[] {
  const last = readingsOf(text).at(-1);
  if (last === undefined) return [];
  return last.text
    .split("")
    .map((character, at) => `${character}=${text.slice(startOf(last, at), endOf(last, at))}`);
}

test.each<[string, readonly string[]]>([
  ["abc", ["a=a", "b=b", "c=c"]],
  ["a%41bc", ["a=a", "A=%41", "b=b", "c=c"]],
  ["%41%42", ["A=%41", "B=%42"]],
  [String.raw`ab\u0041cd\nef`, ["a=a", "b=b", String.raw`A=\u0041`, "c=c", "d=d", "\n=\\n", "e=e", "f=f"]],
  ["a%2541b", ["a=a", "A=%2541", "b=b"]],
  ["x%25%34%31y", ["x=x", "A=%25%34%31", "y=y"]],
  ["a\u200bb", ["a=a", "b=b"]],
  // Each letter that a ligature is made of is the whole of it.
  ["oﬃ!", ["o=o", "f=ﬃ", "f=ﬃ", "i=ﬃ", "!=!"]],
  ["&amp;#65;z", ["A=&amp;#65;", "z=z"]],
])("each character of %j knows where it stood", (text, parts) => {
  expect(partsOf(text)).toEqual(parts);
});

test("a long text with many escapes knows each of its places", () => {
  const units = Array.from({ length: 300 }, (_, at) =>
    at % 3 === 0 ? `%${(65 + (at % 26)).toString(16)}` : "xy",
  );
  const text = units.join("");
  const last = readingsOf(text).at(-1);
  if (last === undefined) throw new Error("there is no reading");
  let from = 0;
  let place = 0;
  for (const unit of units) {
    const width = unit.startsWith("%") ? 1 : 2;
    for (let at = 0; at < width; at += 1) {
      const start = unit.startsWith("%") ? from : from + at;
      expect(startOf(last, place + at)).toBe(start);
      expect(endOf(last, place + at)).toBe(unit.startsWith("%") ? from + 3 : start + 1);
    }
    from += unit.length;
    place += width;
  }
  expect(last.text).toHaveLength(place);
});
