// Who tests the tester: the scenario of the audit log looks for each way of tampering and for its place, so a verifier
// that is blind to one, or names another place, must be told from one that is right.

import {
  formatCheckpoint,
  leafHash,
  newSeed,
  SIGNATURE_TYPES,
  signerKey,
  signNote,
  treeHash,
} from "@assent/tlog";
import { expect, test } from "vitest";
import {
  type CopiedEntry,
  findingsOf,
  leafHashesOf,
  type LogCopy,
  type LogPin,
  placeOfChange,
} from "../../log-copy.ts";
import { judgeTamperings, type Tampering, tamperings, type Verifier } from "./tampering.ts";

const ORIGIN = "assent-0/audit/ten_0";
const KEY = signerKey(ORIGIN, SIGNATURE_TYPES.ed25519, newSeed());
const PIN: LogPin = { origin: ORIGIN, keys: [KEY] };

const entryOf = (i: number): CopiedEntry => ({
  // Two runs, one after the other's event.
  leaf: JSON.stringify({
    commit: String(i).padStart(64, "0"),
    subj: `run_${i % 2}`,
    ver: Math.floor(i / 2) + 1,
  }),
  salt: null,
  payload: null,
});

function copyOf(size: number): LogCopy {
  const entries = Array.from({ length: size }, (_, i) => entryOf(i));
  const root = treeHash(entries.map(({ leaf }) => leafHash(Buffer.from(leaf, "latin1"))));
  const note = signNote(formatCheckpoint({ origin: ORIGIN, size, root, extensions: [] }), [KEY]);
  return note.ok ? { note: note.value, entries } : expect.unreachable();
}

const [BEFORE, AFTER] = [copyOf(10), copyOf(16)];
const KEPT = { note: AFTER.note, hashes: leafHashesOf(AFTER) };
const ATTEMPTS = tamperings(BEFORE, AFTER, PIN);
const GOOD: Verifier = { findingsOf, placeOfChange };

/** What the scenario fails for, with this verifier. */
const faults = (verifier: Verifier): string[] =>
  judgeTamperings(ATTEMPTS, KEPT, PIN, verifier).flatMap(({ what, place, named, findings }) => [
    ...(findings.length === 0 ? [`unseen: ${what}`] : []),
    ...(named === place ? [] : [`misplaced: ${what}`]),
  ]);

test("a right verifier sees every way, and its place", () => {
  expect(ATTEMPTS).toHaveLength(22);
  expect(faults(GOOD)).toEqual([]);
});

test.each(ATTEMPTS.map(([what, copy]) => [what, copy] as const))(
  "a verifier that is blind to this, or names a neighbour or no place, is told apart: %s",
  (what, copy) => {
    const blind: Verifier = {
      ...GOOD,
      findingsOf: (of, ...rest) => (of === copy ? [] : findingsOf(of, ...rest)),
    };
    expect(faults(blind)).toEqual([`unseen: ${what}`]);
    for (const shift of [-1, 1, null]) {
      const misplacing: Verifier = {
        ...GOOD,
        placeOfChange: (of, ...rest) => {
          const place = placeOfChange(of, ...rest);
          if (of !== copy) return place;
          return place === null || shift === null ? null : place + shift;
        },
      };
      expect(faults(misplacing)).toEqual([`misplaced: ${what}`]);
    }
  },
);

const sortedLeaves = ({ entries }: LogCopy): string =>
  JSON.stringify(entries.map(({ leaf }) => leaf).toSorted());

// Mistakes that verifiers have had, and a way of tampering that each of them lets through.
test.each<[string, Verifier, string]>([
  [
    "believes whoever signed",
    {
      ...GOOD,
      findingsOf: (copy, pin, remembered) =>
        findingsOf(copy, pin, remembered).filter((finding) => !finding.startsWith("the checkpoint:")),
    },
    "unseen: an edited entry, signed by a stranger",
  ],
  [
    "remembers nothing",
    { ...GOOD, findingsOf: (copy, pin) => findingsOf(copy, pin, null) },
    "unseen: a log set back to an earlier checkpoint",
  ],
  [
    "looks at what there is, not at the order",
    {
      ...GOOD,
      findingsOf: (copy, pin, remembered) =>
        sortedLeaves(copy) === sortedLeaves(AFTER) ? [] : findingsOf(copy, pin, remembered),
    },
    "unseen: two entries in the other order",
  ],
  [
    "looks at as many entries as were signed",
    {
      ...GOOD,
      findingsOf: (copy, pin, remembered) =>
        findingsOf({ ...copy, entries: copy.entries.slice(0, AFTER.entries.length) }, pin, remembered),
    },
    "unseen: an entry at the end that nobody signed",
  ],
  [
    "names the last entry that differs",
    {
      ...GOOD,
      placeOfChange: ({ entries }, { hashes }) => {
        const differing = hashes.flatMap((hash, i) => {
          const { leaf = "" } = entries[i] ?? {};
          return Buffer.compare(leafHash(Buffer.from(leaf, "latin1")), hash) === 0 ? [] : [i];
        });
        return differing.at(-1) ?? hashes.length;
      },
    },
    "misplaced: a deleted entry",
  ],
])("a verifier that %s is told apart", (_, verifier, fault) => {
  expect(faults(verifier)).toContain(fault);
});

test("a log of too few entries gives nothing to tamper with", () => {
  const none: readonly Tampering[] = tamperings(copyOf(0), copyOf(1), PIN);
  expect(none).toEqual([]);
});

const prunedTo = (minimum: number, size: number): LogCopy => {
  const list = Array.from({ length: size - 1 }, (_, i) => entryOf(i));
  const record = JSON.stringify({ commit: "0", kind: "log.pruned", subj: `pruned:1:${minimum}`, ver: 1 });
  const whole = [...list, { leaf: record, salt: null, payload: null }];
  const hashes = whole.map(({ leaf }) => leafHash(Buffer.from(leaf, "latin1")));
  const note = signNote(formatCheckpoint({ origin: ORIGIN, size, root: treeHash(hashes), extensions: [] }), [
    KEY,
  ]);
  const entries = whole.map((one, i) =>
    i < 256
      ? { leaf: "", salt: null, payload: null, hash: Buffer.from(hashes[i] ?? []).toString("base64") }
      : one,
  );
  return note.ok ? { note: note.value, entries } : expect.unreachable();
};

test("what is gone by a record is no finding, what is gone without one is, and tampering shows in what is left", () => {
  expect(findingsOf(prunedTo(256, 300), PIN, null)).toEqual([]);
  const gone = "entry 255 is gone, and no entry records that it was pruned";
  // Past itself, between two bundles, and of nothing.
  for (const minimum of [512, 255, 0]) expect(findingsOf(prunedTo(minimum, 300), PIN, null)).toEqual([gone]);
  const after = prunedTo(256, 300);
  const kept = { note: after.note, hashes: leafHashesOf(after) };
  const before = { ...after, entries: after.entries.slice(0, 290) };
  const attempts = tamperings(before, after, PIN).slice(0, -1);
  expect(
    judgeTamperings(attempts, kept, PIN).filter(
      ({ findings, named, place }) => findings.length === 0 || named !== place,
    ),
  ).toEqual([]);
});
