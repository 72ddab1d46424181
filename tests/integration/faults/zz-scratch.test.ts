import { PACE, SCENARIOS, runTrial, failureReport } from "@assent/suite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createInProcessTarget } from "../../support/target/local-target.ts";
const NAMES = (process.env["ONLY"] ?? "").split(",");
const target = createInProcessTarget({ commands: true });
beforeAll(async () => { const t=performance.now(); await target.start(); console.log("start", Math.round(performance.now()-t)); }, 120_000);
afterAll(async () => { await target.stop(); }, 120_000);
test.each(SCENARIOS.filter(({ id }) => NAMES.some((n) => id.includes(n))).map((s) => [s.id, s] as const))("%s", { timeout: 300_000 }, async (_id, scenario) => {
  const trial = await runTrial(scenario, target, { seed: 42, pace: { ...PACE, holdMs: 1000, waitMsMax: 20_000 } });
  console.log(trial.scenario, trial.verdict, trial.durationMs, trial.reason);
  if (trial.verdict !== "PASS") console.log(failureReport(trial, scenario).slice(0, 6000));
  expect(trial.parts.filter(({ lacks }) => lacks.length > 0)).toEqual([]);
  expect(trial.verdict).toBe("PASS");
});
