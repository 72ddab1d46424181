// A disk that is full for real, not a call that is told to fail: first starts with too little room, and a fleet at work whose
// disk is full for a while. The small disk is bubblewrap's, which `scripts/setup.mjs --test` installs.

import { expect, test } from "vitest";
import { z } from "zod";
import { onSmallDisk } from "../support/full-disk/small-disk.ts";

const STARTS = new URL("../support/full-disk/starts.ts", import.meta.url);
const FLEET = new URL("../support/full-disk/fleet.ts", import.meta.url);
const MIB = 1024 * 1024;

const outcomeSchema = z.object({ said: z.string(), exitCode: z.int().nullable(), left: z.int() });
const startsSchema = z.array(z.object({ room: z.number(), full: outcomeSchema, mended: outcomeSchema }));

test("a first start with too little room is refused, leaves nothing running, and is made up for", async () => {
  const starts = startsSchema.parse(await onSmallDisk(STARTS, 400 * MIB));
  process.stdout.write(`${JSON.stringify(starts)}\n`);
  for (const { room, full, mended } of starts) {
    expect([room, mended]).toEqual([room, { said: "listening", exitCode: 0, left: 0 }]);
    expect([room, full.left]).toEqual([room, 0]);
    if (full.said === "listening") expect([room, full.exitCode]).toEqual([room, 0]);
    else {
      expect([room, full.exitCode]).toEqual([room, 6]);
      expect(["disk_full", "migration_failed"]).toContain(full.said);
    }
  }
  // Sizes that change with a version of Postgres would hit nothing any more.
  expect(new Set(starts.map(({ full }) => full.said))).toEqual(
    new Set(["disk_full", "migration_failed", "listening"]),
  );
});

test("a fleet outlives a disk that is full for 2 to 25 s: none lost, none stuck, no effect twice", async () => {
  const report = z.looseObject({ runs: z.int(), filled: z.int() }).parse(await onSmallDisk(FLEET, 400 * MIB));
  process.stdout.write(`${JSON.stringify(report)}\n`);
  const { runs } = report;
  expect(report).toMatchObject({
    succeeded: runs,
    stored: { succeeded: runs },
    effects: runs,
    duplicates: 0,
    unmatched: [],
    lost: [],
    stuck: [],
    fell: [],
    contradictions: [],
    isAuditVerified: true,
    auditFindings: [],
    // Each was seen by somebody: a disk that is full and hinders nobody has shown nothing.
    filled: 4,
  });
});
