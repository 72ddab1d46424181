import { expect, test } from "vitest";
import * as classes from "./characters.ts";

const { classAt, endOfRun, isOf, runEnds, startOfRun, ALNUM, DIGIT } = classes;

const ASCII = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).join("");
/** All characters of ASCII that are of a class. */
const membersOf = (mask: number): string =>
  ASCII.split("")
    .filter((_, at) => isOf(ASCII, at, mask))
    .join("");
const matching = (pattern: RegExp): string => ASCII.match(new RegExp(pattern, "g"))?.join("") ?? "";

test.each<[string, number, RegExp]>([
  ["LOWER", classes.LOWER, /[a-z]/],
  ["UPPER", classes.UPPER, /[A-Z]/],
  ["LETTER", classes.LETTER, /[A-Za-z]/],
  ["DIGIT", classes.DIGIT, /[0-9]/],
  ["ALNUM", classes.ALNUM, /[A-Za-z0-9]/],
  ["HEX", classes.HEX, /[A-Fa-f0-9]/],
  ["BASE64URL", classes.BASE64URL, /[A-Za-z0-9_-]/],
  ["BASE64", classes.BASE64, /[A-Za-z0-9_+/=-]/],
  ["DOTTED", classes.DOTTED, /[A-Za-z0-9_.~-]/],
  ["TOKEN", classes.TOKEN, /[A-Za-z0-9_+/=.~-]/],
  ["BLANK", classes.BLANK, /[ \t\r\n\v\f]/],
])("%s is exactly its characters", (_, mask, pattern) => {
  expect(membersOf(mask)).toBe(matching(pattern));
});

test("outside the text, and outside ASCII, nothing is of any class", () => {
  expect([classAt("a", -1), classAt("a", 1), classAt("é\u0130\u212aａ", 0)]).toEqual([0, 0, 0]);
  expect([1, 2, 3].map((at) => classAt("é\u0130\u212aａ", at))).toEqual([0, 0, 0]);
});

test.each([
  ["12ab", 0, 9, 2],
  ["12ab", 0, 1, 1],
  ["12", 0, 9, 2],
  ["ab12", 0, 9, 0],
  ["ab12", 2, 1, 3],
  ["", 0, 9, 0],
])("the run of digits in %j from %i, of %i at most, ends at %i", (text, from, limit, end) => {
  expect(endOfRun(text, from, DIGIT, limit)).toBe(end);
});

test.each([
  ["ab12", 4, 9, 2],
  ["ab12", 4, 1, 3],
  ["12", 2, 9, 0],
  ["12ab", 4, 9, 4],
  ["12ab", 2, 2, 0],
  ["", 0, 9, 0],
])("the run of digits in %j before %i, of %i at most, begins at %i", (text, to, limit, start) => {
  expect(startOfRun(text, to, DIGIT, limit)).toBe(start);
});

test("the end of a run is the same from each of its places, for each class by itself", () => {
  const text = "ab12-34cd 5";
  const endOf = runEnds(text);
  for (const mask of [DIGIT, ALNUM, DIGIT])
    for (let from = 0; from <= text.length; from += 1)
      expect([mask, from, endOf(from, mask)]).toEqual([mask, from, endOfRun(text, from, mask, 99)]);
  // Backwards as well: what is known is of the run that was asked for last.
  for (let from = text.length; from >= 0; from -= 1)
    expect([from, endOf(from, DIGIT)]).toEqual([from, endOfRun(text, from, DIGIT, 99)]);
});
