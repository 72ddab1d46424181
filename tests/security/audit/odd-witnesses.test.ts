// What witnesses say of a log, tampered with: their lines on its checkpoint, the proof by way of the installation's log, the policy.
// Both verifiers find the same, in the same words, and neither says anything of an honest copy.

import { createHash } from "node:crypto";
import {
  cosign,
  formatNote,
  formatProof,
  leafHash,
  parseNote,
  proveInclusion,
  signerKey,
  type SignerKey,
  treeHash,
} from "@assent/tlog";
import { expect, test } from "vitest";
import {
  cosigned,
  entries,
  type Entry,
  entry,
  exportOf,
  type Files,
  flip,
  HONEST,
  LOG,
  noteOf,
  QUORUM_TEXT,
  REMEMBERED,
  rewritten,
  SECOND,
  seed,
  signedBy,
  STRANGER,
  WITNESSES,
} from "../../../packages/harness/src/core/audit/testing/made-export.ts";
import { type Copy, judge } from "../../support/both-verifiers.ts";
import { folderOf } from "../../support/folder-of.ts";
import { isPythonHere, secondVerifier } from "../../support/second-verifier.ts";

const [ONE = LOG, OTHER = LOG] = WITNESSES;
const SMALL = entries(6);
/** Some minutes after these entries. */
const SECONDS = 1_700_000_500;

// --- The installation's log, in which a checkpoint of this one stands --------------------------------------------------------
const INSTALLATION = "assent-0/audit/installation";
const HOUSE = signerKey(INSTALLATION, 0x01, seed(21));
const BY_HOUSE = `log ${HOUSE.vkey}\nwitness a ${ONE.vkey}\nwitness b ${OTHER.vkey}\ngroup g all a b\nquorum g\n`;

type Witnessed = Record<"note" | "leaf" | "salt" | "payload" | "proof", string>;

function covering(note: string, size: number, kind = "log.covered", log = INSTALLATION): Entry {
  const text = `${note.split("\n\n")[0] ?? ""}\n`;
  const sha256 = createHash("sha256").update(text).digest("hex");
  return entry(3, {
    log,
    kind,
    subject: `log_${"0".repeat(32)}`,
    version: 1,
    payload: JSON.stringify({ size, sha256 }),
  });
}

type Proved = { readonly signer?: SignerKey; readonly by?: readonly SignerKey[]; readonly at?: number };

function provedBy(
  made: Entry,
  note: string,
  { signer = HOUSE, by = WITNESSES, at = 3 }: Proved = {},
): Witnessed {
  const list = Array.from({ length: 7 }, (_, i) =>
    i === 3 ? made : entry(i, { log: INSTALLATION, subject: `x_${i}`, version: 1, kind: "x" }),
  );
  const hashes = list.map(({ leaf }) => leafHash(leaf));
  const path = proveInclusion(
    (level, place) => treeHash(hashes.slice(place * 2 ** level, (place + 1) * 2 ** level)),
    at,
    list.length,
  );
  const checkpoint = cosigned(noteOf(list, signer, signer.name), by, SECONDS);
  return {
    note,
    leaf: Buffer.from(made.leaf).toString("latin1"),
    salt: Buffer.from(made.salt).toString("base64"),
    payload: made.payload,
    proof: formatProof({ index: at, hashes: path, checkpoint, extra: null }),
  };
}

/** A copy of this log with a proof that witnesses have seen the first `size` of its entries. */
function seenCopy(
  list: readonly Entry[],
  size: number,
  change: (proof: Witnessed) => unknown = (proof) => proof,
): Copy {
  const note = noteOf(list.slice(0, size));
  const files = exportOf(list);
  files.set("witnessed", Buffer.from(`${JSON.stringify(change(provedBy(covering(note, size), note)))}\n`));
  return { files, policy: BY_HOUSE };
}
const other = (change: (proof: Witnessed) => Partial<Witnessed>): Copy =>
  seenCopy(SMALL, 4, (proof) => ({ ...proof, ...change(proof) }));

