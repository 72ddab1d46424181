import fc from "fast-check";
import { expect, test } from "vitest";
import { createCursors, type Place } from "./cursors.ts";

const cursors = createCursors(new Uint8Array(32).fill(1));
const place: Place = { createdAt: new Date(1_700_000_000_000), id: `run_${"0123456789abcdef".repeat(2)}` };
const list = { tenant: "t1", states: null };

test("a cursor opens for its own list and no other, and not under another secret", () => {
  const cursor = cursors.seal(place, list);
  expect(cursors.open(cursor, list, "run")).toEqual(place);
  expect(cursors.open(cursor, { ...list, tenant: "t2" }, "run")).toBeUndefined();
  expect(cursors.open(cursor, { ...list, states: ["queued"] }, "run")).toBeUndefined();
  expect(createCursors(new Uint8Array(32).fill(2)).open(cursor, list, "run")).toBeUndefined();
});

test("no other text opens, be it one character away", () => {
  const cursor = cursors.seal(place, list);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: cursor.length - 1 }),
      fc.constantFrom(..."AZaz09-_=/ ".split("")),
      (index, char) => {
        const forged = cursor.slice(0, index) + char + cursor.slice(index + 1);
        expect(cursors.open(forged, list, "run")).toEqual(forged === cursor ? place : undefined);
      },
    ),
    { seed: 42 },
  );
  for (const text of ["", "x", `${cursor}A`, `${cursor}=`, cursor.slice(1)])
    expect(cursors.open(text, list, "run")).toBeUndefined();
});
