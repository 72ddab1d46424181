// The frame of tests that take one guard out of the product and see which scenario notices.

import {
  LEFT_TO_THE_NIGHT,
  type Pace,
  PACE,
  runTrial,
  type Scenario,
  SCENARIOS,
  type Target,
} from "@assent/suite";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";

/** The words of the claim that must be the one to fail: a trial that fails for another reason has not found it. */
export type Kill<Break extends string> = readonly [scenario: string, by: Break, claim: string];

declare module "vitest" {
  interface ProvidedContext {
    /** Whether everything is tried, as at night, or the part that the gate tries of it (vitest.config.ts). */
    readonly everyBreak: boolean;
  }
}

export type KillOptions = {
  readonly pace?: Pace;
  /** Scenarios that take long, of which another test shows that they pass at night as well. */
  readonly elsewhere?: readonly string[];
};

/** One process is taken apart here, which cannot be killed from within; what needs two, or a kill, is played in tests/nightly. */
const ELSEWHERE: readonly string[] = ["two_processes", "kill", LEFT_TO_THE_NIGHT];

export function scenarioNamed(part: string): Scenario {
  const found = SCENARIOS.find(({ id }) => id.endsWith(part));
  if (found === undefined) throw new Error(`no scenario ${part}`);
  return found;
}

/**
 * At night every break is tried, and before that each scenario on the product as it is. The gate, which has that in
 * tests/e2e/scenarios.test.ts and scenarios-two-processes.test.ts, tries of each scenario the first: that it can fail at the
 * product at all.
 *
 * @param broken what is out of the product now; the test file's mocks look at it
 */
export function proveKills<Break extends string>(
  target: Target,
  broken: { by: Break | "none" },
  kills: readonly Kill<Break>[],
  { pace: given = PACE, elsewhere = [] }: KillOptions = {},
): void {
  // As tests/e2e/scenarios.test.ts and tests/nightly/scenarios.test.ts have them.
  const pace = inject("everyBreak") ? given : { ...given, pairs: true };
  beforeAll(async () => {
    await target.start();
  });
  afterAll(async () => {
    await target.stop();
  });
  beforeEach(() => {
    broken.by = "none";
  });

  const named = [...new Set(kills.map(([scenario]) => scenario))];
  const here = inject("everyBreak") ? named.filter((part) => !elsewhere.includes(part)) : [];
  const firsts = named.flatMap((part): readonly Kill<Break>[] => {
    const first = kills.find(([scenario]) => scenario === part);
    return first === undefined ? [] : [first];
  });
  const tried: readonly Kill<Break>[] = inject("everyBreak") ? kills : firsts;
  test.each(here)("the product as it is: %s passes", async (part) => {
    const trial = await runTrial(scenarioNamed(part), target, { seed: 42, pace });
    expect([trial.verdict, trial.reason]).toEqual(["PASS", ""]);
    const lacks = trial.parts.flatMap((looked) => looked.lacks);
    expect(lacks.filter((capability) => !ELSEWHERE.includes(capability))).toEqual([]);
  });

  describe("the product broken", () => {
    test.each(tried)("%s fails where %s", async (part, by, claim) => {
      broken.by = by;
      const trial = await runTrial(scenarioNamed(part), target, { seed: 42, pace });
      expect([trial.verdict, trial.reason]).toEqual(["FAIL", expect.stringContaining(claim)]);
    });
  });
}
