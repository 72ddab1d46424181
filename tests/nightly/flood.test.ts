// Five hundred submissions at once over two servers, half of them duplicates. FLOOD_RUNS chooses another number of keys.

import { PACE, runTrial, SCENARIOS } from "@assent/suite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { gate } from "../../scripts/gates.ts";
import { createProcessesTarget } from "../support/target/local-target.ts";

const RUNS = Number(process.env["FLOOD_RUNS"] ?? gate("stress.floodRuns"));
const REQUESTS_PER_RUN = 2;
const TRIAL_MS_MAX = 1_500_000;

const target = createProcessesTarget();
beforeAll(async () => {
  await target.start();
}, 180_000);
afterAll(async () => {
  await target.stop();
}, 180_000);

test(
  `${RUNS * REQUESTS_PER_RUN} submissions at once, half of them duplicates, are ${RUNS} runs; nothing but 429 and 503 is refused`,
  async () => {
    const scenario = SCENARIOS.find(({ id }) =>
      id.endsWith("high_concurrency_run_submission_race_conditions"),
    );
    if (scenario === undefined) throw new Error("there is no such scenario");
    const trial = await runTrial({ ...scenario, timeLimitMs: TRIAL_MS_MAX }, target, {
      seed: 42,
      pace: { ...PACE, waitMsMax: 600_000, flood: { runs: RUNS, requestsPerRun: REQUESTS_PER_RUN } },
    });
    const told = trial.readings.filter(({ oracle }) => /submission|sink/.test(oracle));
    process.stdout.write(`${JSON.stringify(told)}\n`);
    expect([trial.verdict, trial.reason]).toEqual(["PASS", ""]);
    const latency = trial.readings.find(({ oracle }) => oracle.startsWith("milliseconds"))?.value;
    expect(latency).toMatchObject({ p99: expect.any(Number) });
    expect(Number(Object(latency).p99)).toBeLessThan(gate("stress.floodP99MsMax"));
  },
  2 * TRIAL_MS_MAX,
);
