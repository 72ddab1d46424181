// The fleet under SIGKILLs at full size. FLEET_RUNS, FLEET_KILLS and FLEET_SEED choose another one:
// FLEET_RUNS=600 FLEET_KILLS=60 npx vitest run --project nightly tests/nightly/fleet.test.ts

import { expect, test } from "vitest";
import { runFleetChaos } from "../support/target/fleet-chaos.ts";

const size = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

const RUNS = size("FLEET_RUNS", 10_000);
const KILLS = size("FLEET_KILLS", 1_000);
const SEED = size("FLEET_SEED", 42);

test(`a fleet outlives ${KILLS} SIGKILLs over ${RUNS} runs (seed ${SEED})`, async () => {
  const report = await runFleetChaos({
    seed: SEED,
    servers: 2,
    workers: 3,
    runs: RUNS,
    kills: KILLS,
    inFlight: 24,
    isTold: true,
  });
  process.stdout.write(`${JSON.stringify(report)}\n`);
  expect(report).toMatchObject({
    succeeded: RUNS,
    stored: { succeeded: RUNS },
    effects: RUNS,
    duplicates: 0,
    unmatched: [],
    untold: [],
    lost: [],
    stuck: [],
    fell: [],
    contradictions: [],
    isAuditVerified: true,
    auditFindings: [],
  });
  expect(Object.keys(report.stored)).toEqual(["succeeded"]);
  expect(report.killed.servers + report.killed.workers).toBe(KILLS);
}, 14_400_000);
