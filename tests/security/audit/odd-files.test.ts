// What lies in a copy that no log has there, and checkpoints that are spelled or dated as none is: before both verifiers.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { cosign, signatureLine, signerKey } from "@assent/tlog";
import { expect, test } from "vitest";
import {
  at,
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
  SECOND,
  seed,
  signedBy,
  without,
  WITNESSES,
} from "../../../packages/harness/src/core/audit/testing/made-export.ts";
import { judge } from "../../support/both-verifiers.ts";
import {
  expectAccepted,
  bundleOf,
  copied,
  expectFound,
  type Honest,
  type Odd,
  SMALL,
  SMALL_FILES,
  tileOf,
  WHOLE,
  withFile,
} from "../../support/odd-copies.ts";

/** The checkpoint with a second line that says when it was made. */
function withDate(list: readonly Entry[], seconds: number): string {
  const note = signedBy(list, [LOG, SECOND]);
  const text = note.slice(0, note.indexOf("\n\n") + 1);
  const line = cosign(SECOND, text, seconds);
  return without(note, SECOND) + (line.ok ? signatureLine(line.value) : expect.unreachable());
}

const OTHER_TENANT = "assent-0/audit/ten_1";
const OTHER_KEY = signerKey(OTHER_TENANT, 0x01, seed(1));
const link =
  (path: string): ((folder: string) => void) =>
  (folder) => {
    const other = `${folder}.away`;
    cpSync(folder, other, { recursive: true });
    rmSync(join(folder, path), { recursive: true });
    symlinkSync(join(other, path), join(folder, path));
  };
const PAST = "it is past the end of what was signed";
const NO_FILE = "no log has such a file";
const EARLIER = "it is smaller than the tree has it now, and says something else";

