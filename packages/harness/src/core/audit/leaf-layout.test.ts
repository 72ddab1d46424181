// What reads leaves fast accepts what `decodeLeaf` accepts, and nothing else, whatever it has read before.

import fc from "fast-check";
import { expect, inject, test } from "vitest";
import { createLeafReader } from "./leaf-layout.ts";
import { decodeLeaf, encodeLeaf, type Leaf } from "./leaf.ts";

const HEX = "0123456789abcdef";
const hexOf = (length: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...Array.from(HEX)), { minLength: length, maxLength: length })
    .map((characters) => characters.join(""));

const leafOf: fc.Arbitrary<Leaf> = fc.record({
  actor: fc.option(hexOf(32).map((hex) => `prn_${hex}`)),
  at: fc.nat(99).map((seconds) => `2026-11-20T13:00:${String(seconds).padStart(2, "0")}.000000Z`),
  commit: hexOf(64),
  id: hexOf(28).map(
    (hex) =>
      `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(12, 15)}-a${hex.slice(15, 18)}-${hex.slice(16, 28)}`,
  ),
  kind: fc.constantFrom("step_succeeded", "run_queued", "payload.erased", "x"),
  log: fc.constantFrom("assent-0/audit/ten_0", "assent-0/audit/ten_1", "assent-0/audit/ten_0/e2"),
  state: fc.option(hexOf(64)),
  subject: fc.oneof(
    hexOf(32).map((hex) => `run_${hex}`),
    fc.nat(2_000).map((n) => `entry:1:${n}`),
  ),
  tenant: fc.constantFrom(`ten_${"5".repeat(32)}`, `ten_${"6".repeat(32)}`),
  version: fc.integer({ min: 1, max: 12_000 }),
});

function readingOf(bytes: Uint8Array, reader: ReturnType<typeof createLeafReader>): unknown {
  // Not at the beginning of the bytes, so that a place that is counted from there is found out.
  const within = Buffer.concat([Buffer.from("before"), bytes, Buffer.from("after")]);
  const [from, to] = [6, 6 + bytes.byteLength];
  const layout = reader.read(within, from, to);
  if (layout === null) return null;
  const text = (at: number, end: number): string => within.toString("latin1", from + at, from + end);
  return {
    commit: text(layout.commitAt, layout.commitAt + 64),
    kind: text(layout.kindAt, layout.kindEnd),
    subject: text(layout.subjectAt, layout.subjectEnd),
    version: Number(text(layout.versionAt, layout.length - 1)),
    log: layout.owner.log,
    tenant: layout.owner.tenant,
  };
}

function expected(bytes: Uint8Array): unknown {
  const leaf = decodeLeaf(bytes);
  if (leaf === null) return null;
  const { commit, kind, subject, version, log, tenant } = leaf;
  return { commit, kind, subject, version, log, tenant };
}

test("leaves of any shapes, one after the other, are read as each of them is by itself", () => {
  fc.assert(
    fc.property(fc.array(leafOf, { minLength: 2, maxLength: 30 }), (leaves) => {
      const reader = createLeafReader();
      for (const leaf of leaves) {
        const bytes = encodeLeaf(leaf);
        expect(readingOf(bytes, reader)).toEqual(expected(bytes));
      }
    }),
    { seed: 42, numRuns: 60 },
  );
});

test("a leaf with any one byte changed is read as it is by itself, after one of its shape", () => {
  const changed = fc.tuple(leafOf, leafOf, fc.nat(10_000), fc.nat(255));
  fc.assert(
    fc.property(changed, ([model, leaf, place, byte]) => {
      const reader = createLeafReader();
      readingOf(encodeLeaf(model), reader);
      const bytes = Uint8Array.from(encodeLeaf(leaf));
      readingOf(bytes, reader);
      bytes[place % bytes.byteLength] = byte;
      expect(readingOf(bytes, reader)).toEqual(expected(bytes));
    }),
    { seed: 42, numRuns: inject("everyBreak") ? 2_000 : 250 },
  );
});

// The ends of every range of characters, and what lies beside them; and what is past ASCII.
const BYTES = Array.from('\u0000\u001f !"-./09:@AZ_`afgz{\u007f\u0080\u00b0\u00e1\u00ff').map(
  (character) => character.codePointAt(0) ?? 0,
);

test("every byte of a leaf is looked at: with each changed in turn the outcome is the one of a full reading", () => {
  const leaf = encodeLeaf({
    actor: `prn_${"1".repeat(32)}`,
    at: "2026-11-20T13:00:00.000000Z",
    commit: "2".repeat(64),
    id: "01234567-89ab-7def-8123-456789abcdef",
    kind: "step_succeeded",
    log: "assent-0/audit/ten_0",
    state: "3".repeat(64),
    subject: `run_${"4".repeat(32)}`,
    tenant: `ten_${"5".repeat(32)}`,
    version: 12,
  });
  const reader = createLeafReader();
  readingOf(leaf, reader);
  const differing: string[] = [];
  for (let place = 0; place < leaf.byteLength; place += 1)
    for (const byte of BYTES) {
      const changed = Uint8Array.from(leaf);
      changed[place] = byte;
      if ((reader.read(changed, 0, changed.byteLength) === null) !== (decodeLeaf(changed) === null))
        differing.push(`${place}: ${byte}`);
    }
  expect(differing).toEqual([]);
});

const PLAIN: Leaf = {
  actor: null,
  at: "2026-11-20T13:00:00.000000Z",
  commit: "2".repeat(64),
  id: "01234567-89ab-7def-8123-456789abcdef",
  kind: "x",
  log: "l",
  state: null,
  subject: "s",
  tenant: `ten_${"5".repeat(32)}`,
  version: 1,
};

test("what is longer, shorter or cut off is no leaf", () => {
  const leaf = encodeLeaf(PLAIN);
  const reader = createLeafReader();
  readingOf(leaf, reader);
  for (let length = 0; length < leaf.byteLength; length += 1)
    expect(readingOf(leaf.subarray(0, length), reader)).toBeNull();
  expect(readingOf(Buffer.concat([leaf, Buffer.from(" ")]), reader)).toBeNull();
});

// The rules of a shape that was forgotten are overwritten by those of others: what it let through after that would be a mixture.
test("a shape that was forgotten lets nothing through any more, though it was that of the entry before", () => {
  const made = (of: Partial<Leaf>): Uint8Array => encodeLeaf({ ...PLAIN, ...of });
  // The signs of a kind belong to its shape.
  const kindOf = (n: number): string =>
    `k${n.toString(2).padStart(11, "0").replaceAll("0", "_").replaceAll("1", "a")}`;
  const [first, last] = [made({ actor: `prn_${"1".repeat(32)}`, state: "3".repeat(64) }), made({})];
  const reader = createLeafReader();
  readingOf(first, reader);
  for (let n = 1; n < 1_024; n += 1) readingOf(made({ kind: kindOf(n) }), reader);
  readingOf(first, reader);
  // One more than are kept; its rules stand where those of the first stood.
  readingOf(last, reader);
  const rules = Math.ceil(last.byteLength / 16);
  const mixed = Buffer.concat([
    last.subarray(0, (rules - 1) * 16),
    last.subarray(last.byteLength - 16),
    first.subarray(rules * 16),
  ]);
  expect(mixed.byteLength).toBe(first.byteLength);
  expect([readingOf(mixed, reader), decodeLeaf(mixed)]).toEqual([null, null]);
  expect(readingOf(first, reader)).toEqual(expected(first));
});
