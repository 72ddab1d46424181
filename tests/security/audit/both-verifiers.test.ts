// Copies tampered with in ways that need some thought, and honest ones that look odd, before both verifiers: what one of
// them names the other names too, and neither says anything of an honest copy.

import { signerKey } from "@assent/tlog";
import { expect, test } from "vitest";
import { commitment } from "../../../packages/harness/src/core/audit/leaf.ts";
import {
  at,
  beginning,
  entries,
  type Entry,
  entry,
  exportOf,
  type Files,
  flip,
  hashesOf,
  HONEST,
  LOG,
  noteOf,
  ORIGIN,
  pruned,
  rewritten,
  SECOND,
  seed,
  signedBy,
  without,
} from "../../../packages/harness/src/core/audit/testing/made-export.ts";
import { payloadLine } from "../../../packages/harness/src/core/audit/verify-source.ts";
import { type Copy, judge, LATER, LATER_KEY } from "../../support/both-verifiers.ts";
import { isPythonHere } from "../../support/second-verifier.ts";

const record = (i: number, kind: string, subject: string): Entry => entry(i, { kind, subject, version: 1 });
const recorded = (subject = "pruned:1:512"): Entry[] => [...HONEST, record(600, "log.pruned", subject)];
const changed = (files: Files, path: string, content: Uint8Array | string): Files =>
  new Map(files).set(path, Buffer.from(content));
const lines = (text: string): readonly string[] => text.split("\n");

/** The entry's payload, salt and commitment exchanged, as whoever records it can. */
function saying(i: number, payload: string): Entry {
  const one = entry(i);
  const commit = commitment(one.salt, payload).toString("hex");
  const leaf = Buffer.from(one.leaf)
    .toString()
    .replace(/"commit":"[0-9a-f]{64}"/u, `"commit":"${commit}"`);
  return { ...one, payload, leaf: Buffer.from(leaf) };
}

/** A log that began when the first one had `size` entries, of which the database had `kept`. */
function laterLog(list: readonly Entry[], kept = list.length): Files {
  const first = beginning(LATER, ORIGIN, { size: kept, note: noteOf(list) });
  return exportOf([first], noteOf([first], LATER_KEY, LATER));
}

/** A checkpoint of this log with any size and root, properly signed. */
const noteSaying = (size: number, of: readonly Entry[]): string => {
  const real = noteOf(of);
  const root = lines(real)[2] ?? "";
  const made = noteOf(of.slice(0, 1)).split("\n\n")[0] ?? "";
  expect(made.split("\n")).toHaveLength(3);
  return signedText(`${ORIGIN}\n${size}\n${root}\n`);
};

function signedText(text: string): string {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(LOG.id);
  const line = Buffer.concat([head, LOG.sign(Buffer.from(text))]).toString("base64");
  return `${text}\n\u2014 ${LOG.name} ${line}\n`;
}

const both = (list: readonly Entry[] = HONEST): string => signedBy(list, [LOG, SECOND]);
const swapped = (note: string): string => {
  const [text, signatures = ""] = note.split("\n\n");
  return `${text}\n\n${signatures.trimEnd().split("\n").toReversed().join("\n")}\n`;
};
const OTHER_SECOND = signerKey(ORIGIN, 0x06, seed(12));
const lastLine = (note: string): string => note.trimEnd().split("\n").at(-1) ?? "";

const sealedTwins = (): Files => {
  const [one, other] = [saying(3, '{"sealed":"v1.a.AAAA"}'), saying(6, '{"sealed":"v1.b.BBBB"}')];
  const files = exportOf(HONEST.with(3, one).with(6, other));
  const text = at(files, "payloads/000").toString();
  const mixed = text
    .replace(payloadLine(3, one.salt, one.payload), payloadLine(3, one.salt, other.payload))
    .replace(payloadLine(6, other.salt, other.payload), payloadLine(6, other.salt, one.payload));
  return changed(files, "payloads/000", mixed);
};

const relined = (i: number, committed: string, shown: Uint8Array | string): Files => {
  const one = saying(i, committed);
  const files = exportOf(HONEST.with(i, one));
  const bytes = at(files, "payloads/000");
  const line = Buffer.from(payloadLine(i, one.salt, committed));
  const from = bytes.indexOf(line);
  expect(from).toBeGreaterThanOrEqual(0);
  const rest = bytes.subarray(from + line.byteLength);
  return changed(files, "payloads/000", Buffer.concat([bytes.subarray(0, from), Buffer.from(shown), rest]));
};
const shownAs = (i: number, committed: string, payload: string): string =>
  payloadLine(i, saying(i, committed).salt, payload);