// --- Lines on the log's own checkpoint ------------------------------------------------------------------------------------------
const NOTE = noteOf(SMALL);
const byAll = (seconds = SECONDS, note = NOTE): string => cosigned(note, WITNESSES, seconds);
const onCheckpoint = (note: string, more: Partial<Copy> = {}): Copy => ({
  files: exportOf(SMALL, note),
  policy: QUORUM_TEXT,
  ...more,
});

function withLine(note: string, change: (bytes: Buffer) => Buffer, of = OTHER.name): string {
  return note
    .split("\n")
    .map((line) => {
      const [dash, name, value = ""] = line.split(" ");
      return name === of
        ? `${dash} ${name} ${change(Buffer.from(value, "base64")).toString("base64")}`
        : line;
    })
    .join("\n");
}
const reversed = (note: string): string => {
  const parsed = parseNote(note);
  return parsed.ok
    ? formatNote({ ...parsed.value, signatures: parsed.value.signatures.toReversed() })
    : expect.unreachable();
};
const MLDSA = signerKey("witness.example/pq", 0x06, seed(31));
const BY_MLDSA = `witness q ${MLDSA.vkey}\nquorum q\n`;

const ALLOWED: readonly (readonly [string, () => Copy, RegExp])[] = [
  ["by a quorum", () => onCheckpoint(byAll()), /witnesses: witness\.example\/3, witness\.example\/4$/u],
  [
    "with lines in another order, and twice",
    () =>
      onCheckpoint(
        `${reversed(byAll())}${byAll(SECONDS + 5)
          .split("\n")
          .at(-2)}\n`,
      ),
    /witnesses/u,
  ],
  [
    "by a witness of ML-DSA-44",
    () => onCheckpoint(cosigned(NOTE, [MLDSA], SECONDS), { policy: BY_MLDSA }),
    /witnesses: witness\.example\/pq$/u,
  ],
  [
    "with a line of its own second key, too",
    () => onCheckpoint(cosigned(signedBy(SMALL, [LOG, SECOND]), WITNESSES, SECONDS), { keys: [LOG, SECOND] }),
    /witnesses/u,
  ],
  [
    "by nobody, where nobody has to",
    () => onCheckpoint(NOTE, { policy: `log ${LOG.vkey}\nquorum none\n` }),
    /^verified: 6 entries$/u,
  ],
  [
    "by one of two, where any is enough",
    () =>
      onCheckpoint(cosigned(NOTE, [OTHER], SECONDS), {
        policy: QUORUM_TEXT.replace("group g 2", "group g any"),
      }),
    /witnesses: witness\.example\/4$/u,
  ],
  [
    "by way of the installation's log, whole",
    () => seenCopy(SMALL, 6),
    /witnesses: witness\.example\/3, witness\.example\/4$/u,
  ],
  [
    "by way of the installation's log, in part",
    () => seenCopy(SMALL, 4),
    /, of the first 4 entries only: the other 2 were not witnessed$/u,
  ],
  [
    "by nobody who is known, a hundred lines",
    () => ({ files: exportOf(SMALL, manyLines(NOTE, 100)) }),
    /^verified: 6 entries$/u,
  ],
  ["long ago, where nobody asks when", () => onCheckpoint(byAll()), /^verified/u],
];

