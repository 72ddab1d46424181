// A process that is stopped for longer than its lease writes nothing when it wakes, and makes no call again (invariants 2
// at-most-once, 16 fenced).

import { expect, test } from "vitest";
import { runFleetChaos } from "../support/target/fleet-chaos.ts";
import { stopAt } from "../support/target/stops.ts";

const CLEAN = {
  status: "succeeded",
  effects: [1, 1],
  isUntouched: true,
  isAtWork: true,
  stored: { succeeded: 2 },
  contradictions: [],
  auditFindings: [],
};

test.for([
  ["intended", "step_intended"],
  ["connecting", "step_intended"],
  ["sending", "step_intended"],
  ["in_tool", "step_intended"],
  ["answered", "step_intended"],
  ["committed", "step_succeeded"],
] as const)(
  "a worker that is stopped beyond its lease when a call is %s: its run is ended by another, with one effect",
  async ([at, lastBefore]) => {
    expect(await stopAt("worker", at)).toEqual({ ...CLEAN, lastBefore, why: ["LeaseLost"] });
  },
);

test.for(["submitted", "deciding"] as const)(
  "a server that is stopped with a request that is %s: another does it, and it is done once",
  async (at) => {
    expect(await stopAt("server", at)).toEqual({ ...CLEAN, lastBefore: null, why: [] });
  },
);

test("a fleet outlives 4 stops beyond the lease and 4 SIGKILLs over 200 runs (seed 11)", async () => {
  const report = await runFleetChaos({
    seed: 11,
    servers: 2,
    workers: 3,
    runs: 200,
    kills: 4,
    stops: 4,
    inFlight: 12,
  });
  expect(report).toMatchObject({
    succeeded: 200,
    stored: { succeeded: 200 },
    effects: 200,
    duplicates: 0,
    unmatched: [],
    lost: [],
    stuck: [],
    fell: [],
    contradictions: [],
    isAuditVerified: true,
    auditFindings: [],
  });
  // A schedule that stopped nobody has shown nothing.
  expect(report.stopped.servers + report.stopped.workers).toBeGreaterThan(0);
});
