// Whatever is done to the files of an export is found, by a verifier that kept its checkpoint: bytes and pieces of any
// file changed, put in, taken out and moved, and files for one another or for those of another log, tenant or history.

import { decodeEntries, encodeEntries, signerKey } from "@assent/tlog";
import fc from "fast-check";
import { expect, inject, test } from "vitest";
import {
  at,
  entry,
  exportOf,
  type Files,
  found,
  HONEST,
  noteOf,
  rewritten,
  seed,
  verify,
} from "./testing/made-export.ts";

const SEED = 20_261_121;
/** Each verifies a whole export. */
const RUNS = inject("everyBreak") ? 1_000 : 120;
const ORIGINAL = exportOf(HONEST);
const PATHS = [...ORIGINAL.keys()];
const BUNDLES = PATHS.filter((path) => path.startsWith("tile/entries/"));
const PAYLOADS = PATHS.filter((path) => path.startsWith("payloads/"));

const OTHER_LOG = "assent-0/audit/ten_1";
const OTHERS: readonly Files[] = [
  // Another tenant's, with the same ids in it, properly signed by the same signer.
  exportOf(
    HONEST.map((_, i) => entry(i, { log: OTHER_LOG })),
    noteOf(HONEST, signerKey(OTHER_LOG, 0x01, seed(1)), OTHER_LOG),
  ),
  // The same log, rewritten and signed with its own key.
  exportOf(rewritten(300)),
  // The same log, when it was shorter.
  exportOf(HONEST.slice(0, 500)),
];

const splice = (list: readonly Buffer[], from: number, to: number, takes: boolean): Buffer[] => {
  const [one] = list.slice(from % list.length);
  const rest = takes ? list.toSpliced(from % list.length, 1) : [...list];
  return one === undefined ? rest : rest.toSpliced(to % (rest.length + 1), 0, one);
};

type Pieces = {
  readonly of: (bytes: Buffer) => Buffer[];
  readonly join: (list: readonly Buffer[]) => Uint8Array;
};
const ENTRIES: Pieces = {
  of: (bytes) => {
    const decoded = decodeEntries(bytes);
    return decoded.ok ? decoded.value.map((one) => Buffer.from(one)) : expect.unreachable();
  },
  join: encodeEntries,
};
const LINES: Pieces = {
  of: (bytes) =>
    bytes
      .toString()
      .split(/(?<=\n)/)
      .map((line) => Buffer.from(line)),
  join: (list) => Buffer.concat(list),
};

/** A piece of one file put into another, from which it may be gone. */
function transfer(
  files: Files,
  pieces: Pieces,
  [a, b]: readonly [string, string],
  [i, j]: readonly [number, number],
  isGone: boolean,
): void {
  const [from, to] = [pieces.of(at(files, a)), pieces.of(at(files, b))];
  const piece = from[i % from.length] ?? expect.unreachable();
  if (a === b) return void files.set(a, pieces.join(splice(from, i, j, isGone)));
  files.set(b, pieces.join(to.toSpliced(j % (to.length + 1), 0, piece)));
  if (isGone) files.set(a, pieces.join(from.toSpliced(i % from.length, 1)));
}

/** Where no file of this export is: smaller tiles of before, tiles behind the last, and names that no log has. */
const MORE = [
  "tile/0/000.p/7",
  "tile/0/002.p/87",
  "tile/1/000.p/1",
  "tile/entries/001.p/255",
  "tile/0/003",
  "tile/0/002.p/89",
  "tile/entries/003.p/1",
  "tile/2/000.p/1",
  "payloads/003",
  "opened/x001/000",
  "tile/0/000.p/0",
  "tile/64/000",
  "tile/0/0000",
  "payloads/000.p/7",
  "Checkpoint",
  "tile",
  "x/y",
  "e2x",
  "...",
];

const path = fc.constantFrom(...PATHS);
const place = fc.nat(1_000_000);
const junk = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 4 }),
  fc.constantFrom("\n", " ", "\0", "\n\n", "{}\n", "\u2014 x AAAAAAA=\n").map((text) => Buffer.from(text)),
);