const FILES: readonly Odd[] = [
  [
    "a tile in its place that is another than the one which is to be moved there",
    () => ({ files: beingMoved(0).set("tile/0/000.p/6", flip(tileOf(6, SMALL_FILES, "tile/0/000.p/6"), 3)) }),
    "tile_ambiguous at tile/0/000.p/6",
    "tile/0/000.p/6: it lies in its place and in",
  ],
  [
    "one that is to be moved and is past the end",
    () => ({ files: beingMoved(1).set(".incoming-whole/tile/0/000.p/7", new Uint8Array(7 * 32)) }),
    "file_past_end at tile/0/000.p/7",
    "tile/0/000.p/7: it is past the end",
  ],
  ...([".incoming-whole/tile/0/000", ".incoming-Ab3/x", ".incoming-a"] as const).map((path): Odd => [
    `what is to be moved, and has ${path} itself`,
    () => ({ files: beingMoved(1).set(`.incoming-whole/${path}`, tileOf(1)) }),
    `file_unknown at .incoming-whole/${path.split("/")[0] ?? ""}`,
    `.incoming-whole/${path.split("/")[0] ?? ""}: ${NO_FILE}`,
  ]),
  [
    "a smaller tile of before beside the partial one",
    () => withFile("tile/0/002.p/5", tileOf(5)),
    "tile_ambiguous at entries 512 to 599",
    `tile/0/002.p/5: ${EARLIER}`,
  ],
  [
    "a smaller tile of before beside the full one",
    () => withFile("tile/0/000.p/9", flip(tileOf(9), 40)),
    "tile_ambiguous at entries 0 to 255",
    `tile/0/000.p/9: ${EARLIER}`,
  ],
  [
    "a smaller tile with a hash too many",
    () => withFile("tile/0/000.p/5", tileOf(6)),
    "tile_ambiguous at entries 0 to 255",
    `tile/0/000.p/5: ${EARLIER}`,
  ],
  [
    "a smaller tile of nothing",
    () => withFile("tile/0/000.p/5", ""),
    "tile_ambiguous at entries 0 to 255",
    `tile/0/000.p/5: ${EARLIER}`,
  ],
  [
    "a smaller bundle beside the partial one",
    () => withFile("tile/entries/002.p/2", bundleOf([HONEST[512] ?? entry(0), entry(3)])),
    "tile_ambiguous at entries 512 to 599",
    `tile/entries/002.p/2: ${EARLIER}`,
  ],
  [
    "a smaller bundle beside the full one",
    () => withFile("tile/entries/000.p/1", bundleOf([entry(3)])),
    "tile_ambiguous at entries 0 to 255",
    `tile/entries/000.p/1: ${EARLIER}`,
  ],
  [
    "a smaller bundle that is none",
    () => withFile("tile/entries/000.p/1", "\u0000\u0009x"),
    "tile_ambiguous at entries 0 to 255",
    "an entry is cut off",
  ],
  [
    "a smaller bundle with an entry less",
    () => withFile("tile/entries/000.p/2", bundleOf(HONEST.slice(0, 1))),
    "tile_ambiguous at entries 0 to 255",
    `tile/entries/000.p/2: ${EARLIER}`,
  ],
  [
    "a smaller tile of an upper level",
    () => withFile("tile/1/000.p/1", tileOf(1)),
    "tile_ambiguous at entries 0 to 255",
    `tile/1/000.p/1: ${EARLIER}`,
  ],
  [
    "a wider tile than was signed",
    () => withFile("tile/0/002.p/89", Buffer.concat([at(WHOLE, "tile/0/002.p/88"), tileOf(1)])),
    "file_past_end at tile/0/002.p/89",
    `tile/0/002.p/89: ${PAST}`,
  ],
  [
    "a wider bundle than was signed",
    () => withFile("tile/entries/002.p/89", bundleOf(entries(601).slice(512))),
    "file_past_end at tile/entries/002.p/89",
    PAST,
  ],
  [
    "a whole tile behind the last",
    () => withFile("tile/0/003", tileOf(256)),
    "file_past_end at tile/0/003",
    `tile/0/003: ${PAST}`,
  ],
  [
    "a bundle behind the last",
    () => withFile("tile/entries/003.p/1", bundleOf([entry(768)])),
    "file_past_end at tile/entries/003.p/1",
    PAST,
  ],
  [
    "a tile of a level that the tree has not",
    () => withFile("tile/2/000.p/1", tileOf(1)),
    "file_past_end at tile/2/000.p/1",
    PAST,
  ],
  [
    "payloads behind the last",
    () => withFile("payloads/003", ""),
    "file_past_end at payloads/003",
    `payloads/003: ${PAST}`,
  ],
  [
    "opened fields behind the last",
    () => withFile("opened/x001/000", "{}\n"),
    "file_past_end at opened/x001/000",
    PAST,
  ],
  [
    "a log of nothing, with files",
    () => ({ files: copied(SMALL_FILES).set("checkpoint", Buffer.from(noteOf([]))) }),
    "file_past_end at tile/0/000.p/6",
    PAST,
  ],
  [
    "a file of another name",
    () => withFile("report.txt", "all is well"),
    "file_unknown at report.txt",
    `report.txt: ${NO_FILE}`,
  ],
  [
    "a folder of another name",
    () => withFile("payload/000", "{}"),
    "file_unknown at payload",
    "payload: it is no plain file",
  ],
  [
    "another tenant's log within",
    () => withFile("ten_1/checkpoint", noteOf(HONEST, OTHER_KEY, OTHER_TENANT)),
    "file_unknown at ten_1",
    "ten_1: it is no plain file",
  ],
  [
    "a name that differs in its letters' case",
    () => withFile("Checkpoint", noteOf(HONEST)),
    "file_unknown at Checkpoint",
    `Checkpoint: ${NO_FILE}`,
  ],
  [
    "a folder that differs in its letters' case",
    () => withFile("Tile/0/000", tileOf(256)),
    "file_unknown at Tile",
    "Tile: it is no plain file",
  ],
  [
    "a name with a space behind it",
    () => withFile("tile/0/000 ", tileOf(256)),
    "file_unknown at tile/0/000 ",
    `tile/0/000 : ${NO_FILE}`,
  ],
  [
    "a tile under a longer name",
    () => withFile("tile/0/x000/000", tileOf(256)),
    "file_unknown at tile/0/x000/000",
    NO_FILE,
  ],
  [
    "a tile of a level with a zero before it",
    () => withFile("tile/00/000", tileOf(256)),
    "file_unknown at tile/00",
    "tile/00: it is no plain file",
  ],
  [
    "a full tile under a partial one's name",
    () => withFile("tile/0/000.p/256", tileOf(256)),
    "file_unknown at tile/0/000.p/256",
    NO_FILE,
  ],
  [
    "payloads under a partial bundle's name",
    () => withFile("payloads/000.p", ""),
    "file_unknown at payloads/000.p",
    NO_FILE,
  ],
  [
    "a name of letters that look like others",
    () => withFile("tile/0/00\u0660", tileOf(256)),
    "file_unknown at tile/0/00\u0660",
    NO_FILE,
  ],
  [
    "a name with a newline and a colour",
    () => withFile("a\n\u001b[31mb", ""),
    "file_unknown at a\n\u001b[31mb",
    String.raw`a\n\x1b[31mb: ${NO_FILE}`,
  ],
  [
    "a tile that is a link to its like",
    () => ({ files: copied(), change: link("tile/0/000") }),
    "file_unknown at tile/0/000",
    "tile/0/000: it is no plain file",
  ],
  [
    "a folder that is a link to its like",
    () => ({ files: copied(), change: link("payloads") }),
    "file_unknown at payloads",
    "payloads: it is no plain file",
  ],
  [
    "a pipe",
    () => ({
      files: copied(),
      change: (folder) => void execFileSync("mkfifo", [join(folder, "tile/0/009")]),
    }),
    "file_unknown at tile/0/009",
    "tile/0/009: it is no plain file",
  ],
  [
    "a folder in a tile's place",
    () => ({
      files: copied(),
      change: (folder) => {
        renameSync(join(folder, "tile/0/001"), join(folder, "x"));
        mkdirSync(join(folder, "tile/0/001"));
        rmSync(join(folder, "x"));
      },
    }),
    "file_unknown at tile/0/001",
    "tile/0/001: it is",
  ],
  [
    "what calls itself the room of a copy that was cut off",
    () => withFile(".incoming-a", "x"),
    "file_unknown at .incoming-a",
    NO_FILE,
  ],
  [
    "a tile of no bytes",
    () => withFile("tile/0/001", ""),
    "tile_malformed at entries 256 to 511",
    "there is more than was signed",
  ],
  [
    "a tile with a byte too many",
    () => withFile("tile/0/001", Buffer.concat([at(WHOLE, "tile/0/001"), Buffer.of(0)])),
    "tile_malformed at entries 256 to 511",
    "entry 512: there is more",
  ],
  [
    "entries of no bytes behind the others",
    () => withFile("tile/entries/001", Buffer.concat([at(WHOLE, "tile/entries/001"), Buffer.alloc(4)])),
    "entries_added at entry 512",
    "entry 512: there is more",
  ],
  [
    "a bundle of three gigabytes of nothing",
    () => ({
      files: copied(),
      change: (folder) => {
        truncateSync(join(folder, "tile/entries/001"), 3 * 1024 ** 3);
      },
    }),
    "entries_missing at entries 256 to 511",
    "it is longer than any file of a log",
  ],
  [
    "a checkpoint of three gigabytes",
    () => ({
      files: copied(),
      change: (folder) => {
        truncateSync(join(folder, "checkpoint"), 3 * 1024 ** 3);
      },
    }),
    "checkpoint_invalid at checkpoint",
    "it is longer than any file of a log",
  ],
];

