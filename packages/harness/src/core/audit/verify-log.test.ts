// Exports that somebody tampered with, by class of attack, and exports that are as they should be, in every form that is
// allowed. The attacker has everything but the signing key, and, where it says so, that as well.

import {
  cosign,
  encodeEntries,
  encodeTile,
  formatCheckpoint,
  type Hash,
  leafHash,
  parsePolicy,
  type Policy,
  rootOfTile,
  signerKey,
  signNote,
  TILE_WIDTH,
  tilePath,
  tilesOf,
  treeHash,
} from "@assent/tlog";
import { expect, test } from "vitest";
import { uuidV7 } from "../uuid.ts";
import { commitment, encodeLeaf, leafTime } from "./leaf.ts";
import { type VerifyReport, verifyLog } from "./verify-log.ts";
import { payloadLine, payloadPath } from "./verify-source.ts";

const ORIGIN = "assent-0/audit/ten_0";
const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const LOG = signerKey(ORIGIN, 0x01, seed(1));
const STRANGER = signerKey(ORIGIN, 0x01, seed(2));
const WITNESSES = [3, 4].map((byte) => signerKey(`witness.example/${byte}`, 0x04, seed(byte)));

type Entry = { readonly leaf: Uint8Array; readonly salt: Uint8Array; readonly payload: string };

function entry(
  i: number,
  of: Partial<{ subject: string; version: number; kind: string; log: string }> = {},
): Entry {
  const salt = new Uint8Array(32).fill(i % 251);
  const payload = JSON.stringify({ i, text: "what happened" });
  const leaf = encodeLeaf({
    log: of.log ?? ORIGIN,
    tenant: `ten_${"0".repeat(32)}`,
    id: uuidV7(new Date(1_700_000_000_000 + i), new Uint8Array(10).fill(i % 256)),
    at: leafTime(new Date(1_700_000_000_000 + i)),
    kind: of.kind ?? "step_succeeded",
    actor: null,
    // Three runs, one after the other's event.
    subject: of.subject ?? `run_${String(i % 3).repeat(32)}`,
    version: of.version ?? Math.floor(i / 3) + 1,
    state: null,
    commit: commitment(salt, payload).toString("hex"),
  });
  return { leaf, salt, payload };
}

const entries = (count: number): Entry[] => Array.from({ length: count }, (_, i) => entry(i));

type Files = Map<string, Uint8Array>;

const hashesOf = (list: readonly Entry[]): Hash[] => list.map(({ leaf }) => leafHash(leaf));

function noteOf(list: readonly Entry[], signer = LOG, origin = ORIGIN): string {
  const checkpoint = { origin, size: list.length, root: treeHash(hashesOf(list)), extensions: [] };
  const note = signNote(formatCheckpoint(checkpoint), [signer]);
  return note.ok ? note.value : expect.unreachable();
}

function cosigned(note: string, ...witnesses: typeof WITNESSES): string {
  const text = note.slice(0, note.indexOf("\n\n") + 1);
  const lines = witnesses.map((key) => {
    const line = cosign(key, text, 1_700_000_500);
    if (!line.ok) return expect.unreachable();
    const head = Buffer.alloc(4);
    head.writeUInt32BE(line.value.id);
    return `\u2014 ${key.name} ${Buffer.concat([head, line.value.bytes]).toString("base64")}\n`;
  });
  return note + lines.join("");
}

/** A whole export, as `assent audit export` writes it. */
function exportOf(list: readonly Entry[], note: string = noteOf(list)): Files {
  const files: Files = new Map([["checkpoint", Buffer.from(note)]]);
  const levels: Hash[][] = [hashesOf(list)];
  for (let below = levels[0] ?? []; below.length >= TILE_WIDTH; below = levels.at(-1) ?? [])
    levels.push(
      Array.from({ length: Math.floor(below.length / TILE_WIDTH) }, (_, i) =>
        rootOfTile(below.slice(i * TILE_WIDTH, (i + 1) * TILE_WIDTH)),
      ),
    );
  for (const tile of tilesOf(list.length)) {
    const from = tile.index * TILE_WIDTH;
    if (tile.level !== "entries") {
      files.set(tilePath(tile), encodeTile((levels[tile.level] ?? []).slice(from, from + tile.width)));
      continue;
    }
    const some = list.slice(from, from + tile.width);
    files.set(tilePath(tile), encodeEntries(some.map(({ leaf }) => leaf)));
    const lines = some.map(({ salt, payload }, i) => payloadLine(from + i, salt, payload));
    files.set(payloadPath(tilePath(tile)), Buffer.from(lines.join("")));
  }
  return files;
}

