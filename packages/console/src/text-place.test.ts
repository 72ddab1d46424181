import { expect, test } from "vitest";
import { placeInText } from "./text-place.ts";

test("a line is found by its number, and one beyond the last is the last", () => {
  const text = "first\n\nthird 😀\nlast";
  const lines = [1, 2, 3, 4, 9].map((line) => {
    const { start, end } = placeInText(text, line);
    return text.slice(start, end);
  });
  expect(lines).toEqual(["first", "", "third 😀", "last", "last"]);
});