const TAMPERED: readonly (readonly [string, () => Copy, string])[] = [
  ["one line too few", () => onCheckpoint(cosigned(NOTE, [ONE], SECONDS)), "quorum_missing at checkpoint"],
  [
    "one witness's line twice in the place of two",
    () => onCheckpoint(cosigned(cosigned(NOTE, [ONE], SECONDS), [ONE], SECONDS + 9)),
    "quorum_missing at checkpoint",
  ],
  [
    "a line with another time than was signed",
    () => onCheckpoint(withLine(byAll(), (bytes) => flip(bytes, 11))),
    "cosignature_invalid at checkpoint",
  ],
  [
    "a line with another signature",
    () => onCheckpoint(withLine(byAll(), (bytes) => flip(bytes, 40))),
    "cosignature_invalid at checkpoint",
  ],
  [
    "a line that is cut short",
    () => onCheckpoint(withLine(byAll(), (bytes) => bytes.subarray(0, 12))),
    "cosignature_invalid at checkpoint",
  ],
  [
    "a line that is longer",
    () => onCheckpoint(withLine(byAll(), (bytes) => Buffer.concat([bytes, Buffer.of(0)]))),
    "cosignature_invalid at checkpoint",
  ],
  [
    "a time past what numbers hold",
    () =>
      onCheckpoint(
        withLine(byAll(), (bytes) => {
          bytes.fill(0xff, 4, 12);
          return bytes;
        }),
      ),
    "cosignature_invalid at checkpoint",
  ],
  [
    "lines of a smaller tree",
    () => onCheckpoint(movedLines(byAll(SECONDS, noteOf(SMALL.slice(0, 4))), NOTE)),
    "cosignature_invalid at checkpoint",
  ],
  [
    "lines of another log's tree of that root",
    () =>
      onCheckpoint(
        movedLines(
          byAll(
            SECONDS,
            noteOf(SMALL, signerKey("assent-0/audit/ten_1", 0x01, seed(9)), "assent-0/audit/ten_1"),
          ),
          NOTE,
        ),
      ),
    "cosignature_invalid at checkpoint",
  ],
  [
    "a line of the log's own key in the place of a witness's",
    () => onCheckpoint(signedBy(SMALL, [LOG, SECOND]), { policy: BY_MLDSA }),
    "quorum_missing at checkpoint",
  ],
  [
    "a wrong line behind a right one of the same witness",
    () =>
      onCheckpoint(
        `${byAll()}${withLine(byAll(), (bytes) => flip(bytes, 50))
          .split("\n")
          .at(-2)}\n`,
      ),
    "cosignature_invalid at checkpoint",
  ],
  [
    "an old line, where it has to be a young one",
    () => onCheckpoint(byAll(), { cosignedWithinMinutes: 60 }),
    "cosignature_old at checkpoint",
  ],
  [
    "no line, where it has to be a young one",
    () => onCheckpoint(NOTE, { cosignedWithinMinutes: 60 }),
    "cosignature_old at checkpoint",
  ],
  ["lines of before the entries", () => onCheckpoint(byAll(1_600_000_000)), "event_misdated at entry 0"],
  [
    "a date past all calendars",
    () => onCheckpoint(byAll(Number.MAX_SAFE_INTEGER)),
    "cosignature_misdated at checkpoint",
  ],
  [
    "a date past the year 9999",
    () => onCheckpoint(byAll(300_000_000_000)),
    "cosignature_misdated at checkpoint",
  ],
  [
    "entries dated back behind what was seen when it was kept",
    () => ({
      files: exportOf(
        [...HONEST.slice(0, 300), entry(300, { time: new Date(1_600_000_000_000) })],
        byAll(SECONDS, noteOf([...HONEST.slice(0, 300), entry(300, { time: new Date(1_600_000_000_000) })])),
      ),
      remembered: cosigned(REMEMBERED, WITNESSES, SECONDS),
      policy: QUORUM_TEXT,
    }),
    "event_misdated at entry 300",
  ],
  [
    "a hundred lines and one",
    () => ({ files: exportOf(SMALL, manyLines(NOTE, 101)) }),
    "checkpoint_invalid at checkpoint",
  ],
  [
    "no proof of the installation's",
    () => ({ files: exportOf(SMALL), policy: BY_HOUSE }),
    "witnessed_missing at witnessed",
  ],
  [
    "a proof that is no JSON",
    () => ({ files: exportOf(SMALL).set("witnessed", Buffer.from("{")), policy: BY_HOUSE }),
    "witnessed_missing at witnessed",
  ],
  [
    "a proof with a field more",
    () => seenCopy(SMALL, 4, (proof) => ({ ...proof, seen: true })),
    "witnessed_missing at witnessed",
  ],
  [
    "a proof with a field twice",
    () => written((text) => text.replace('{"note"', '{"note":"","note"')),
    "witnessed_missing at witnessed",
  ],
  ["a proof with spaces", () => written((text) => text.replace(",", ", ")), "witnessed_missing at witnessed"],
  [
    "a proof with an escape that stands for itself",
    () => written((text) => text.replace("assent", String.raw`\u0061ssent`)),
    "witnessed_missing at witnessed",
  ],
  [
    "a leaf whose characters have more bits than are proved",
    () => other(({ leaf }) => ({ leaf: leaf.replace("a", String.fromCharCode(0x161)) })),
    "witnessed_missing at witnessed",
  ],
  [
    "a salt with another spelling",
    () =>
      other(({ salt }) => ({
        salt: salt.replace(/.=$/u, (end) => `${String.fromCharCode(end.charCodeAt(0) + 1)}=`),
      })),
    "witnessed_invalid at witnessed",
  ],
  [
    "another entry of the installation's log",
    () =>
      other(() => provedBy(covering(noteOf(SMALL.slice(0, 4)), 4, "log.signed"), noteOf(SMALL.slice(0, 4)))),
    "witnessed_invalid at witnessed",
  ],
  [
    "an entry of another log in the installation's",
    () =>
      other(() =>
        provedBy(
          covering(noteOf(SMALL.slice(0, 4)), 4, "log.covered", "assent-1/audit/installation"),
          noteOf(SMALL.slice(0, 4)),
        ),
      ),
    "witnessed_invalid at witnessed",
  ],
  [
    "an entry about another checkpoint",
    () => other(() => ({ note: noteOf(SMALL.slice(0, 5)) })),
    "witnessed_invalid at witnessed",
  ],
  [
    "an entry about another size",
    () => other(() => provedBy(covering(noteOf(SMALL.slice(0, 4)), 5), noteOf(SMALL.slice(0, 4)))),
    "witnessed_invalid at witnessed",
  ],
  [
    "another payload",
    () => other(({ payload }) => ({ payload: payload.replace('"size":4', '"size":5') })),
    "witnessed_invalid at witnessed",
  ],
  [
    "a checkpoint that somebody else signed",
    () =>
      other(() => {
        const note = noteOf(SMALL.slice(0, 4), STRANGER);
        return provedBy(covering(note, 4), note);
      }),
    "witnessed_invalid at witnessed",
  ],
  [
    "another place of the proof",
    () => other(({ proof }) => ({ proof: proof.replace("index 3", "index 2") })),
    "witnessed_invalid at witnessed",
  ],
  [
    "a proof of an installation that nobody named",
    () =>
      other(() => {
        const note = noteOf(SMALL.slice(0, 4));
        return provedBy(covering(note, 4), note, {
          signer: signerKey("assent-1/audit/installation", 0x01, seed(22)),
        });
      }),
    "witnessed_invalid at witnessed",
  ],
  [
    "a proof that too few witnesses have cosigned",
    () =>
      other(() => {
        const note = noteOf(SMALL.slice(0, 4));
        return provedBy(covering(note, 4), note, { by: [ONE] });
      }),
    "witnessed_invalid at witnessed",
  ],
  [
    "another history than the one that was seen",
    () => {
      const copy = seenCopy(HONEST, 300);
      const files: Files = exportOf(rewritten(10)).set(
        "witnessed",
        copy.files.get("witnessed") ?? expect.unreachable(),
      );
      return { ...copy, files };
    },
    "history_rewritten at entries 0 to 299",
  ],
  [
    "less than what was seen",
    () => {
      const copy = seenCopy(HONEST, 300);
      const files: Files = exportOf(HONEST.slice(0, 200)).set(
        "witnessed",
        copy.files.get("witnessed") ?? expect.unreachable(),
      );
      return { ...copy, files };
    },
    "history_cut at entry 200",
  ],
];

