// What whoever keeps the log, or kept a key of it, can have properly signed: another tenant's entries under its name, a log that
// goes on under a key that it gave up, and the reason of an erasure erased. Before both verifiers, with what is allowed beside it.

import { signerKey, type SignerKey } from "@assent/tlog";
import { test } from "vitest";
import {
  at,
  beginning,
  type Entry,
  entry,
  exportOf,
  type Files,
  noteOf,
  seed,
  signedBy,
} from "../../../packages/harness/src/core/audit/testing/made-export.ts";
import { type Copy, LATER, LATER_KEY } from "../../support/both-verifiers.ts";
import {
  expectAccepted,
  expectFound,
  type Honest,
  type Odd,
  SMALL,
  SMALL_FILES,
} from "../../support/odd-copies.ts";

/** As installations name their logs. */
const TENANT = `ten_${"0".repeat(32)}`;
const NAMED = `assent-0/audit/${TENANT}`;
const [OLD, NEW, NEWEST, OLD_SECOND] = [
  signerKey(NAMED, 0x01, seed(1)),
  signerKey(NAMED, 0x01, seed(5)),
  signerKey(NAMED, 0x01, seed(6)),
  signerKey(NAMED, 0x06, seed(7)),
];

const partOf = ({ vkey }: SignerKey): string => vkey.split("+").slice(2).join("+");
const change = (
  i: number,
  kind: "key.added" | "key.rotated",
  before: readonly SignerKey[],
  after: readonly SignerKey[],
  nameOf: (key: SignerKey) => string = ({ vkey }) => vkey,
  version = i,
): Entry =>
  entry(i, {
    log: NAMED,
    kind,
    subject: "signer",
    version,
    payload: JSON.stringify({ before: before.map(nameOf), after: after.map(nameOf) }),
  });
const plain = (i: number): Entry =>
  entry(i, { log: NAMED, subject: `key_${i}`, version: 1, kind: "key_stored" });

/** The key is exchanged, by way of both. */
const ROTATED = [
  plain(0),
  change(1, "key.added", [OLD], [OLD, NEW]),
  change(2, "key.rotated", [OLD, NEW], [NEW]),
  plain(3),
];
const by = (list: readonly Entry[], signers: readonly SignerKey[], pinned = signers): Copy => ({
  files: exportOf(list, signedBy(list, signers, NAMED)),
  keys: pinned,
});
const bare = ({ files, ...rest }: Copy): Copy => {
  const some = new Map(files);
  for (const path of files.keys()) if (path.startsWith("payloads/")) some.delete(path);
  return { ...rest, files: some };
};
const ofTenant = (one: Entry, tenant: string): Entry => ({
  ...one,
  leaf: Buffer.from(Buffer.from(one.leaf).toString().replace(`"tenant":"${TENANT}"`, `"tenant":"${tenant}"`)),
});
const OTHER = `ten_${"1".repeat(32)}`;

const record = (i: number, of: string, version: number): Entry =>
  entry(i, { kind: "payload.erased", subject: of, version });
const withoutPayloads = (files: Files, ...places: readonly number[]): Files => {
  const lines = at(files, "payloads/000")
    .toString()
    .split(/(?<=\n)/u)
    .filter((line) => !places.some((i) => line.startsWith(`{"i":${i},`)));
  return new Map(files).set("payloads/000", Buffer.from(lines.join("")));
};