const NOTES: readonly Odd[] = [
  [
    "a mark of byte order before it",
    () => withFile("checkpoint", `\ufeff${noteOf(HONEST)}`),
    "checkpoint_invalid at checkpoint",
    "checkpoint: ",
  ],
  [
    "two checkpoints, one after the other",
    () => withFile("checkpoint", noteOf(SMALL) + noteOf(HONEST)),
    "checkpoint_invalid at checkpoint",
    "checkpoint: ",
  ],
  ["nothing in it", () => withFile("checkpoint", ""), "checkpoint_invalid at checkpoint", "checkpoint: "],
  [
    "bytes that are no text",
    () => withFile("checkpoint", Buffer.concat([Buffer.of(0xff), at(WHOLE, "checkpoint")])),
    "checkpoint_invalid at checkpoint",
    "it cannot be read",
  ],
  [
    "an empty line behind it",
    () => withFile("checkpoint", `${noteOf(HONEST)}\n`),
    "checkpoint_invalid at checkpoint",
    "checkpoint: ",
  ],
  [
    "a space behind the size",
    () => withFile("checkpoint", noteOf(HONEST).replace("\n600\n", "\n600 \n")),
    "checkpoint_invalid at checkpoint",
    "checkpoint: ",
  ],
  [
    "a memory of another log",
    () => ({ files: copied(), remembered: noteOf(HONEST, OTHER_KEY, OTHER_TENANT) }),
    "remembered_invalid at remembered checkpoint",
    "remembered checkpoint: ",
  ],
  [
    "a memory with other ends of lines",
    () => ({ files: copied(), remembered: REMEMBERED.replaceAll("\n", "\r\n") }),
    "remembered_invalid at remembered checkpoint",
    "remembered checkpoint: ",
  ],
  [
    "a memory of nothing",
    () => ({ files: copied(), remembered: "" }),
    "remembered_invalid at remembered checkpoint",
    "remembered checkpoint: ",
  ],
  [
    "a second line that is dated ahead",
    () => ({ files: exportOf(SMALL, withDate(SMALL, 32_472_144_000)), keys: [LOG, SECOND] }),
    "cosignature_misdated at checkpoint",
    "checkpoint: the line of ",
  ],
  [
    "a second line of before its entries",
    () => ({ files: exportOf(SMALL, withDate(SMALL, 1_600_000_000)), keys: [LOG, SECOND] }),
    "cosignature_misdated at checkpoint",
    "checkpoint: the line of ",
  ],
  [
    "a witness's line that is dated ahead",
    () => ({
      files: exportOf(HONEST, cosigned(noteOf(HONEST), WITNESSES, 32_472_144_000)),
      policy: QUORUM_TEXT,
    }),
    "cosignature_misdated at checkpoint",
    "checkpoint: the line of witness.example/3 is dated 2999-",
  ],
  [
    "a witness's line of before its entries, beside a good one",
    () => ({
      files: exportOf(
        HONEST,
        cosigned(cosigned(noteOf(HONEST), WITNESSES.slice(0, 1)), WITNESSES.slice(1), 1_600_000_000),
      ),
      policy: QUORUM_TEXT,
    }),
    "cosignature_misdated at checkpoint",
    "checkpoint: the line of witness.example/4 is dated 2020-",
  ],
  [
    "a kept checkpoint whose witness's line is dated ahead",
    () => ({
      files: exportOf(HONEST, cosigned(noteOf(HONEST), WITNESSES)),
      remembered: cosigned(REMEMBERED, WITNESSES, 32_472_144_000),
      policy: QUORUM_TEXT,
    }),
    "cosignature_misdated at remembered checkpoint",
    "remembered checkpoint: the line of witness.example/3 is dated 2999-",
  ],
  [
    "lines of a witness whose key nobody pinned",
    () => ({
      files: exportOf(
        HONEST,
        cosigned(
          noteOf(HONEST),
          WITNESSES.map(({ name }, i) => signerKey(name, 0x04, seed(60 + i))),
        ),
      ),
      policy: QUORUM_TEXT,
    }),
    "quorum_missing at checkpoint",
    "checkpoint: cosigned by nobody; the policy wants more",
  ],
];

