import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "../../base/canonical-json.ts";
import { uuidV7 } from "../uuid.ts";
import { commitment, decodeLeaf, encodeLeaf, type Leaf, leafTime, SALT_BYTES } from "./leaf.ts";

const hex = (chars: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${chars}}$`), { maxLength: chars });
const leaves: fc.Arbitrary<Leaf> = fc.record({
  log: fc.constantFrom("assent-0/audit/ten_0", "Log.example:1/a_b/e2"),
  tenant: hex(32).map((id) => `ten_${id}`),
  id: fc
    .uint8Array({ minLength: 10, maxLength: 10 })
    .map((bytes) => uuidV7(new Date(1_700_000_000_000), bytes)),
  at: fc
    .date({ min: new Date(0), max: new Date(4_000_000_000_000), noInvalidDate: true })
    .map((at) => leafTime(at)),
  kind: fc.constantFrom("run_queued", "payload.erased"),
  actor: fc.option(hex(32).map((id) => `prn_${id}`)),
  subject: hex(32).map((id) => `run_${id}`),
  version: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  state: fc.option(hex(64)),
  commit: hex(64),
});

test("a leaf is its own RFC 8785 form, and is read back as it was", () => {
  fc.assert(
    fc.property(leaves, (leaf) => {
      const { subject, version, ...rest } = leaf;
      const bytes = encodeLeaf(leaf);
      expect(Buffer.from(bytes).toString()).toBe(
        canonicalJson({ ...rest, subj: subject, ver: version, v: 1 }),
      );
      expect(decodeLeaf(bytes)).toEqual(leaf);
    }),
    { seed: 42 },
  );
});

const LEAF: Leaf = {
  log: "assent-0/audit/ten_0",
  tenant: `ten_${"0".repeat(32)}`,
  id: uuidV7(new Date(0), new Uint8Array(10)),
  at: leafTime(new Date(0)),
  kind: "run_queued",
  actor: null,
  subject: `run_${"1".repeat(32)}`,
  version: 1,
  state: null,
  commit: "2".repeat(64),
};

test.each([
  ["a field more", (line: string) => line.replace("}", ',"z":1}')],
  ["a space", (line: string) => line.replace(",", ", ")],
  ["another order", (line: string) => line.replace('"v":1,"ver":1', '"ver":1,"v":1')],
  ["another format", (line: string) => line.replace('"v":1', '"v":2')],
  ["a version of nothing", (line: string) => line.replace('"ver":1', '"ver":0')],
  ["a leading zero", (line: string) => line.replace('"ver":1', '"ver":01')],
  ["an escape", (line: string) => line.replace("run_queued", String.raw`run_queue\u0064`)],
  ["capital hex", (line: string) => line.replace("2222", "222A")],
  ["a line break at the end", (line: string) => `${line}\n`],
  ["a byte above ASCII", (line: string) => line.replace("assent-0", "assent-\u00E9")],
])("no leaf with %s", (_, change) => {
  const line = Buffer.from(encodeLeaf(LEAF)).toString();
  expect(decodeLeaf(Buffer.from(line))).toEqual(LEAF);
  expect(decodeLeaf(Buffer.from(change(line), "latin1"))).toBeNull();
});

test("no leaf is written that would not be read", () => {
  expect(() => encodeLeaf({ ...LEAF, kind: 'x","actor":"y' })).toThrow("closed form");
  expect(() => encodeLeaf({ ...LEAF, log: "" })).toThrow("closed form");
});

test("a commitment has one opening: the salt's length is checked", () => {
  const salt = Buffer.alloc(SALT_BYTES, 7);
  const payload = Buffer.from("abc");
  expect(commitment(salt, payload).toString("hex")).toBe(commitment(salt, "abc").toString("hex"));
  // The vector of the attack: a salt of 33 bytes that has swallowed the payload's first would give the same digest.
  expect(() => commitment(Buffer.concat([salt, payload.subarray(0, 1)]), payload.subarray(1))).toThrow(
    "32 bytes",
  );
  expect(() => commitment(salt.subarray(1), payload)).toThrow("32 bytes");
});