const WRONG: readonly Odd[] = [
  [
    "entries of one other tenant, all of them",
    () =>
      by(
        [0, 1].map((i) => ofTenant(plain(i), OTHER)),
        [OLD],
      ),
    "entry_of_another_log at entry 0",
    `entry 0: it is of another log, ${NAMED}, tenant ${OTHER}`,
  ],
  [
    "a log that goes on under the key that it gave up",
    () => by(ROTATED, [OLD], [OLD, NEW]),
    "checkpoint_by_retired_key at checkpoint",
    "checkpoint: entry 2 says that the keys which signed it sign no more",
  ],
  [
    "the same, to whoever never heard of the new one",
    () => by(ROTATED, [OLD]),
    "checkpoint_by_retired_key at checkpoint",
    "checkpoint: entry 2 says",
  ],
  [
    "a log that ends with giving up the key that signs it",
    () => by(ROTATED.slice(0, 3), [OLD]),
    "checkpoint_by_retired_key at checkpoint",
    "checkpoint: entry 2 says",
  ],
  [
    "one of the installation's, which names no logs",
    () => by([plain(0), change(1, "key.rotated", [OLD], [NEW], partOf)], [OLD]),
    "checkpoint_by_retired_key at checkpoint",
    "checkpoint: entry 1 says",
  ],
  [
    "a log that goes on under both types of keys that it gave up",
    () => by([plain(0), change(1, "key.rotated", [OLD, OLD_SECOND], [NEW])], [OLD, OLD_SECOND]),
    "checkpoint_by_retired_key at checkpoint",
    "checkpoint: entry 1 says",
  ],
  [
    "the record of an erasure, erased by record",
    () => {
      const list = [...SMALL, record(6, "entry:1:2", 1), record(7, "entry:1:6", 1)];
      return { files: withoutPayloads(exportOf(list), 2, 6) };
    },
    "erasure_malformed at entry 7",
    "entry 7: it records the erasure of entry:1:6, and one of the two is the record of another erasure",
  ],
  [
    "the same by a record of the next log",
    () => {
      const first = [...SMALL, record(6, "entry:1:2", 1)];
      const size = { size: first.length, note: noteOf(first) };
      const list = [
        beginning(LATER, SMALL_ORIGIN, size),
        entry(1, { log: LATER, kind: "payload.erased", subject: "entry:1:6", version: 1 }),
      ];
      const later = exportOf(list, noteOf(list, LATER_KEY, LATER));
      return { files: withoutPayloads(exportOf(first), 2, 6), later };
    },
    "erasure_malformed at entry 6",
    "entry 6: it records the erasure of entry:1:2, and one of the two",
  ],
];
const SMALL_ORIGIN = at(SMALL_FILES, "checkpoint").toString().split("\n")[0] ?? "";

const HONEST: readonly Honest[] = [
  ["a log of the tenant that its name says", () => by([plain(0), plain(1)], [OLD])],
  ["a rotated log, by its new key", () => by(ROTATED, [NEW], [OLD, NEW])],
  ["the same, to whoever pinned the new key alone", () => by(ROTATED, [NEW])],
  [
    "in the overlap, by both, to whoever knows the old key alone",
    () => by(ROTATED.slice(0, 2), [OLD, NEW], [OLD]),
  ],
  ["as it was before it was rotated", () => by(ROTATED.slice(0, 1), [OLD])],
  [
    "rotated twice, and back to the first key",
    () => by([...ROTATED, change(4, "key.added", [NEW], [NEW, OLD], undefined, 3), plain(5)], [OLD, NEW]),
  ],
  ["by a key that the log was not told of yet", () => by([...ROTATED.slice(0, 3), plain(3)], [NEWEST])],
  [
    "with a second line that came after the key was rotated",
    () => by(ROTATED, [NEW, signerKey(NAMED, 0x06, seed(9))], [signerKey(NAMED, 0x06, seed(9))]),
  ],
  ["a mirror, which does not say which keys they are", () => bare(by(ROTATED, [OLD]))],
  [
    "what says nothing of keys under that name",
    () => by([plain(0), entry(1, { log: NAMED, kind: "key.rotated", subject: "signer", version: 1 })], [OLD]),
  ],
  [
    "two erasures, each by its record",
    () => {
      const list = [...SMALL, record(6, "entry:1:2", 1), record(7, "entry:1:3", 1)];
      return { files: withoutPayloads(exportOf(list), 2, 3) };
    },
  ],
];

test.each(WRONG)("is found by both: %s", async (_, copy, finding, line) => {
  await expectFound(copy(), finding, line);
});

test.each(HONEST)("nothing is said of %s", async (_, copy) => {
  await expectAccepted(copy());
});