const HONEST_COPIES: readonly Honest[] = [
  [
    "that grew, with smaller tiles and bundles of before",
    () => ({
      files: copied()
        .set("tile/0/000.p/9", tileOf(9))
        .set("tile/0/002.p/5", at(WHOLE, "tile/0/002.p/88").subarray(0, 160))
        .set("tile/1/000.p/1", at(WHOLE, "tile/1/000.p/2").subarray(0, 32))
        .set("tile/entries/000.p/9", bundleOf(HONEST.slice(0, 9)))
        .set("tile/entries/002.p/5", bundleOf(HONEST.slice(512, 517))),
    }),
  ],
  [
    "that kept the beginning of a bundle which was pruned when it was full",
    () => {
      const list = [...HONEST, entry(600, { kind: "log.pruned", subject: "pruned:1:256", version: 1 })];
      const files = exportOf(list);
      const lines = at(files, "payloads/000")
        .toString()
        .split(/(?<=\n)/u);
      files.set("tile/entries/000.p/9", bundleOf(list.slice(0, 9)));
      files.set("payloads/000", Buffer.from(lines.slice(0, 9).join("")));
      files.delete("tile/entries/000");
      return { files };
    },
  ],
  [
    "with what one that was cut off left",
    () => ({
      files: copied()
        .set(".incoming-Ab3/tile/0/009", tileOf(3))
        .set("payloads/001.tmp", Buffer.of(1))
        .set("tile/0/.making-0123abcd-77-0123456789abcdef0123456789abcdef", Buffer.of(1)),
    }),
  ],
  ...[0, 1, 2, 3].map((moved): Honest => [
    `that was cut off when ${moved} of its files were in their places`,
    () => ({ files: beingMoved(moved) }),
  ]),
  [
    "of a published log, with the one that followed in its folder",
    () => ({
      files: copied().set("e2/checkpoint", Buffer.from("x")).set("minimum-index", Buffer.from("256\n")),
    }),
  ],
  [
    "with an empty folder where small tiles were",
    () => ({
      files: copied(),
      change: (folder) => {
        mkdirSync(join(folder, "tile/0/001.p"));
      },
    }),
  ],
  [
    "whose checkpoint has a line more than three, as C2SP allows",
    () => ({ files: exportOf(SMALL, noteWith(SMALL, "more")) }),
  ],
  [
    "with a second line that is dated as it should be",
    () => ({ files: exportOf(SMALL, withDate(SMALL, 1_700_000_100)), keys: [LOG, SECOND] }),
  ],
];