const HONEST_COPIES: readonly (readonly [string, () => Copy])[] = [
  [
    "pruned, with a minimum index that says anything",
    () => ({ files: changed(pruned(exportOf(recorded()), 0, 1), "minimum-index", "99999\n") }),
  ],
  ["two lines in the other order", () => ({ files: exportOf(HONEST, swapped(both())), keys: [LOG, SECOND] })],
  [
    "a line twice, and a wrong one behind the right one of the same key",
    () => ({
      files: exportOf(
        HONEST,
        `${noteOf(HONEST)}${lastLine(noteOf(HONEST))}\n${lastLine(noteOf(entries(3)))}\n`,
      ),
    }),
  ],
  [
    "a full tile beside the partial one that it begins with, as is written before the next checkpoint",
    () => {
      const [files, larger] = [exportOf(HONEST), exportOf(entries(768))];
      for (const path of ["tile/0/002", "tile/entries/002"]) files.set(path, at(larger, path));
      return { files };
    },
  ],
  [
    "payloads of any text, with a key twice, and beyond ASCII",
    () => ({
      files: exportOf(
        HONEST.with(3, saying(3, '{"a":1,"a":2}'))
          .with(4, saying(4, "\u00e9 e\u0301 \u2028 \ufffd \u{1f600} \u007f \ufeff"))
          .with(5, saying(5, '\u0000\u001f\b\t\n\f\r"\\/')),
      ),
    }),
  ],
  [
    "the first log, whole, and the one that followed",
    () => ({ files: exportOf(HONEST), later: laterLog(HONEST) }),
  ],
  [
    "the first log as a restored backup left it, and the one that says so",
    () => ({ files: exportOf(HONEST.slice(0, 300)), later: laterLog(HONEST, 300) }),
  ],
  [
    "the first log, pruned and erased by records of the one that followed",
    () => {
      const first = HONEST;
      const [begun] = [laterLog(first)];
      expect(begun.size).toBeGreaterThan(3);
      const files = pruned(exportOf(first), 0);
      const text = at(files, "payloads/001").toString();
      files.set("payloads/001", Buffer.from(lines(text).toSpliced(4, 1).join("\n")));
      const list = [
        beginning(LATER, ORIGIN, { size: first.length, note: noteOf(first) }),
        entry(1, { log: LATER, kind: "log.pruned", subject: "pruned:1:256", version: 1 }),
        entry(2, { log: LATER, kind: "payload.erased", subject: "entry:1:260", version: 1 }),
      ];
      return { files, later: exportOf(list, noteOf(list, LATER_KEY, LATER)) };
    },
  ],
];

