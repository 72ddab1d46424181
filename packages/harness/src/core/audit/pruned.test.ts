// A log that was pruned verifies by its tree, as far as an entry of it says that entries are gone; whatever else is gone was
// taken out by somebody.

import {
  decodeTile,
  leafHash,
  proveInclusion,
  readerOfTiles,
  TILE_WIDTH,
  tilePath,
  verifyInclusion,
} from "@assent/tlog";
import { expect, test } from "vitest";
import {
  at,
  type Entry,
  entries,
  entry,
  exportOf,
  type Files,
  flip,
  found,
  hashesOf,
  noteOf,
  ORIGIN,
  pruned,
  rewritten,
  LOG,
  NOW,
  sourceOf,
  verify,
} from "./testing/made-export.ts";
import { verifyLog } from "./verify-log.ts";

const recordOf = (subject: string, i = 600): Entry => entry(i, { subject, version: 1, kind: "log.pruned" });
const recorded = (subject = "pruned:1:512"): Entry[] => [...entries(600), recordOf(subject)];

test("a log verifies without what it says was pruned, and says how much that is", () => {
  const whole = exportOf(recorded());
  expect(verify(whole)).toMatchObject({ findings: [], minimum: 512, pruned: 0, opened: 601 });
  expect(verify(pruned(whole, 0))).toMatchObject({ findings: [], minimum: 512, pruned: 256, opened: 345 });
  expect(verify(pruned(whole, 0, 1))).toMatchObject({ findings: [], minimum: 512, pruned: 512, opened: 89 });
  expect(verify(exportOf(entries(600)))).toMatchObject({ findings: [], minimum: 0, pruned: 0 });
  // A copy from before that goes on has a hole in the middle.
  expect(verify(pruned(exportOf(recorded()), 1))).toMatchObject({ findings: [], pruned: 256 });
  // A memory of within what is gone is a memory still.
  for (const size of [100, 256, 300, 512, 599])
    expect(found(verify(whole, { remembered: noteOf(entries(size)) }))).toEqual([]);
});

test.each<[string, () => Files, string[]]>([
  ["without any record", () => pruned(exportOf(entries(600)), 0), ["entries_missing at entries 0 to 255"]],
  [
    "past what is recorded",
    () => pruned(exportOf(recorded("pruned:1:256")), 0, 1),
    ["entries_missing at entries 256 to 511"],
  ],
  [
    "with a record of another log",
    () => pruned(exportOf(recorded("pruned:2:512")), 0),
    ["pruning_malformed at entry 600", "entries_missing at entries 0 to 255"],
  ],
  [
    "with a record that goes past itself",
    () => pruned(exportOf(recorded("pruned:1:768")), 0),
    ["pruning_malformed at entry 600", "entries_missing at entries 0 to 255"],
  ],
  [
    "with a record that cuts a bundle",
    () => pruned(exportOf(recorded("pruned:1:300")), 0),
    ["pruning_malformed at entry 600", "entries_missing at entries 0 to 255"],
  ],
  [
    "with its hashes",
    () => {
      const files = pruned(exportOf(recorded()), 0);
      files.delete("tile/0/000");
      return files;
    },
    ["entries_missing at entries 0 to 255"],
  ],
  [
    "but for its payloads",
    () => {
      const files = exportOf(recorded());
      files.delete("tile/entries/000");
      return files;
    },
    ["payload_malformed at payloads from entry 0"],
  ],
  [
    "of the last, partial one",
    () => {
      const files = exportOf(recorded());
      files.delete("tile/entries/002.p/89");
      return files;
    },
    ["entries_missing at entries 512 to 600"],
  ],
])("a bundle that is gone is found: %s", (_, files, findings) => {
  expect(found(verify(files()))).toEqual(expect.arrayContaining(findings));
  expect(verify(files()).verified).toBe(false);
});

test("what is left of a pruned log is held to the tree as ever", () => {
  const files = pruned(exportOf(recorded()), 0);
  files.set("tile/entries/001", flip(at(files, "tile/entries/001"), 150));
  expect(found(verify(files))).toContain("entry_altered at entry 256");
  const tampered = pruned(exportOf(recorded()), 0);
  tampered.set("tile/0/000", flip(at(tampered, "tile/0/000"), 5));
  expect(found(verify(tampered))).toContain("root_mismatch at entries 0 to 600");
  const other = [...rewritten(7), recordOf("pruned:1:512")];
  const forked = pruned(exportOf(other), 0);
  expect(found(verify(forked, { remembered: noteOf(entries(300)) }))).toContain(
    "history_rewritten at entries 0 to 299",
  );
  // Taken out where the count of a subject shows it.
  const cut = recorded().toSpliced(550, 1);
  expect(found(verify(pruned(exportOf(cut), 0, 1)))).toContain("version_missing at entry 552");
});

test("erasures of pruned entries, and pruned records of erasures, explain themselves", () => {
  const list = [
    ...entries(300),
    entry(700, { subject: "entry:1:7", version: 1, kind: "payload.erased" }),
    ...entries(599).slice(300),
    recordOf("pruned:1:512"),
  ];
  const files = exportOf(list);
  const lines = at(files, "payloads/000").toString().split("\n").toSpliced(7, 1);
  files.set("payloads/000", Buffer.from(lines.join("\n")));
  expect(verify(files)).toMatchObject({ findings: [], erased: 1 });
  expect(verify(pruned(files, 0))).toMatchObject({ findings: [], erased: 0, pruned: 256 });
  expect(verify(pruned(files, 0, 1))).toMatchObject({ findings: [], pruned: 512 });
});

test("a log that was followed by another is pruned by what that one records", () => {
  const files = pruned(exportOf(entries(600)), 0);
  const given = {
    origin: ORIGIN,
    keys: [LOG],
    remembered: null,
    policy: null,
    now: NOW,
    cosignedSince: null,
  };
  const source = sourceOf(files);
  const by = (minimum: number, epoch = 1): string[] =>
    found(verifyLog({ ...given, source, pruned: [{ epoch, minimum }] }));
  expect(by(256)).toEqual([]);
  expect(by(512, 2)).toEqual(["entries_missing at entries 0 to 255"]);
});

test("inclusion of a pruned entry is proved by the tree, to whoever has the entry", () => {
  const files = pruned(exportOf(recorded()), 0, 1);
  const size = 601;
  const read = readerOfTiles((level, index) => {
    const tile = Math.floor(index / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, Math.floor(size / TILE_WIDTH ** level) - tile * TILE_WIDTH);
    const hashes = decodeTile(at(files, tilePath({ level, index: tile, width })), width);
    return hashes?.[index % TILE_WIDTH] ?? expect.unreachable();
  });
  const root = Buffer.from(at(files, "checkpoint").toString().split("\n")[2] ?? "", "base64");
  for (const index of [0, 17, 255, 256, 511])
    expect(
      verifyInclusion({
        index,
        size,
        leafHash: leafHash(entries(600)[index]?.leaf ?? new Uint8Array()),
        root,
        proof: proveInclusion(read, index, size),
      }),
    ).toBe(true);
  expect(hashesOf(recorded())).toHaveLength(size);
});
