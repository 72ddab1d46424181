// Keys that more than one id has are found in whatever order the ids come.

import fc from "fast-check";
import { expect, test } from "vitest";
import { uuidV7 } from "../uuid.ts";
import { createIdKeys, idKey } from "./id-keys.ts";

function repeatedIn(ids: readonly string[]): ReadonlySet<bigint> {
  const keys = createIdKeys();
  const bytes = Buffer.from(ids.join(""), "latin1");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const i of ids.keys()) keys.add(view, i * 36);
  return keys.repeated();
}

const idOf = (time: number, chance: number): string =>
  uuidV7(new Date(1_700_000_000_000 + time), new Uint8Array(10).fill(chance));

const meant = (ids: readonly string[]): ReadonlySet<bigint> =>
  new Set([...Map.groupBy(ids, idKey)].flatMap(([key, same]) => (same.length > 1 ? [key] : [])));

test.each([
  ["nearly in order", 3],
  ["in any order", 10_000],
])("keys of more than one id are found where they come %s", (_, jitter) => {
  const id = fc.record({ jitter: fc.nat(jitter), chance: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(id, { maxLength: 200, size: "max" }), (made) => {
      const ids = made.map(({ jitter: off, chance }, i) => idOf(Math.floor(i / 4) + off, chance));
      expect(repeatedIn(ids)).toEqual(meant(ids));
    }),
    { seed: 42, numRuns: 60 },
  );
});

test("keys of more than one id are found where all come backwards, past what is moved one by one", () => {
  const ids = Array.from({ length: 2_000 }, (_, i) => idOf(2_000 - (i % 1_500), 1));
  expect(repeatedIn(ids)).toEqual(meant(ids));
  expect(meant(ids).size).toBe(500);
});
