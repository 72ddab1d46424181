import { expect, test } from "vitest";
import { mergeSpans, type Span } from "./span.ts";

const span = (start: number, end: number, kind = "a"): Span => ({ start, end, kind });

test.each<[string, readonly Span[], readonly Span[]]>([
  ["none", [], []],
  ["apart", [span(5, 7), span(1, 3)], [span(1, 3), span(5, 7)]],
  ["that touch stay two", [span(3, 5, "b"), span(1, 3)], [span(1, 3), span(3, 5, "b")]],
  ["that overlap by one character", [span(1, 4), span(3, 6, "b")], [span(1, 6)]],
  ["one within the other", [span(1, 9), span(3, 6, "b"), span(8, 9, "c")], [span(1, 9)]],
  ["one that ends with the other", [span(1, 6), span(3, 6, "b")], [span(1, 6)]],
  [
    "that begin together: the longer names both",
    [span(1, 4, "short"), span(1, 9, "long")],
    [span(1, 9, "long")],
  ],
  ["a chain of overlaps", [span(1, 4), span(3, 8, "b"), span(7, 9, "c")], [span(1, 9)]],
  ["that hold nothing", [span(3, 3), span(5, 4), span(7, 8)], [span(7, 8)]],
  ["that hold nothing, within others", [span(1, 9), span(4, 4)], [span(1, 9)]],
])("spans %s", (_, given, merged) => {
  expect(mergeSpans(given)).toEqual(merged);
  expect(mergeSpans(given.toReversed())).toEqual(merged);
});
