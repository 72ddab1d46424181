import { expect, test } from "vitest";
import { visible } from "./visible.ts";

test.each([
  ["a\u001b[31mb", String.raw`a\u001b[31mb`],
  ["a\r\nb\tc", String.raw`a\u000d\u000ab\u0009c`],
  ["user\u202e txt.exe", String.raw`user\u202e txt.exe`],
  ["a\u200e\u061cb", String.raw`a\u200e\u061cb`],
  ["a\u200bb\u2060c\ufeffd", String.raw`a\u200bb\u2060c\ufeffd`],
  ["a\u{e0041}\u{e0100}b", String.raw`a\u{e0041}\u{e0100}b`],
  ["a\u2028b\u2029c\u0085d", String.raw`a\u2028b\u2029c\u0085d`],
  ["a\u3164b\u115fc", String.raw`a\u3164b\u115fc`],
  ["a\ud800b", String.raw`a\ud800b`],
])("what cannot be seen is written out: %j", (text, shown) => {
  expect(visible(text)).toBe(shown);
});

test("what can be seen stays as it is", () => {
  const text = "Größe = 1; // naïve, 漢字, عربى, 😀, e\u0301";
  expect(visible(text)).toBe(text);
});
