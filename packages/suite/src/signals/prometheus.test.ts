import { expect, test } from "vitest";
import { readPrometheus, riseOf, type Series } from "./prometheus.ts";

const read = (text: string): Series => {
  const series = readPrometheus(text);
  if (series === null) throw new Error("the text is of the format");
  return series;
};

const BEFORE = read(
  '# HELP a_total what\na_total{kind="x",of="1"} 3\na_total{kind="y"} 1\nb 2.5 1700000000\n',
);

test("a counter's rise is that of all its series with the labels, new ones from nothing", () => {
  const after = read('a_total{of="1",kind="x"} 5\na_total{kind="y"} 1\na_total{kind="z"} 4\nb 2.5\n');
  expect(riseOf(BEFORE, after, "a_total")).toBe(6);
  expect(riseOf(BEFORE, after, "a_total", { kind: "x" })).toBe(2);
  expect(riseOf(BEFORE, after, "a_total", { kind: "z", of: "1" })).toBe(0);
  expect(riseOf(BEFORE, after, "a")).toBe(0);
  expect(riseOf(BEFORE, after, "b")).toBe(0);
});

test("a value that only begins like another is another, and quotes in labels end nothing", () => {
  const after = read('a_total{kind="x\\"y"} 2\na_total{kind="xx"} 7\n');
  expect(riseOf(new Map(), after, "a_total", { kind: "x" })).toBe(0);
  expect(riseOf(new Map(), after, "a_total", { kind: 'x\\"y' })).toBe(2);
});

test.each(["no metrics at all", "a_total{ 1", "a_total one"])("%j is no reading", (text) => {
  expect(readPrometheus(text)).toBeNull();
});