function written(change: (text: string) => string): Copy {
  const copy = seenCopy(SMALL, 4);
  const text = Buffer.from(copy.files.get("witnessed") ?? expect.unreachable()).toString();
  expect(change(text)).not.toBe(text);
  copy.files.set("witnessed", Buffer.from(change(text)));
  return copy;
}

/** The witnesses' lines of one checkpoint on another. */
function movedLines(from: string, to: string): string {
  const lines = from.split("\n").filter((line) => WITNESSES.some(({ name }) => line.includes(` ${name} `)));
  expect(lines).toHaveLength(2);
  return `${to}${lines.join("\n")}\n`;
}

function manyLines(note: string, count: number): string {
  const parsed = parseNote(note);
  const text = `${note.split("\n\n")[0] ?? ""}\n`;
  const key = signerKey("someone.example", 0x04, seed(40));
  const line = cosign(key, text, SECONDS);
  if (!parsed.ok || !line.ok) return expect.unreachable();
  const more = Array.from({ length: count - 1 }, () => line.value);
  return formatNote({ ...parsed.value, signatures: [...parsed.value.signatures, ...more] });
}

test.each(ALLOWED)("a log that was witnessed %s is accepted", async (_, copy, said) => {
  const { ours, second } = await judge(copy());
  expect([ours, second]).toEqual([[], isPythonHere ? expect.stringMatching(said) : "not run"]);
});

