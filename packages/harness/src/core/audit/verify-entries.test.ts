// Exports whose entries or tiles somebody tampered with, by class of attack. The attacker has everything but the signing key,
// and, where it says so, that as well.

import { encodeEntries } from "@assent/tlog";
import { expect, test } from "vitest";
import {
  altered,
  at,
  ENTRIES_1,
  entry,
  exportOf,
  type Files,
  flip,
  found,
  type Given,
  HONEST,
  noteOf,
  REMEMBERED,
  rewritten,
  SIZE,
  STRANGER,
  verify,
} from "./testing/made-export.ts";

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
    "4 entries behind the last fill the partial bundle",
    () => {
      const more = [...HONEST.slice(512), ...HONEST.slice(0, 168)];
      return exportOf(HONEST).set("tile/entries/002.p/88", encodeEntries(more.map(({ leaf }) => leaf)));
    },
    "entries_added at entry 600",
  ],
  [
    "14 hashes behind the last fill the partial tile",
    () => {
      const files = exportOf(HONEST);
      const hashes = Buffer.concat([at(files, "tile/0/002.p/88"), at(files, "tile/0/000")]);
      return files.set("tile/0/002.p/88", hashes.subarray(0, 256 * 32));
    },
    "tile_malformed at entries 512 to 599",
  ],
  [
    "14 hashes behind the last fill the partial tile of an upper level",
    () => {
      const files = exportOf(HONEST);
      const hashes = Buffer.concat([at(files, "tile/1/000.p/2"), at(files, "tile/0/000")]);
      return files.set("tile/1/000.p/2", hashes.subarray(0, 256 * 32));
    },
    "tile_missing at entries 0 to 255",
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
