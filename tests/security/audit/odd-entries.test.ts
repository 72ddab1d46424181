// What was properly signed and cannot be, logs that are chained wrongly, and payloads that are spelled in two ways: before both
// verifiers.

import { signerKey } from "@assent/tlog";
import { expect, test } from "vitest";
import { readLaterLogs } from "../../../packages/harness/src/cli/verify/later-logs.ts";
import { commitment, encodeLeaf } from "../../../packages/harness/src/core/audit/leaf.ts";
import {
  at,
  beginning,
  type Entry,
  entry,
  exportOf,
  type Files,
  LOG,
  noteOf,
  ORIGIN,
  seed,
} from "../../../packages/harness/src/core/audit/testing/made-export.ts";
import { payloadLine } from "../../../packages/harness/src/core/audit/verify-source.ts";
import { LATER, LATER_KEY } from "../../support/both-verifiers.ts";
import { folderOf } from "../../support/folder-of.ts";
import {
  copied,
  expectAccepted,
  expectFound,
  type Honest,
  kindOf,
  type Odd,
  said,
  signed,
  SMALL,
  SMALL_FILES,
  withPayloads,
} from "../../support/odd-copies.ts";
import { isPythonHere, secondVerifier } from "../../support/second-verifier.ts";

/** What begins a later log. */
function begun(before: string, of: Partial<{ kind: string; subject: string }> = {}): Entry {
  const { salt, leaf } = entry(0, {
    log: LATER,
    kind: "log.epoch_begun",
    subject: "epoch:2",
    version: 1,
    ...of,
  });
  const payload = JSON.stringify({ reason: "x", before, last_checkpoint: null, database_size: 6 });
  const commit = commitment(salt, payload).toString("hex");
  const line = Buffer.from(leaf)
    .toString()
    .replace(/"commit":"[0-9a-f]{64}"/u, `"commit":"${commit}"`);
  return { salt, payload, leaf: Buffer.from(line) };
}
const laterOf = (...list: readonly Entry[]): Files => exportOf(list, noteOf(list, LATER_KEY, LATER));

