// Scenarios as vitest tests: one test a scenario and target, its evidence kept under reports/trials.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { failureReport, type Pace, runTrial, type Scenario, type Target } from "@assent/suite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const TRIALS = fileURLToPath(new URL("../../../reports/trials/", import.meta.url));

const SEED = 42;

/** What a harness of others may leave out, or say in a form of its own. The product may not. */
const OWED: readonly string[] = [
  "answers in the contract's form to the letter",
  "a run's answer names its state",
  "events as a stream",
];

/** What a trial may take beyond its own limit: the looks at what the target told of itself. */
const BESIDE_MS_MAX = 600_000;

export function prove(scenarios: readonly Scenario[], target: Target, pace: Pace): void {
  describe(target.name, () => {
    beforeAll(async () => {
      await target.start();
    });
    afterAll(async () => {
      await target.stop();
    });

    for (const scenario of scenarios) {
      test(scenario.id, { timeout: scenario.timeLimitMs + BESIDE_MS_MAX }, async (context) => {
        const trial = await runTrial(scenario, target, { seed: SEED, pace });
        mkdirSync(TRIALS, { recursive: true });
        const name = `${scenario.id} ${target.name}`.replaceAll(/[^a-z0-9]+/gi, "-");
        writeFileSync(join(TRIALS, `${name}.json`), `${JSON.stringify(trial, null, 2)}\n`);
        // The one place where a test may be skipped: by what the target lacks, which the report then names.
        if (trial.verdict === "SKIP") context.skip(trial.reason);
        expect(trial.verdict, failureReport(trial, scenario)).toBe("PASS");
        expect(trial.parts.filter((part) => OWED.includes(part.name))).toEqual([]);
      });
    }
  });
}