const TAMPERED: readonly (readonly [string, () => Copy, code: string, second: string])[] = [
  [
    "a record that names a later log's pruning",
    () => ({ files: pruned(exportOf(recorded("pruned:2:512")), 0) }),
    "pruning_malformed at entry 600",
    "entry 600: it records log.pruned",
  ],
  [
    "a hash of what was pruned, and the one above it, altered",
    () => {
      const files = pruned(exportOf(recorded()), 0);
      files.set("tile/0/000", flip(at(files, "tile/0/000"), 5));
      return { files: files.set("tile/1/000.p/2", flip(at(files, "tile/1/000.p/2"), 5)) };
    },
    "root_mismatch at entries 0 to 600",
    "entries 0 to 600: they do not give the root",
  ],
  [
    "opened fields left of entries that were pruned",
    () => ({ files: changed(pruned(exportOf(recorded()), 0), "opened/000", '{"i":1,"k":"","f":{}}\n') }),
    "opened_malformed at opened fields from entry 0",
    "opened fields from entry 0: the entries",
  ],
  [
    "the second line taken away",
    () => ({ files: exportOf(HONEST, without(both(), SECOND)), keys: [LOG, SECOND] }),
    "checkpoint_invalid at checkpoint",
    "the line of a type that a key was given for is missing",
  ],
  [
    "the second line of another key of that name",
    () => ({ files: exportOf(HONEST, signedBy(HONEST, [LOG, OTHER_SECOND])), keys: [LOG, SECOND] }),
    "checkpoint_invalid at checkpoint",
    "the line of a type that a key was given for is missing",
  ],
  [
    "a wrong line of the key before the right one",
    () => {
      const [text, line] = noteOf(HONEST).split("\n\n");
      return { files: exportOf(HONEST, `${text}\n\n${lastLine(noteOf(entries(3)))}\n${line}`) };
    },
    "checkpoint_invalid at checkpoint",
    "the signature is not the key's",
  ],
  [
    "signature lines that another character than a newline parts",
    () => ({
      files: exportOf(HONEST, both().replace(/\n(\u2014 .*)\n(\u2014 .*)\n$/u, "\n$1\u2028$2\n")),
      keys: [LOG, SECOND],
    }),
    "checkpoint_invalid at checkpoint",
    "checkpoint: a line that is no signature",
  ],
  [
    "a checkpoint of a tree one smaller, with the right root of the larger one",
    () => ({ files: exportOf(entries(513), noteSaying(512, entries(513))) }),
    "root_mismatch at entries 0 to 511",
    "entries 0 to 511: they do not give the root",
  ],
  [
    "a checkpoint of a tree one smaller, over the partial tile of the larger one",
    () => ({ files: exportOf(HONEST, noteSaying(599, HONEST)) }),
    "entries_missing at entries 512 to 598",
    "tile/0/002: it is missing",
  ],
  [
    "a full tile that begins otherwise than the partial one",
    () => ({
      files: changed(exportOf(HONEST), "tile/0/002", flip(at(exportOf(entries(768)), "tile/0/002"), 40)),
    }),
    "tile_ambiguous at entries 512 to 599",
    "tile/0/002: the partial one and the full one differ",
  ],
  [
    "a full bundle of entries that begins otherwise than the partial one",
    () => ({
      files: changed(
        exportOf(HONEST),
        "tile/entries/002",
        flip(at(exportOf(entries(768)), "tile/entries/002"), 90),
      ),
    }),
    "tile_ambiguous at entries 512 to 599",
    "tile/entries/002: the partial one and the full one differ",
  ],
  [
    "a full tile of an upper level that begins otherwise than the partial one",
    () => ({ files: changed(exportOf(HONEST), "tile/1/000", Buffer.alloc(256 * 32, 1)) }),
    "tile_ambiguous at entries 0 to 255",
    "tile/1/000: the partial one and the full one differ",
  ],
  [
    "sealed payloads of two events of one subject exchanged",
    () => ({ files: sealedTwins() }),
    "payload_altered at entry 3",
    "entry 3: salt and payload",
  ],
  [
    "an erasure recorded of what comes behind it",
    () => ({ files: exportOf([...HONEST, record(600, "payload.erased", "entry:1:600")]) }),
    "erasure_malformed at entry 600",
    "entry 600: it records payload.erased",
  ],
  [
    "an erasure recorded of a later log's entry",
    () => ({ files: exportOf([...HONEST, record(600, "payload.erased", "entry:2:5")]) }),
    "erasure_malformed at entry 600",
    "entry 600: it records payload.erased",
  ],
  [
    "half a character in the place of one that cannot be shown",
    () => ({ files: relined(3, "a\ufffdb", shownAs(3, "a\ufffdb", "a\ud800b")) }),
    "payload_malformed at payloads from entry 0",
    "payloads from entry 0: a line that opens none",
  ],
  [
    "bytes that are no character in the place of one that cannot be shown",
    () => ({
      files: relined(
        3,
        "a\ufffdb",
        Buffer.from(shownAs(3, "a\ufffdb", "a\u00ffb")).filter((byte) => byte !== 0xc3),
      ),
    }),
    "payload_malformed at payloads from entry 0",
    "",
  ],
  [
    "a letter with its accent apart",
    () => ({ files: relined(3, "caf\u00e9", shownAs(3, "caf\u00e9", "cafe\u0301")) }),
    "payload_altered at entry 3",
    "entry 3: salt and payload",
  ],
  [
    "a key of the payload's own text twice",
    () => ({ files: relined(3, '{"a":1}', shownAs(3, '{"a":1}', '{"a":2,"a":1}')) }),
    "payload_altered at entry 3",
    "entry 3: salt and payload",
  ],
  [
    "an entry of another tenant under this log's name",
    () => ({
      files: exportOf(
        HONEST.with(9, {
          ...entry(9),
          leaf: Buffer.from(
            Buffer.from(entry(9).leaf).toString().replace('"tenant":"ten_0', '"tenant":"ten_1'),
          ),
        }),
      ),
    }),
    "entry_of_another_log at entry 9",
    "entry 9: it is of another log",
  ],
  [
    "the first log cut short, past what the one that followed has lost",
    () => ({ files: exportOf(HONEST.slice(0, 300)), later: laterLog(HONEST, 400) }),
    "history_cut at entry 300",
    "entry 300: the log ends here",
  ],
  [
    "another history of the first log than the one that followed accounts for",
    () => ({ files: exportOf(rewritten(10)), later: laterLog(HONEST) }),
    "history_forked at entries 0 to 599",
    "entries 0 to 599: they are not those that the next log",
  ],
  [
    "the first log rewritten, and gone on with",
    () => ({ files: exportOf([...rewritten(10), entry(600)]), later: laterLog(HONEST) }),
    "history_rewritten at entries 0 to 599",
    "entries 0 to 599: they are not those that the next log",
  ],
];

test.each(HONEST_COPIES)("an honest copy: %s", async (_, copy) => {
  expect(hashesOf(HONEST)).toHaveLength(600);
  const { ours, second } = await judge(copy());
  expect([ours, second]).toEqual([[], expect.stringMatching(/^verified|^not run$/u)]);
});

test.each(TAMPERED)("is found by both: %s", async (_, copy, finding, line) => {
  const { ours, second } = await judge(copy());
  expect(ours).toContain(finding);
  expect(second).toMatch(isPythonHere ? /^(?!verified)/u : /not run/u);
  if (isPythonHere) expect(second).toContain(line);
});
