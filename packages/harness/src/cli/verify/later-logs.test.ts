// A log that was followed by another has its erasures there: they count where that one verifies, with keys that were
// pinned for it, and nowhere else.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signerKey, type SignerKey } from "@assent/tlog";
import { expect, onTestFinished, test } from "vitest";
import {
  at,
  beginning,
  entry,
  exportOf,
  type Files,
  HONEST,
  LOG,
  noteOf,
  NOW,
  ORIGIN,
  seed,
} from "../../core/audit/testing/made-export.ts";
import { verifyLog } from "../../core/audit/verify-log.ts";
import { isLater, readLaterLogs } from "./later-logs.ts";
import { openLogFolder, writeLogFile } from "./log-folder.ts";

const LATER = `${ORIGIN}/e2`;
const LATER_KEY = signerKey(LATER, 0x01, seed(7));

function folderOf(files: Files): string {
  const folder = mkdtempSync(join(tmpdir(), "assent-later-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  for (const [path, content] of files) writeLogFile(folder, path, content);
  return folder;
}

/** The first log without the payload of an entry, which nothing in it explains. */
const EARLIER = withoutPayload(20);
function withoutPayload(gone: number): Files {
  const files = exportOf(HONEST);
  const lines = at(files, "payloads/000").toString().split("\n");
  return files.set("payloads/000", Buffer.from(lines.toSpliced(gone, 1).join("\n")));
}

const laterList = (subject: string): ReturnType<typeof entry>[] => [
  beginning(LATER, ORIGIN, { size: HONEST.length, note: noteOf(HONEST) }),
  entry(1, { log: LATER, kind: "payload.erased", subject, version: 1 }),
];
const laterLog = (subject: string, signer: SignerKey = LATER_KEY): Files => {
  const list = laterList(subject);
  return exportOf(list, noteOf(list, signer, LATER));
};

function verify(later: Files, keys: readonly SignerKey[] = [LOG, LATER_KEY]): string[] {
  const { erased, findings } = readLaterLogs([folderOf(later)], ORIGIN, keys, { now: NOW });
  const own = verifyLog({
    source: openLogFolder(folderOf(EARLIER)),
    origin: ORIGIN,
    keys: [LOG],
    remembered: null,
    policy: null,
    now: NOW,
    cosignedSince: null,
    erased,
  });
  return [...own.findings, ...findings].map(({ code }) => code);
}

test("an erasure that the log which follows records is one", () => {
  expect(verify(laterLog("entry:1:20"))).toEqual([]);
});

test("logs that followed one after the other are given in any order", () => {
  const third = `${ORIGIN}/e3`;
  const thirdKey = signerKey(third, 0x01, seed(8));
  // What the second records itself cannot be erased; what else happened in it can.
  const before = [
    ...laterList("entry:1:20"),
    entry(2, { log: LATER, kind: "document.stored", subject: "document_2", version: 1 }),
  ];
  const list = [
    beginning(third, LATER, { size: before.length }),
    entry(1, { log: third, kind: "payload.erased", subject: "entry:2:2", version: 1 }),
  ];
  const second = exportOf(before, noteOf(before, LATER_KEY, LATER));
  const lines = at(second, "payloads/000")
    .toString()
    .split(/(?<=\n)/);
  second.set("payloads/000", Buffer.from(lines.slice(0, 2).join("")));
  const folders = [folderOf(second), folderOf(exportOf(list, noteOf(list, thirdKey, third)))];
  for (const order of [folders, folders.toReversed()]) {
    const known = readLaterLogs(order, ORIGIN, [LOG, LATER_KEY, thirdKey], { now: NOW });
    expect([known.findings, known.erased]).toEqual([[], expect.arrayContaining([{ epoch: 1, index: 20 }])]);
  }
});

test("an erasure of another entry, or of another log's, explains nothing", () => {
  expect(verify(laterLog("entry:1:21"))).toEqual(["payload_removed", "payload_not_erased"]);
  expect(verify(laterLog("entry:2:0"))).toEqual(["payload_removed", "payload_not_erased"]);
});

test("a later log counts only with a key that was given for it", () => {
  expect(verify(laterLog("entry:1:20"), [LOG])).toEqual(["payload_removed", "later_log_unknown"]);
  expect(verify(laterLog("entry:1:20", signerKey(LATER, 0x01, seed(8))))).toEqual([
    "payload_removed",
    "checkpoint_invalid",
  ]);
  expect(verify(exportOf(HONEST))).toEqual(["payload_removed", "later_log_unknown"]);
});

test("a later log that was tampered with is named as what it is", () => {
  const files = laterLog("entry:1:21");
  const other = Buffer.from(
    at(files, "tile/entries/000.p/2").toString("latin1").replace("entry:1:21", "entry:1:20"),
    "latin1",
  );
  expect(verify(files.set("tile/entries/000.p/2", other))).toContain("entry_altered");
});

test.each([
  [`${ORIGIN}/e2`, ORIGIN, true],
  [`${ORIGIN}/e3`, `${ORIGIN}/e2`, true],
  [ORIGIN, ORIGIN, false],
  [ORIGIN, `${ORIGIN}/e2`, false],
  [`${ORIGIN}1/e2`, ORIGIN, false],
])("%s follows %s: %s", (name, origin, is) => {
  expect(isLater(name, origin)).toBe(is);
});
