import { expect, test } from "vitest";
import { isDrawn, isHex, isUuid, isWordy, shapeOf } from "./randomness.ts";

test.each([
  ["", { lowers: 0, uppers: 0, digits: 0, marks: 0, oddShare: 0, distinct: 0 }],
  ["aB1-", { lowers: 1, uppers: 1, digits: 1, marks: 1, oddShare: 1, distinct: 3 }],
  // th, he and er are pairs of words; re too.
  ["there", { lowers: 5, uppers: 0, digits: 0, marks: 0, oddShare: 0, distinct: 4 }],
  ["THERE", { lowers: 0, uppers: 5, digits: 0, marks: 0, oddShare: 0, distinct: 4 }],
  ["zqxj", { lowers: 4, uppers: 0, digits: 0, marks: 0, oddShare: 1, distinct: 4 }],
  ["thzq", { lowers: 4, uppers: 0, digits: 0, marks: 0, oddShare: 2 / 3, distinct: 4 }],
  // Two digits in a row say nothing; a digit beside a letter does.
  ["12", { lowers: 0, uppers: 0, digits: 2, marks: 0, oddShare: 0, distinct: 2 }],
  ["a1", { lowers: 1, uppers: 0, digits: 1, marks: 0, oddShare: 1, distinct: 2 }],
  ["1a", { lowers: 1, uppers: 0, digits: 1, marks: 0, oddShare: 1, distinct: 2 }],
  // A capital that begins a word says nothing, and marks part pairs.
  ["thTh", { lowers: 3, uppers: 1, digits: 0, marks: 0, oddShare: 0, distinct: 2 }],
  ["z-q é", { lowers: 2, uppers: 0, digits: 0, marks: 3, oddShare: 0, distinct: 2 }],
])("the shape of %j", (text, shape) => {
  expect(shapeOf(text)).toEqual(shape);
});

test.each([
  ["0123456789abcdef", true],
  ["0123456789ABCDEF", true],
  ["12", true],
  ["aF", false],
  ["12g", false],
  ["", false],
])("%j is hex: %s", (text, expected) => {
  expect(isHex(text)).toBe(expected);
});

test.each([
  ["3f2b8c1a-9d4e-4f60-8a7b-1c2d3e4f5a6b", true],
  ["3F2B8C1A-9D4E-4F60-8A7B-1C2D3E4F5A6B", true],
  ["x3f2b8c1a-9d4e-4f60-8a7b-1c2d3e4f5a6b", false],
  ["3f2b8c1a-9d4e-4f60-8a7b-1c2d3e4f5a6bx", false],
  ["3f2b8c1a-9d4e-4f60-8a7b-1c2d3e4f5a6", false],
  ["3f2b8c1a-9d4e-4f6-08a7b-1c2d3e4f5a6b", false],
  ["3f2b8c1g-9d4e-4f60-8a7b-1c2d3e4f5a6b", false],
])("%j is a UUID: %s", (text, expected) => {
  expect(isUuid(text)).toBe(expected);
});

test.each([
  ["sixteen digits of hex", "0a1b2c3d4e5f6071", true],
  ["fifteen", "0a1b2c3d4e5f607", false],
  ["hex of five different digits", "01230123a0123012", false],
  ["hex of six", "0123a123401234a0", true],
  ["hex without a letter", "0123456789012345", false],
  ["a UUID", "3f2b8c1a-9d4e-4f60-8a7b-1c2d3e4f5a6b", true],
  ["a UUID of nothing", "00000000-0000-0000-0000-000000000000", false],
  ["drawn letters", "zqXjVkWpGbQ", true],
  ["a word", "understanding", false],
  ["a name of a program", "createTextRedactor", false],
  ["few different characters", "zqzqzqzqzqzq", false],
  ["two letters among digits", "1827364550z9q1", false],
  ["three letters among digits", "1z2q3x4567", true],
])("%s is drawn or not", (_, text, expected) => {
  expect(isDrawn(text)).toBe(expected);
});

test.each([
  ["the-other-tent", true],
  ["release-12", true],
  ["app_v2_build", true],
  ["UPPER-CASE", true],
  ["token", false],
  ["--token--", false],
  ["the-zqxjkv", false],
  ["the-other-zqxjkv", true],
  ["a8Kd02-Lm7PqZt", false],
  ["my-123456789", false],
  ["v2-v3", false],
  ["x-y", false],
])("%j is words joined: %s", (text, expected) => {
  expect(isWordy(text)).toBe(expected);
});
