import { expect, test } from "vitest";
import { placeOfChosen } from "./walking.ts";

test.each([
  ["nothing came or went", ["a", "b", "c"], { id: "b", at: 1 }, 1],
  ["others came before it", ["x", "y", "a", "b"], { id: "b", at: 1 }, 3],
  ["others went", ["b"], { id: "b", at: 1 }, 0],
  ["it went itself: the one in its place", ["a", "c"], { id: "b", at: 1 }, 1],
  ["it was the last, and went", ["a"], { id: "b", at: 1 }, 0],
  ["there was nothing, and there is", ["a", "b"], { id: undefined, at: 0 }, 0],
  ["nothing is left", [], { id: "a", at: 0 }, -1],
])("what is chosen stays chosen: %s", (_, ids, chosen, place) => {
  expect(placeOfChosen(ids, chosen)).toBe(place);
});