/** What is told of witnesses in words of this project, and not of a note's or a proof's form, which each reader has its own of. */
const IN_WORDS =
  /cosigned by|invalid cosignature|newest cosignature|line of|witnesses have seen|had seen|that were witnessed|no witness has seen|it is no such proof|the policy does not name|says nothing about|do not open|about another/u;

test.each(TAMPERED)("is found by both, in the same words: %s", async (_, copy, finding) => {
  const { ours, words, second } = await judge(copy());
  expect(ours).toContain(finding);
  if (!isPythonHere) return;
  expect(second).toMatch(/^(?!verified)/u);
  const lines = second.split("\n").map((line) => line.replace(/ \(.*\)$/u, ""));
  const wanted = words.filter((line) => IN_WORDS.test(line)).map((line) => line.replace(/ \(.*\)$/u, ""));
  for (const line of wanted.slice(0, 3)) expect(lines.map(undatedNow)).toContain(undatedNow(line));
});

/** Each verifier has its own now, and entries' times with as many digits as it likes. */
const undatedNow = (line: string): string =>
  line.replace(/it is \S+ here/u, "it is now").replace(/its time is (\S+?)(?:000)?Z/u, "its time is $1");

const ifHere = <T>(cases: readonly T[]): readonly T[] => (isPythonHere ? cases : []);

test.for(ifHere(["all"]))("witnesses alone, without a policy file, %s have to have cosigned", async () => {
  const ask = async (note: string): Promise<string> => {
    const folder = folderOf(exportOf(SMALL, note));
    const given = WITNESSES.flatMap(({ vkey }) => ["--witness", vkey]);
    return (await secondVerifier("export", folder, "--key", LOG.vkey, ...given)).said.trim();
  };
  expect(await ask(byAll())).toMatch(
    /^verified: 6 entries; witnesses: witness\.example\/3, witness\.example\/4$/mu,
  );
  expect(await ask(cosigned(NOTE, [ONE], SECONDS))).toBe(
    "checkpoint: cosigned by witness.example/3; the policy wants more",
  );
});

test.for(ifHere(["any"]))("a policy with %s line that is not understood is refused as a whole", async () => {
  const folder = folderOf(exportOf(SMALL, byAll()));
  const code = async (text: string): Promise<number> => {
    const path = `${folderOf(new Map([["policy", text]]))}/policy`;
    return (await secondVerifier("export", folder, "--key", LOG.vkey, "--policy", path)).code;
  };
  expect(await code(QUORUM_TEXT)).toBe(0);
  expect(await code(`# why\n\n${QUORUM_TEXT.replaceAll(" ", "\t ")}`)).toBe(0);
  for (const text of [
    QUORUM_TEXT.replace("quorum g\n", ""),
    `${QUORUM_TEXT}quorum g\n`,
    QUORUM_TEXT.replace("group g 2", "group g 3"),
    QUORUM_TEXT.replace("group g 2", "group g 0"),
    QUORUM_TEXT.replace("w0 w1", "w0 w0"),
    QUORUM_TEXT.replace("w0 w1", "w0 w9"),
    `${QUORUM_TEXT}wanted w0\n`,
    `${QUORUM_TEXT}witness w2 ${ONE.vkey}\n`,
    `${QUORUM_TEXT}witness w0 ${MLDSA.vkey}\n`,
    `${QUORUM_TEXT}witness none ${MLDSA.vkey}\n`,
    `${QUORUM_TEXT}witness w2 ${STRANGER.vkey}\n`,
    `${QUORUM_TEXT}log ${ONE.vkey}\n`,
    `${QUORUM_TEXT}\u0001\n`,
  ])
    expect([text, await code(text)]).toEqual([text, 2]);
});
