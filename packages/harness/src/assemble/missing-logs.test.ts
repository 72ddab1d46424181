import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findMissingLogs, publishedLogs } from "./missing-logs.ts";

const [OWN, LATER, GONE, FOREIGN] = [
  "assent-a/audit/ten_1",
  "assent-a/audit/ten_1/e2",
  "assent-a/audit/ten_2",
  "assent-b/audit/ten_1",
];
const NOTHING = { keys: [], remembered: null, published: [] };

test.each([
  ["a checkpoint that was kept", { ...NOTHING, remembered: `${GONE}\n3\n` }, [GONE]],
  ["what is no checkpoint", { ...NOTHING, remembered: "junk" }, ["junk"]],
  ["an empty one", { ...NOTHING, remembered: "" }, [""]],
  ["a pinned key", { ...NOTHING, keys: [{ name: OWN }, { name: GONE }] }, [GONE]],
  ["what this home published", { ...NOTHING, published: [OWN, GONE] }, [GONE]],
  ["what it published for another installation", { ...NOTHING, published: [FOREIGN] }, []],
  ["what is there", { keys: [{ name: OWN }], remembered: `${LATER}\n3\n`, published: [OWN, LATER] }, []],
])("is named where the database has no such log: %s", (_, known, missing) => {
  const found = findMissingLogs(known, [OWN, LATER]);
  expect(found.map(({ code, at }) => [code, at])).toEqual(missing.map((at) => ["log_missing", at]));
});

test("logs that were published are those whose folders have a checkpoint", () => {
  const folder = mkdtempSync(join(tmpdir(), "assent-logs-"));
  try {
    expect(publishedLogs(join(folder, "none"))).toEqual([]);
    for (const origin of [OWN, LATER, FOREIGN]) {
      mkdirSync(join(folder, origin, "tile/0/000.p"), { recursive: true });
      writeFileSync(join(folder, origin, "checkpoint"), "");
    }
    mkdirSync(join(folder, GONE));
    expect(publishedLogs(folder).toSorted()).toEqual([OWN, LATER, FOREIGN].toSorted());
  } finally {
    rmSync(folder, { recursive: true });
  }
});
