// Exports that are as they should be, in every form that is allowed: none of them may be taken for an attack.

import { formatCheckpoint, signNote, treeHash } from "@assent/tlog";
import { expect, test } from "vitest";
import {
  at,
  cosigned,
  entries,
  entry,
  exportOf,
  type Files,
  found,
  type Given,
  hashesOf,
  HONEST,
  LOG,
  noteOf,
  NOW,
  ORIGIN,
  QUORUM,
  REMEMBERED,
  SIZE,
  STRANGER,
  verify,
  WITNESSES,
} from "./testing/made-export.ts";

const without = (files: Files, prefix: string): Files =>
  new Map([...files].filter(([path]) => !path.startsWith(prefix)));

// What is allowed, and must not be taken for an attack.
const BENIGN: readonly [string, () => Files, Given?][] = [
  ["as it was exported", () => exportOf(HONEST)],
  ["with an older checkpoint remembered", () => exportOf(HONEST), { remembered: REMEMBERED }],
  ["with this very checkpoint remembered", () => exportOf(HONEST), { remembered: noteOf(HONEST) }],
  [
    "with a quorum",
    () => exportOf(HONEST, cosigned(noteOf(HONEST), WITNESSES)),
    { policy: QUORUM, remembered: REMEMBERED },
  ],
  [
    "with what witnesses saw before and after, all in time",
    () => exportOf(HONEST, cosigned(noteOf(HONEST), WITNESSES)),
    { policy: QUORUM, remembered: cosigned(REMEMBERED, WITNESSES) },
  ],
  ["with lines of unknown witnesses", () => exportOf(HONEST, cosigned(noteOf(HONEST), WITNESSES))],
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
  [
    "with an entry about an entry, of a kind that has as many letters as an erasure",
    () => exportOf([...HONEST, entry(SIZE, { subject: "entry:1:20", version: 1, kind: "payload.sealed" })]),
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

// 2100, for whoever says that it is later; witnesses say that they saw it then.
const FUTURE = new Date(4_102_444_800_000);
const LATER = new Date(FUTURE.getTime() + 1_000);
const ahead = [...HONEST, entry(SIZE, { time: FUTURE })];

test("a time that somebody gives in the place of the clock's counts, and the report says so, and what passes by it alone", () => {
  const files = exportOf(ahead, cosigned(noteOf(ahead), WITNESSES, FUTURE.getTime() / 1_000));
  const policy = QUORUM;
  const byClock = verify(files, { policy });
  expect(found(byClock)).toEqual([
    "event_ahead at entry 600",
    "cosignature_misdated at checkpoint",
    "cosignature_misdated at checkpoint",
  ]);
  expect(byClock.findings.filter(({ detail }) => detail.includes("--now"))).toHaveLength(3);
  expect(byClock.time).toEqual({
    taken: NOW.toISOString(),
    from: "clock",
    clock: NOW.toISOString(),
    ahead: 0,
  });
  const given = verify(files, { policy, now: LATER, clock: NOW });
  expect([given.verified, given.time]).toEqual([
    true,
    { taken: LATER.toISOString(), from: "given", clock: NOW.toISOString(), ahead: 3 },
  ]);
  const same = verify(exportOf(HONEST), { now: LATER, clock: NOW });
  expect([same.verified, same.time.ahead]).toEqual([true, 0]);
});
