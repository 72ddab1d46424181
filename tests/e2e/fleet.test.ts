// Two servers and two workers on one Postgres under SIGKILLs, at the size of a gate; tests/nightly has it at full size.

import { expect, test } from "vitest";
import { runFleetChaos } from "../support/target/fleet-chaos.ts";

test("a fleet outlives 3 SIGKILLs over 12 runs (seed 7): none lost, none stuck, no effect twice", async () => {
  const report = await runFleetChaos({ seed: 7, servers: 2, workers: 2, runs: 12, kills: 3, inFlight: 4 });
  expect(report).toMatchObject({
    succeeded: 12,
    stored: { succeeded: 12 },
    effects: 12,
    duplicates: 0,
    unmatched: [],
    lost: [],
    stuck: [],
    fell: [],
    contradictions: [],
    isAuditVerified: true,
    auditFindings: [],
  });
  expect(Object.keys(report.stored)).toEqual(["succeeded"]);
  // A schedule that killed nobody has shown nothing.
  expect(report.killed.servers + report.killed.workers).toBeGreaterThan(0);
});