type Mutation = { readonly name: string; readonly apply: (files: Files) => void };
const mutation = (name: string, made: fc.Arbitrary<(files: Files) => void>): fc.Arbitrary<Mutation> =>
  made.map((apply) => ({ name, apply }));

const MUTATIONS: readonly fc.Arbitrary<Mutation>[] = [
  mutation(
    "a file is gone",
    path.map((p) => (files: Files) => void files.delete(p)),
  ),
  mutation(
    "a bit is another",
    fc.tuple(path, place, fc.nat(7)).map(([p, i, bit]) => (files: Files) => {
      const bytes = at(files, p);
      bytes[i % bytes.length] = (bytes[i % bytes.length] ?? 0) ^ (1 << bit);
      files.set(p, bytes);
    }),
  ),
  mutation(
    "bytes are put in, or in the place of others",
    fc.tuple(path, place, fc.nat(40), junk).map(([p, i, taken, put]) => (files: Files) => {
      const bytes = at(files, p);
      const from = i % (bytes.length + 1);
      files.set(p, Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + taken)]));
    }),
  ),
  mutation(
    "a file is cut off",
    fc.tuple(path, place).map(([p, i]) => (files: Files) => {
      const bytes = at(files, p);
      files.set(p, bytes.subarray(0, i % bytes.length));
    }),
  ),
  mutation(
    "two files have changed places, or one stands for both",
    fc.tuple(path, path, fc.boolean()).map(([a, b, both]) => (files: Files) => {
      const [first, second] = [at(files, a), at(files, b)];
      files.set(a, second);
      if (both) files.set(b, first);
    }),
  ),
  mutation(
    "a file more",
    fc
      .tuple(fc.constantFrom(...MORE), fc.oneof(junk, fc.constantFrom(...PATHS)))
      .map(([p, content]) => (files: Files) => {
        files.set(p, typeof content === "string" ? at(files, content) : content);
      }),
  ),
  mutation(
    "a file goes on with another",
    fc.tuple(path, path).map(
      ([a, b]) =>
        (files: Files) =>
          void files.set(a, Buffer.concat([at(files, a), at(files, b)])),
    ),
  ),
  mutation(
    "a file is another log's, or another history's",
    fc.tuple(path, fc.constantFrom(...OTHERS)).map(([p, other]) => (files: Files) => {
      const theirs = other.get(p);
      if (theirs !== undefined) files.set(p, theirs);
    }),
  ),
  mutation(
    "entries are moved or repeated",
    fc
      .tuple(fc.constantFrom(...BUNDLES), fc.constantFrom(...BUNDLES), place, place, fc.boolean())
      .map(([a, b, i, j, isGone]) => (files: Files) => {
        transfer(files, ENTRIES, [a, b], [i, j], isGone);
      }),
  ),
  mutation(
    "payloads are moved or repeated",
    fc
      .tuple(fc.constantFrom(...PAYLOADS), fc.constantFrom(...PAYLOADS), place, place, fc.boolean())
      .map(([a, b, i, j, isGone]) => (files: Files) => {
        transfer(files, LINES, [a, b], [i, j], isGone);
      }),
  ),
];

const isSame = (files: Files): boolean =>
  files.size === ORIGINAL.size && PATHS.every((p) => files.has(p) && at(files, p).equals(at(ORIGINAL, p)));

test("whatever is done to the files of an export is found", () => {
  const kept = noteOf(HONEST);
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(fc.oneof(...MUTATIONS), ({ name, apply }) => {
      const files = new Map([...ORIGINAL].map(([p, bytes]) => [p, Buffer.from(bytes)]));
      apply(files);
      fc.pre(!isSame(files));
      seen.set(name, (seen.get(name) ?? 0) + 1);
      const report = verify(files, { remembered: kept });
      expect([name, report.verified]).toEqual([name, false]);
      const places = / at (?:checkpoint|entr|payloads)/;
      expect(found(report).filter((text) => !places.test(text) && !text.startsWith("file_"))).toEqual([]);
    }),
    { seed: SEED, numRuns: RUNS },
  );
  expect(verify(ORIGINAL, { remembered: kept }).verified).toBe(true);
  // Each kind was tried, and not only as what changes nothing.
  expect([...seen.values()].filter((count) => count > RUNS / 30)).toHaveLength(MUTATIONS.length);
});
