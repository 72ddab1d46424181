import fc from "fast-check";
import { expect, test } from "vitest";
import { createBulkHash, onPlatform } from "./bulk-hash.ts";
import { leafHash } from "./hash.ts";
import { rootOfTile } from "./tiles.ts";

const bulk = createBulkHash();

function hashesOf(entries: readonly Uint8Array[], between: number): string[] {
  const parts: Uint8Array[] = [];
  const [starts, ends] = [new Int32Array(entries.length), new Int32Array(entries.length)];
  let at = 0;
  for (const [i, entry] of entries.entries()) {
    parts.push(new Uint8Array(between).fill(255), entry);
    starts[i] = at + between;
    ends[i] = at + between + entry.byteLength;
    at += between + entry.byteLength;
  }
  const hashes = Buffer.from(bulk.leaves(Buffer.concat(parts), starts, ends, entries.length));
  return entries.map((_, i) => hashes.subarray(i * 32, (i + 1) * 32).toString("hex"));
}

const expected = (entries: readonly Uint8Array[]): string[] =>
  entries.map((entry) => Buffer.from(leafHash(entry)).toString("hex"));

test("every length of an entry around the ends of blocks has its leaf hash", () => {
  const entries = Array.from({ length: 700 }, (_, length) =>
    Uint8Array.from({ length }, (_byte, i) => (i * 7 + length) % 256),
  );
  expect(hashesOf(entries, 2)).toEqual(expected(entries));
});

test("what an entry of another length leaves in memory is in no other entry's hash", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 40 }),
      fc.nat(3),
      (entries, between) => {
        expect(hashesOf(entries, between)).toEqual(expected(entries));
      },
    ),
    { seed: 42 },
  );
});

test("a bundle of the longest entries is hashed in parts", () => {
  const entries = Array.from({ length: 40 }, (_, i) => new Uint8Array(65_535 - (i % 3)).fill(i));
  expect(hashesOf(entries, 2)).toEqual(expected(entries));
});

test("a full tile has the root of its tree, and nothing else has one", () => {
  const hashes = Array.from({ length: 256 }, (_, i) => leafHash(Buffer.from(String(i))));
  const tile = Buffer.concat(hashes);
  const root = Buffer.from(rootOfTile(hashes)).toString("hex");
  expect(Buffer.from(bulk.tileRoot(tile)).toString("hex")).toBe(root);
  expect(Buffer.from(bulk.tileRoot(tile)).toString("hex")).toBe(root);
  for (const part of [tile.subarray(32), tile.subarray(1), Buffer.concat([tile, tile])])
    expect(() => bulk.tileRoot(part)).toThrow(RangeError);
});

test("a node's hash is right whichever byte the right one of its two ends with", () => {
  for (const first of [0, 128]) {
    // Every second hash of the lowest level is a right one, and ends with another byte.
    const hashes = Array.from({ length: 256 }, (_, i) => {
      const hash = leafHash(Buffer.from(`${first} ${i}`));
      hash[31] = first + Math.floor(i / 2);
      return hash;
    });
    const root = Buffer.from(bulk.tileRoot(Buffer.concat(hashes))).toString("hex");
    expect(root).toBe(Buffer.from(rootOfTile(hashes)).toString("hex"));
  }
});

test("a platform without vectors gives the same root", () => {
  const tile = Buffer.concat(Array.from({ length: 256 }, (_, i) => leafHash(Buffer.from(String(i)))));
  expect(Buffer.from(onPlatform(tile))).toEqual(Buffer.from(bulk.tileRoot(tile)));
});

test("the bytes are afterwards what they were", () => {
  const bytes = Uint8Array.from({ length: 600 }, (_, i) => (i * 31 + 1) % 256);
  const before = bytes.slice();
  bulk.leaves(bytes, Int32Array.of(0, 2, 300), Int32Array.of(2, 300, 600), 3);
  expect(bytes).toEqual(before);
});