const OTHER_TENANT = "assent-0/audit/ten_1";
const FUTURE = "2999-01-01T00:00:00.000000Z";
const SAID: readonly Odd[] = [
  [
    "a day that no month has",
    () => signed(said(6, /"at":"[^"]*"/u, '"at":"2023-02-30T00:00:00.000000Z"')),
    "event_undated at entry 6",
    "entry 6: in epoch 1, its time is 2023-02-30",
  ],
  [
    "a day that this year's February has not",
    () => signed(said(6, /"at":"[^"]*"/u, '"at":"2023-02-29T00:00:00.000000Z"')),
    "event_undated at entry 6",
    "entry 6: in epoch 1, its time",
  ],
  [
    "an hour that no day has",
    () => signed(said(6, /"at":"([^T]*)T\d\d/u, '"at":"$1T24')),
    "event_undated at entry 6",
    "entry 6: in epoch 1, its time",
  ],
  [
    "a second that no minute has",
    () => signed(said(6, /:\d\d\.\d{6}Z/u, ":60.000000Z")),
    "event_undated at entry 6",
    "entry 6: in epoch 1, its time",
  ],
  [
    "a month that no year has",
    () => signed(said(6, /"at":"(\d{4})-\d\d/u, '"at":"$1-13')),
    "event_undated at entry 6",
    "entry 6: in epoch 1, its time",
  ],
  [
    "a time still to come",
    () => signed(said(6, /"at":"[^"]*"/u, `"at":"${FUTURE}"`)),
    "event_ahead at entry 6",
    "which is still to come",
  ],
  [
    "another time than that of its id",
    () => signed(said(6, /\.\d{6}Z/u, ".111000Z")),
    "event_id_misdated at entry 6",
    "entry 6: in epoch 1, its id was made",
  ],
  [
    "the id of another entry",
    () =>
      signed(said(6, /"at":"[^"]*"(.*)"id":"[^"]*"/u, `"at":"${field(2, "at")}"$1"id":"${field(2, "id")}"`)),
    "event_repeated at entry 6",
    "entry 6: in epoch 1, its id is that of entry 2",
  ],
  [
    "an entry once more, under the next number",
    () => signed(said(2, '"ver":1}', '"ver":3}')),
    "event_repeated at entry 6",
    "its id is that of entry 2",
  ],
  [
    "a run that ends twice",
    () => signed(kindOf(6, "run_succeeded"), entry(7), entry(8), kindOf(9, "run_succeeded")),
    "illegal_transition at entry 9",
    "entry 9: in epoch 1, no run_succeeded can follow",
  ],
  [
    "a run that is taken twice",
    () => signed(kindOf(6, "run_leased")),
    "illegal_transition at entry 6",
    "no run_leased can follow",
  ],
  [
    "a run that is queued twice",
    () => signed(kindOf(6, "run_queued")),
    "illegal_transition at entry 6",
    "no run_queued can follow",
  ],
  [
    "a run that fails after it was cancelled",
    () => signed(kindOf(6, "run_cancelled"), entry(7), entry(8), kindOf(9, "run_failed")),
    "illegal_transition at entry 9",
    "no run_failed can follow",
  ],
  [
    "an artifact of a run that has ended",
    () => signed(kindOf(6, "run_succeeded"), entry(7), entry(8), kindOf(9, "artifact_committed")),
    "illegal_transition at entry 9",
    "no artifact_committed can follow",
  ],
  [
    "a step of a run that was never queued",
    () => ({ files: exportOf([kindOf(0, "step_intended")]) }),
    "illegal_transition at entry 0",
    "entry 0: in epoch 1, no step_intended can follow",
  ],
  [
    "a run that is resumed and was not parked",
    () => signed(kindOf(6, "run_resumed")),
    "illegal_transition at entry 6",
    "no run_resumed can follow",
  ],
  [
    "a number that repeats",
    () => signed(said(6, '"ver":3}', '"ver":2}')),
    "version_repeated at entry 6",
    "entry 6: number 2",
  ],
  [
    "a number that was left out",
    () => signed(said(6, '"ver":3}', '"ver":4}')),
    "version_missing at entry 6",
    "entry 6: number 4",
  ],
  [
    "a number with a point",
    () => signed(said(6, '"ver":3}', '"ver":3.0}')),
    "entry_malformed at entry 6",
    "entry 6: it has not the form",
  ],
  [
    "a key twice",
    () => signed(said(6, '"v":1,', '"v":1,"v":1,')),
    "entry_malformed at entry 6",
    "entry 6: it has not the form",
  ],
  [
    "a key that another version may have",
    () => signed(said(6, '"v":1,', '"u":1,"v":1,')),
    "entry_malformed at entry 6",
    "entry 6: it has not the form",
  ],
  [
    "a letter that is escaped",
    () => signed(said(6, '"kind":"a', String.raw`"kind":"\u0061`)),
    "entry_malformed at entry 6",
    "entry 6: it has not the form",
  ],
  [
    "a newline behind it",
    () => signed(said(6, /$/u, "\n")),
    "entry_malformed at entry 6",
    "entry 6: it has not the form",
  ],
  [
    "digits of another script",
    () => signed(said(6, '"ver":3}', '"ver":\u00b3}')),
    "entry_malformed at entry 6",
    "entry 6: it has not the form",
  ],
  [
    "the same fields in another order",
    () => signed(said(6, /,"v":1,("ver":\d)\}/u, ',$1,"v":1}')),
    "entry_malformed at entry 6",
    "entry 6: it has not the form",
  ],
  [
    "nothing at all",
    () => signed({ ...entry(6), leaf: new Uint8Array() }),
    "entry_malformed at entry 6",
    "entry 6: it has not the form",
  ],
  [
    "that another log began, in the middle of this one",
    () => signed(entry(6, { kind: "log.epoch_begun", subject: "epoch:2", version: 1 })),
    "epoch_misplaced at entry 6",
    "entry 6: in epoch 1, it is log.epoch_begun",
  ],
];

const field = (i: number, name: string): string =>
  new RegExp(`"${name}":"([^"]*)"`, "u").exec(Buffer.from(entry(i).leaf).toString())?.[1] ?? "";

/** A later log whose first entry says this. */
const saying = (what: object): Files => {
  const payload = JSON.stringify(what);
  return laterOf(entry(0, { log: LATER, kind: "log.epoch_begun", subject: "epoch:2", version: 1, payload }));
};
const SAYS = { reason: "x", before: ORIGIN, last_checkpoint: noteOf(SMALL), database_size: SMALL.length };
const UNCLEAR = "entry 0: in epoch 2, it does not say which log this one followed";

const CHAINS: readonly Odd[] = [
  ...(
    [
      ["nothing", {}],
      ["not how much of the log before was there", { ...SAYS, database_size: undefined }],
      ["not where the log before ended", { ...SAYS, last_checkpoint: undefined }],
      ["that the log before ended with what is no checkpoint", { ...SAYS, last_checkpoint: "no checkpoint" }],
      [
        "that the log before ended where another did",
        { ...SAYS, last_checkpoint: noteOf(SMALL, LOG, LATER) },
      ],
    ] as const
  ).map(([what, says]): Odd => [
    `a later log that says, when it begins, ${what}`,
    () => ({ files: SMALL_FILES, later: saying(says) }),
    "event_unclear",
    UNCLEAR,
  ]),
  [
    "a later log that begins with another event of its beginning",
    () => ({ files: SMALL_FILES, later: laterOf(begun(ORIGIN, { kind: "log.rotated" })) }),
    "epoch_misplaced",
    "entry 0: in epoch 2, it is log.rotated of epoch:2",
  ],
  [
    "a later log that followed another tenant's",
    () => ({ files: SMALL_FILES, later: laterOf(begun(OTHER_TENANT)) }),
    "epoch_misplaced",
    "entry 0: it says that this log followed",
  ],
  [
    "a later log that followed one after it",
    () => ({ files: SMALL_FILES, later: laterOf(begun(`${ORIGIN}/e3`)) }),
    "epoch_misplaced",
    "entry 0: it says that this log followed",
  ],
  [
    "a later log that begins with something else",
    () => ({
      files: SMALL_FILES,
      later: laterOf(begun(ORIGIN, { kind: "log.pruned", subject: "pruned:1:256" })),
    }),
    "epoch_misplaced",
    "entry 0: in epoch 2, it is log.pruned",
  ],
  [
    "a later log that says it is the one after the next",
    () => ({ files: SMALL_FILES, later: laterOf(begun(ORIGIN, { subject: "epoch:3" })) }),
    "epoch_misplaced",
    "entry 0: in epoch 2, it is log.epoch_begun of epoch:3",
  ],
  [
    "the later log in the place of the first",
    () => ({ files: laterOf(begun(ORIGIN)) }),
    "checkpoint_invalid at checkpoint",
    "checkpoint: ",
  ],
  [
    "the first log in the place of the later one",
    () => ({ files: SMALL_FILES, later: SMALL_FILES }),
    "later_log_unknown",
    "no key of a log that follows",
  ],
];

const OPENED: readonly Odd[] = [
  [
    "the salts of two entries exchanged",
    () =>
      withPayloads(() =>
        SMALL.map(({ payload }, i) =>
          payloadLine(i, entry(i === 2 ? 3 : i === 3 ? 2 : i).salt, payload),
        ).join(""),
      ),
    "payload_altered at entry 2",
    "entry 2: salt and payload",
  ],
  [
    "lines with other ends",
    () => withPayloads((lines) => lines.join("").replaceAll("\n", "\r\n")),
    "payload_malformed at payloads from entry 0",
    "payloads from entry 0: a line",
  ],
  [
    "an empty line between two",
    () => withPayloads((lines) => lines.toSpliced(2, 0, "\n").join("")),
    "payload_malformed at payloads from entry 0",
    "payloads from entry 0: a line",
  ],
  [
    "no end of the last line",
    () => withPayloads((lines) => lines.join("").trimEnd()),
    "payload_malformed at payloads from entry 0",
    "payloads from entry 0: a line",
  ],
  [
    "a mark of byte order",
    () => withPayloads((lines) => `\ufeff${lines.join("")}`),
    "payload_malformed at payloads from entry 0",
    "payloads from entry 0: a line",
  ],
  [
    "a place with a point",
    () => withPayloads((lines) => lines.join("").replace('{"i":2,', '{"i":2.0,')),
    "payload_malformed at payloads from entry 0",
    "payloads from entry 0: a line",
  ],
  [
    "a place that is true",
    () => withPayloads((lines) => lines.join("").replace('{"i":1,', '{"i":true,')),
    "payload_malformed at payloads from entry 0",
    "payloads from entry 0: a line",
  ],
  [
    "a payload of an array",
    () => withPayloads((lines) => lines.join("").replace(/"p":"(?:[^"\\]|\\.)*"/u, '"p":[]')),
    "payload_malformed at payloads from entry 0",
    "payloads from entry 0: a line",
  ],
  [
    "a line that is nested ten thousand times",
    () => withPayloads((lines) => lines.toSpliced(1, 0, `${"[".repeat(10_000)}\n`).join("")),
    "payload_malformed at payloads from entry 0",
    "payloads from entry 0: a line",
  ],
  [
    "an erased payload that is there again",
    () => signed(entry(6, { kind: "payload.erased", subject: "entry:1:2", version: 1 })),
    "payload_not_erased at entry 2",
    "entry 2: its payload is gone without a record, or there in spite of one",
  ],
];

const GATE = '{"step":1,"step_kind":"gate","name":"pay","effect":"none"}';
const ASKED = '{"approval_id":"apr_1","step":1}';
const HONEST_COPIES: readonly Honest[] = [
  [
    "with runs that are parked, resumed and released, and end",
    () => ({
      files: exportOf(
        [
          ["run_queued"],
          ["run_leased"],
          ["step_intended", GATE],
          ["approval_opened", ASKED],
          ["run_parked"],
          ["approval_expired", ASKED],
          ["step_succeeded", GATE],
          ["run_resumed"],
          ["run_leased"],
          ["run_released"],
          ["run_leased"],
          ["artifact_committed"],
          ["run_succeeded"],
          ["something.new"],
        ].map(([kind = "", payload = "{}"], i) =>
          entry(i, { subject: `run_${"a".repeat(32)}`, version: i + 1, kind, payload }),
        ),
      ),
    }),
  ],
  [
    "of a later log, which begins in the middle of runs",
    () => ({
      files: SMALL_FILES,
      later: laterOf(
        begun(ORIGIN),
        ...["artifact_committed", "run_parked", "run_resumed", "run_leased"].map((kind, i) =>
          entry(i + 1, { log: LATER, subject: `run_${"0".repeat(32)}`, version: i + 3, kind }),
        ),
      ),
    }),
  ],
  ["of the 29th of February", () => signed({ ...entry(6), ...leapDay() })],
];

function leapDay(): Pick<Entry, "leaf"> {
  const time = Date.UTC(2024, 1, 29, 23, 59, 59, 999);
  const hex = time.toString(16).padStart(12, "0");
  const { salt, payload } = entry(6);
  return {
    leaf: encodeLeaf({
      log: ORIGIN,
      tenant: `ten_${"0".repeat(32)}`,
      id: `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`,
      at: "2024-02-29T23:59:59.999000Z",
      kind: "artifact_committed",
      actor: null,
      subject: `run_${"0".repeat(32)}`,
      version: 3,
      state: null,
      commit: commitment(salt, payload).toString("hex"),
    }),
  };
}

test.each(HONEST_COPIES)("an honest copy: %s", async (_, copy) => {
  await expectAccepted(copy());
});

test.each(SAID)(
  "is found by whoever reads it, of an entry, properly signed, that says: %s",
  async (_, copy, finding, line) => {
    await expectFound(copy(), finding, line);
  },
);

test.each(CHAINS)(
  "is found by whoever reads it, of logs that follow each other: %s",
  async (_, copy, finding, line) => {
    await expectFound(copy(), finding, line);
  },
);

test.each(OPENED)(
  "is found by whoever reads it, of what opens entries: %s",
  async (_, copy, finding, line) => {
    await expectFound(copy(), finding, line);
  },
);

// The second log has a payload less, by a record of the third.
test("logs that followed one after the other are read by their numbers, in whatever order they are given", async () => {
  const third = `${ORIGIN}/e3`;
  const thirdKey = signerKey(third, 0x01, seed(8));
  const second = laterOf(
    begun(ORIGIN),
    entry(1, { log: LATER, kind: "payload.erased", subject: "entry:1:2", version: 1 }),
    entry(2, { log: LATER, kind: "key_stored", subject: "key_1", version: 1 }),
  );
  const files = copied(SMALL_FILES);
  const linesOf = (of: Files): string[] =>
    at(of, "payloads/000")
      .toString()
      .split(/(?<=\n)/u);
  files.set("payloads/000", Buffer.from(linesOf(files).toSpliced(2, 1).join("")));
  second.set("payloads/000", Buffer.from(linesOf(second).toSpliced(2, 1).join("")));
  const list = [
    beginning(third, LATER, { size: 3 }),
    entry(1, { log: third, kind: "payload.erased", subject: "entry:2:2", version: 1 }),
  ];
  const folders = [folderOf(second), folderOf(exportOf(list, noteOf(list, thirdKey, third)))];
  const keys = [LOG, LATER_KEY, thirdKey];
  for (const order of [folders, folders.toReversed()]) {
    expect(readLaterLogs(order, ORIGIN, keys, { now: new Date() }).findings).toEqual([]);
    const words = [
      ...keys.flatMap(({ vkey }) => ["--key", vkey]),
      ...order.flatMap((path) => ["--later", path]),
    ];
    const ended = isPythonHere
      ? await secondVerifier("export", folderOf(files), ...words)
      : { said: "verified" };
    expect(ended.said).toMatch(/^verified/u);
  }
});
