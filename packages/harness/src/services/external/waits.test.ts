import { expect, test } from "vitest";
import { createWaits, type Wait } from "./waits.ts";

const [A, B, C] = ["ten_a", "ten_b", "ten_c"] as const;

const taken = (wait: Wait | null): Wait => wait ?? expect.unreachable("there is a place");

test("so many wait and no more, and a place that is left is taken again", () => {
  const waits = createWaits(2);
  const first = taken(waits.take(A));
  taken(waits.take(A));
  expect(waits.take(A)).toBeNull();
  first[Symbol.dispose]();
  taken(waits.take(A));
  // Left twice it is one place.
  first[Symbol.dispose]();
  expect(waits.take(A)).toBeNull();
});

test("a tenant that has all places gives its oldest to another, until they have as many", () => {
  const waits = createWaits(4);
  const ofA = [1, 2, 3, 4].map(() => taken(waits.take(A)));
  const ended = (): boolean[] => ofA.map(({ given }) => given.aborted);
  taken(waits.take(B));
  expect(ended()).toEqual([true, false, false, false]);
  taken(waits.take(B));
  expect(ended()).toEqual([true, true, false, false]);
  expect(waits.take(B)).toBeNull();
  expect(waits.take(A)).toBeNull();
  // One that has lost its place leaves nobody else's.
  ofA[0]?.[Symbol.dispose]();
  expect(waits.take(A)).toBeNull();
  // A third one would have one of two: nobody has more than that by two.
  expect(waits.take(C)).not.toBeNull();
  expect(ended()).toEqual([true, true, true, false]);
});
