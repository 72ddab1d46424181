// The frame of tests that take one guard out of the product and see which scenario notices.

import { type Pace, PACE, runTrial, type Scenario, SCENARIOS, type Target } from "@assent/suite";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

/** The words of the claim that must be the one to fail: a trial that fails for another reason has not found it. */
export type Kill<Break extends string> = readonly [scenario: string, by: Break, claim: string];

export type KillOptions = {
  readonly pace?: Pace;
  /** Scenarios that take long, of which another test shows that they pass. */
  readonly elsewhere?: readonly string[];
};

const START_MS_MAX = 120_000;
/** One process is taken apart here; what needs two is played in tests/e2e. */
const ELSEWHERE = "two_processes";
/** Some thousand requests, on a machine that others use too. */
const TRIAL_MS_MAX = 300_000;

export function scenarioNamed(part: string): Scenario {
  const found = SCENARIOS.find(({ id }) => id.endsWith(part));
  if (found === undefined) throw new Error(`no scenario ${part}`);
  return found;
}

/** @param broken what is out of the product now; the test file's mocks look at it */
export function proveKills<Break extends string>(
  target: Target,
  broken: { by: Break | "none" },
  kills: readonly Kill<Break>[],
  { pace = PACE, elsewhere = [] }: KillOptions = {},
): void {
  beforeAll(async () => {
    await target.start();
  }, START_MS_MAX);
  afterAll(async () => {
    await target.stop();
  }, START_MS_MAX);
  beforeEach(() => {
    broken.by = "none";
  });

  const here = [...new Set(kills.map(([scenario]) => scenario))].filter((part) => !elsewhere.includes(part));
  describe("the product as it is", () => {
    test.each(here)("%s passes", { timeout: TRIAL_MS_MAX }, async (part) => {
      const trial = await runTrial(scenarioNamed(part), target, { seed: 42, pace });
      expect([trial.verdict, trial.reason]).toEqual(["PASS", ""]);
      const lacks = trial.parts.flatMap((looked) => looked.lacks);
      expect(lacks.filter((capability) => capability !== ELSEWHERE)).toEqual([]);
    });
  });

  describe("the product broken", () => {
    test.each(kills)("%s fails where %s", { timeout: TRIAL_MS_MAX }, async (part, by, claim) => {
      broken.by = by;
      const trial = await runTrial(scenarioNamed(part), target, { seed: 42, pace });
      expect([trial.verdict, trial.reason]).toEqual(["FAIL", expect.stringContaining(claim)]);
    });
  });
}