/** A copy of three entries, and what brings it forward: so many of these files are in their places, the rest is in its folder. */
function beingMoved(moved: number): Files {
  const files = exportOf(SMALL.slice(0, 3));
  const paths = [...SMALL_FILES.keys()].toSorted(
    (a, b) => Number(a === "checkpoint") - Number(b === "checkpoint"),
  );
  expect(paths).toHaveLength(4);
  for (const [i, path] of paths.entries())
    files.set(i < moved ? path : `.incoming-whole/${path}`, at(SMALL_FILES, path));
  return files;
}

function noteWith(list: readonly Entry[], extension: string): string {
  const text = `${noteOf(list).split("\n\n")[0]}\n${extension}\n`;
  const head = Buffer.alloc(4);
  head.writeUInt32BE(LOG.id);
  const line = Buffer.concat([head, LOG.sign(Buffer.from(text))]).toString("base64");
  return `${text}\n\u2014 ${LOG.name} ${line}\n`;
}

test.each(HONEST_COPIES)("an honest copy: %s", async (_, copy) => {
  await expectAccepted(copy());
});

test.each(FILES)("is found by whoever reads it, of a file: %s", async (_, copy, finding, line) => {
  await expectFound(copy(), finding, line);
});

test.each(NOTES)("is found by whoever reads it, of a checkpoint: %s", async (_, copy, finding, line) => {
  await expectFound(copy(), finding, line);
});

test("what a server publishes may be ahead of its checkpoint, for whoever says that it is that", async () => {
  const copy = withFile("tile/0/003.p/1", tileOf(1));
  copy.files.set("tile/0/002.p/89", Buffer.concat([at(WHOLE, "tile/0/002.p/88"), tileOf(1)]));
  const { ours, second } = await judge({ ...copy, isPublished: true });
  expect([ours, second]).toEqual([[], expect.stringMatching(/2 files that are not signed|^not run$/u)]);
  const other = await judge({ ...withFile("payloads/003", ""), isPublished: true });
  expect(other.ours).toEqual(["file_past_end at payloads/003"]);
});