type Given = Partial<{ remembered: string; policy: Policy; cosignedSince: Date }>;

function verify(files: Files, given: Given = {}): VerifyReport {
  return verifyLog({
    source: { read: (path) => files.get(path) ?? null },
    origin: ORIGIN,
    keys: [LOG],
    remembered: given.remembered ?? null,
    policy: given.policy ?? null,
    cosignedSince: given.cosignedSince ?? null,
  });
}

const found = (report: VerifyReport): string[] => report.findings.map(({ code, at }) => `${code} at ${at}`);

const SIZE = 600;
const HONEST = entries(SIZE);
const REMEMBERED = noteOf(HONEST.slice(0, 300));

const policyOf = (text: string): Policy => {
  const policy = parsePolicy(text);
  return policy.ok ? policy.value : expect.unreachable();
};
const QUORUM = policyOf(
  `log ${LOG.vkey}\n${WITNESSES.map((key, i) => `witness w${i} ${key.vkey}`).join("\n")}\ngroup g 2 w0 w1\nquorum g\n`,
);

/** The next event of its run, at a time of somebody's choosing. */
function dated(i: number, time: Date): Entry {
  const one = entry(i);
  const line = Buffer.from(one.leaf).toString();
  return { ...one, leaf: Buffer.from(line.replace(/"at":"[^"]*"/, `"at":"${leafTime(time)}"`)) };
}

const ENTRIES_1 = "tile/entries/001";
const at = (files: Files, path: string): Buffer => Buffer.from(files.get(path) ?? expect.unreachable());
const flip = (bytes: Buffer, place: number): Buffer => {
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  return bytes;
};

/** A history that is another from entry `from` on, made to hang together in every file. */
const rewritten = (from: number): Entry[] =>
  HONEST.map((one, i) => {
    if (i !== from) return one;
    const salt = seed(9);
    const payload = "something else";
    const commit = commitment(salt, payload).toString("hex");
    const line = Buffer.from(one.leaf)
      .toString()
      .replace(/"commit":"[0-9a-f]{64}"/, `"commit":"${commit}"`);
    return { leaf: Buffer.from(line), salt, payload };
  });

const altered = (list: Entry[], change: (copy: Entry[]) => void): Entry[] => {
  const copy = [...list];
  change(copy);
  return copy;
};

// Name of the attack, what it does, and a finding with its place that must be among the findings.
const ATTACKS: readonly [string, () => Files, string, Given?][] = [
  [
    "1 an entry's byte is changed",
    () => {
      const files = exportOf(HONEST);
      return files.set(ENTRIES_1, flip(at(files, ENTRIES_1), 150));
    },
    "entry_altered at entry 256",
  ],
  [
    "1 an entry is changed with its hash in the tile",
    () =>
      exportOf(rewritten(301), noteOf(HONEST)).set("tile/1/000.p/2", at(exportOf(HONEST), "tile/1/000.p/2")),
    "tile_altered at entries 256 to 511",
  ],
  [
    "2 an entry is removed, the rest moves up",
    () => exportOf(HONEST.toSpliced(40, 1), noteOf(HONEST.toSpliced(40, 1), STRANGER)),
    "checkpoint_invalid at checkpoint",
  ],
  [
    "2 an entry is removed, signed with the log's own key",
    () => exportOf(HONEST.toSpliced(40, 1)),
    "version_missing at entry 42",
  ],
  [
    "2 an entry is removed, signed anew: who remembers finds it",
    () => exportOf(HONEST.toSpliced(40, 1)),
    "history_rewritten at entries 0 to 299",
    { remembered: REMEMBERED },
  ],
  [
    "3 two entries change places",
    () => exportOf(altered(HONEST, (copy) => copy.splice(100, 4, ...HONEST.slice(100, 104).toReversed()))),
    "version_missing at entry 100",
  ],
  [
    "3 two entries change places, one file only",
    () => {
      const swapped = [...HONEST];
      [swapped[257], swapped[258]] = [HONEST[258] ?? entry(0), HONEST[257] ?? entry(0)];
      return exportOf(HONEST).set(ENTRIES_1, at(exportOf(swapped), ENTRIES_1));
    },
    "entry_altered at entry 257",
  ],
  [
    "4 an entry is inserted",
    () => exportOf(HONEST.toSpliced(50, 0, entry(47))),
    "version_repeated at entry 50",
  ],
  [
    "4 an entry is put behind the last",
    () =>
      exportOf([...HONEST, entry(SIZE)], noteOf(HONEST)).set(
        "tile/entries/002.p/88",
        at(exportOf([...HONEST, entry(SIZE)]), "tile/entries/002.p/89"),
      ),
    "entries_added at entry 600",
  ],
  [
    "5 the tail is cut off",
    () => {
      const files = exportOf(HONEST);
      files.delete("tile/entries/002.p/88");
      return files;
    },
    "entries_missing at entries 512 to 599",
  ],
  [
    "5 the tail is cut off within a bundle",
    () =>
      exportOf(HONEST).set(
        "tile/entries/002.p/88",
        encodeEntries(HONEST.slice(512, 590).map(({ leaf }) => leaf)),
      ),
    "entries_missing at entry 590",
  ],
  [
    "6 back to an old state that was genuinely signed",
    () => exportOf(HONEST.slice(0, 200)),
    "history_cut at entry 200",
    { remembered: REMEMBERED },
  ],
  [
    "6 an old checkpoint is replayed, with cosignatures of that time",
    () => exportOf(HONEST.slice(0, 200), cosigned(noteOf(HONEST.slice(0, 200)), ...WITNESSES)),
    "cosignature_old at checkpoint",
    { policy: QUORUM, cosignedSince: new Date(1_800_000_000_000) },
  ],
  [
    "7 all is rewritten and signed with the log's key",
    () => exportOf(rewritten(10)),
    "history_rewritten at entries 0 to 299",
    { remembered: REMEMBERED },
  ],
  [
    "7 all is rewritten, the signed checkpoint kept",
    () => exportOf(rewritten(10), noteOf(HONEST)),
    "root_mismatch at entries 0 to 599",
  ],
  [
    "8 a fork after what is remembered, which no quorum cosigned",
    () => exportOf(rewritten(400), cosigned(noteOf(rewritten(400)), ...WITNESSES.slice(0, 1))),
    "quorum_missing at checkpoint",
    { remembered: REMEMBERED, policy: QUORUM },
  ],
  [
    "8 a fork of the same size",
    () => exportOf(rewritten(400)),
    "history_forked at entries 0 to 599",
    { remembered: noteOf(HONEST) },
  ],
  [
    "8 an event that was dated back behind what witnesses had seen without it",
    () => {
      const back = dated(SIZE, new Date(1_699_900_000_000));
      return exportOf([...HONEST, back], cosigned(noteOf([...HONEST, back]), ...WITNESSES));
    },
    "event_misdated at entry 600",
    { policy: QUORUM, remembered: cosigned(noteOf(HONEST), ...WITNESSES) },
  ],
  [
    "8 an event that was dated forward past what witnesses saw with it",
    () => {
      const forward = dated(SIZE, new Date(1_700_010_000_000));
      return exportOf([...HONEST, forward], cosigned(noteOf([...HONEST, forward]), ...WITNESSES));
    },
    "event_misdated at entry 600",
    { policy: QUORUM },
  ],
  [
    "9 another key's signature",
    () => exportOf(HONEST, noteOf(HONEST, STRANGER)),
    "checkpoint_invalid at checkpoint",
  ],
  [
    "9 the signature is stripped",
    () => exportOf(HONEST, `${noteOf(HONEST).split("\n\n")[0]}\n\n`),
    "checkpoint_invalid at checkpoint",
  ],
  [
    "9 the signature of another checkpoint",
    () => exportOf(HONEST, `${noteOf(HONEST).split("\n\n")[0]}\n\n${REMEMBERED.split("\n\n")[1]}`),
    "checkpoint_invalid at checkpoint",
  ],
  [
    "9 a witness's line counted twice",
    () => {
      const note = cosigned(noteOf(HONEST), ...WITNESSES.slice(0, 1));
      return exportOf(HONEST, note + note.slice(note.lastIndexOf("\u2014")));
    },
    "quorum_missing at checkpoint",
    { policy: QUORUM },
  ],
  [
    "9 a witness's line from another checkpoint",
    () => exportOf(HONEST, noteOf(HONEST) + cosigned(REMEMBERED, ...WITNESSES).slice(REMEMBERED.length)),
    "cosignature_invalid at checkpoint",
    { policy: QUORUM },
  ],
  [
    "10 a payload is exchanged",
    () => {
      const files = exportOf(HONEST);
      const text = at(files, "payloads/000")
        .toString()
        .replace(String.raw`{\"i\":7,`, String.raw`{\"i\":8,`);
      return files.set("payloads/000", Buffer.from(text));
    },
    "payload_altered at entry 7",
  ],
  [
    "10 two payloads change places",
    () => {
      const [a, b] = [HONEST[5] ?? entry(5), HONEST[6] ?? entry(6)];
      const files = exportOf(altered(HONEST, () => undefined));
      const swapped = exportOf(
        altered(HONEST, (copy) =>
          copy.splice(
            5,
            2,
            { ...a, payload: b.payload, salt: b.salt },
            { ...b, payload: a.payload, salt: a.salt },
          ),
        ),
      );
      return files.set("payloads/000", at(swapped, "payloads/000"));
    },
    "payload_altered at entry 5",
  ],
  [
    "11 a salt that has swallowed the payload's first byte",
    () => {
      const files = exportOf(HONEST);
      const { salt, payload } = HONEST[3] ?? entry(3);
      const wrong = payloadLine(3, Buffer.concat([salt, Buffer.from(payload.slice(0, 1))]), payload.slice(1));
      const text = at(files, "payloads/000")
        .toString()
        .replace(payloadLine(3, salt, payload), wrong);
      return files.set("payloads/000", Buffer.from(text));
    },
    "payload_altered at entry 3",
  ],
  [
    "12 a payload is removed without a record",
    () => {
      const files = exportOf(HONEST);
      const lines = at(files, "payloads/001").toString().split("\n");
      return files.set("payloads/001", Buffer.from(lines.toSpliced(4, 1).join("\n")));
    },
    "payload_removed at entry 260",
  ],
  [
    "12 an erasure is recorded, and the payload is still there",
    () => exportOf([...HONEST, entry(SIZE, { subject: "entry:1:20", version: 1, kind: "payload.erased" })]),
    "payload_not_erased at entry 20",
  ],
  [
    "13 an entry of another log",
    () => exportOf([...HONEST, entry(SIZE, { log: "assent-0/audit/ten_1" })]),
    "entry_of_another_log at entry 600",
  ],
  [
    "13 another log's checkpoint, properly signed",
    () =>
      exportOf(
        HONEST,
        noteOf(HONEST, signerKey("assent-0/audit/ten_1", 0x01, seed(1)), "assent-0/audit/ten_1"),
      ),
    "checkpoint_invalid at checkpoint",
  ],
  [
    "13 another log's name under this log's signature",
    () => exportOf(HONEST, noteOf(HONEST, LOG, "assent-0/audit/ten_1")),
    "checkpoint_invalid at checkpoint",
  ],
  [
    "14 a tile's hash is changed",
    () => {
      const files = exportOf(HONEST);
      return files.set("tile/0/001", flip(at(files, "tile/0/001"), 32 * 9));
    },
    "tile_altered at entry 265",
  ],
  [
    "14 a tile of an upper level is changed",
    () => {
      const files = exportOf(HONEST);
      return files.set("tile/1/000.p/2", flip(at(files, "tile/1/000.p/2"), 33));
    },
    "tile_altered at entries 256 to 511",
  ],
  [
    "14 a tile is missing",
    () => {
      const files = exportOf(HONEST);
      files.delete("tile/0/000");
      return files;
    },
    "tile_missing at entries 0 to 255",
  ],
  [
    "14 something is an entry that has not its form",
    () => exportOf([...HONEST, { ...entry(1), leaf: Buffer.from('{"v":1}') }]),
    "entry_malformed at entry 600",
  ],
  [
    "14 the size has a leading zero",
    () => exportOf(HONEST, noteOf(HONEST).replace("\n600\n", "\n0600\n")),
    "checkpoint_invalid at checkpoint",
  ],
];

test.each(ATTACKS)("finds: %s", (_, attack, finding, given) => {
  const report = verify(attack(), given);
  expect(report.verified).toBe(false);
  expect(found(report)).toContain(finding);
});

const without = (files: Files, prefix: string): Files =>
  new Map([...files].filter(([path]) => !path.startsWith(prefix)));

// What is allowed, and must not be taken for an attack.
const BENIGN: readonly [string, () => Files, Given?][] = [
  ["as it was exported", () => exportOf(HONEST)],
  ["with an older checkpoint remembered", () => exportOf(HONEST), { remembered: REMEMBERED }],
  ["with this very checkpoint remembered", () => exportOf(HONEST), { remembered: noteOf(HONEST) }],
  [
    "with a quorum",
    () => exportOf(HONEST, cosigned(noteOf(HONEST), ...WITNESSES)),
    { policy: QUORUM, remembered: REMEMBERED },
  ],
  [
    "with what witnesses saw before and after, all in time",
    () => exportOf(HONEST, cosigned(noteOf(HONEST), ...WITNESSES)),
    { policy: QUORUM, remembered: cosigned(REMEMBERED, ...WITNESSES) },
  ],
  ["with lines of unknown witnesses", () => exportOf(HONEST, cosigned(noteOf(HONEST), ...WITNESSES))],
  ["without payloads, as a mirror has it", () => without(exportOf(HONEST), "payloads/")],
  [
    "with the full tile in the place of a partial one",
    () => {
      const later = exportOf(entries(768));
      const files = exportOf(HONEST);
      for (const path of ["tile/0/002", "tile/entries/002"]) {
        files.delete(`${path}.p/88`);
        files.set(path, later.get(path) ?? expect.unreachable());
      }
      return files;
    },
  ],
  [
    "with an erasure on record",
    () => {
      const files = exportOf([
        ...HONEST,
        entry(SIZE, { subject: "entry:1:20", version: 1, kind: "payload.erased" }),
      ]);
      const lines = at(files, "payloads/000").toString().split("\n");
      return files.set("payloads/000", Buffer.from(lines.toSpliced(20, 1).join("\n")));
    },
  ],
  ["of 256 entries", () => exportOf(entries(256)), { remembered: noteOf(entries(256)) }],
  ["of one entry", () => exportOf(entries(1))],
  [
    "of a key that is being rotated",
    () => {
      const checkpoint = { origin: ORIGIN, size: SIZE, root: treeHash(hashesOf(HONEST)), extensions: [] };
      const note = signNote(formatCheckpoint(checkpoint), [LOG, STRANGER]);
      return exportOf(HONEST, note.ok ? note.value : expect.unreachable());
    },
  ],
];

test.each(BENIGN)("accepts an export %s", (_, files, given) => {
  const report = verify(files(), given);
  expect(found(report)).toEqual([]);
  expect(report.verified).toBe(true);
});

test("an erased payload is counted, an opened one too", () => {
  const report = verify(BENIGN[8]?.[1]() ?? expect.unreachable());
  expect([report.opened, report.erased, report.unopened]).toEqual([SIZE, 1, 0]);
});

test("cutting back to a signed state is invisible without memory, and the report says what it rests on", () => {
  const report = verify(exportOf(HONEST.slice(0, 200)));
  expect([report.verified, report.rememberedSize, report.cosigners]).toEqual([true, null, []]);
});
