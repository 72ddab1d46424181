// CTRF (ctrf.io), the common test report format, specification 0.0.0: what dashboards of tests read.

import { createHash } from "node:crypto";
import type { Trial } from "../evidence.ts";
import type { Verdict } from "../verdict.ts";
import type { Reported } from "./reported.ts";

type Status = "passed" | "failed" | "skipped" | "other";

// CTRF knows nothing inconclusive, and nothing that was not seen to hold may count as passed; `rawStatus` says which.
const STATUSES: { readonly [V in Verdict]: Status } = {
  PASS: "passed",
  FAIL: "failed",
  SKIP: "skipped",
  INCONCLUSIVE: "other",
  ERROR: "other",
};

/** CTRF JSON: a test for each trial. */
export function ctrfReport({ trials, scenarios, startedAt, endedAt }: Reported): string {
  const count = (status: Status): number =>
    trials.filter(({ verdict }) => STATUSES[verdict] === status).length;
  const tests = trials.map((trial) => {
    const scenario = scenarios.find(({ id }) => id === trial.scenario);
    const failed = trial.checks.filter(({ holds }) => !holds);
    return {
      // The same for the same scenario on every target and in every run.
      testId: createHash("sha256").update(trial.scenario).digest("hex").slice(0, 32),
      name: trial.scenario,
      status: STATUSES[trial.verdict],
      rawStatus: trial.verdict,
      duration: trial.durationMs,
      suite: ["assent-suite", ...trial.scenario.split("/").slice(0, -1)],
      ...(trial.reason === "" ? {} : { message: trial.reason.toWellFormed() }),
      ...(failed.length === 0 ? {} : { trace: JSON.stringify(failed, null, 2) }),
      tags: [
        `tier${trial.tier}`,
        ...(scenario === undefined ? [] : [scenario.phase, ...scenario.invariants]),
      ],
      retries: 0,
      flaky: false,
      extra: { title: trial.title, target: trial.target, seed: trial.seed, parts: lackingParts(trial) },
    };
  });
  const report = {
    reportFormat: "CTRF",
    specVersion: "0.0.0",
    generatedBy: "assent-suite",
    timestamp: endedAt.toISOString(),
    results: {
      tool: { name: "assent-suite" },
      summary: {
        tests: trials.length,
        passed: count("passed"),
        failed: count("failed"),
        skipped: count("skipped"),
        pending: 0,
        other: count("other"),
        start: startedAt.getTime(),
        stop: endedAt.getTime(),
      },
      tests,
    },
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

/** Parts of the scenario that were not looked at, and what the target lacked for them. */
const lackingParts = ({ parts }: Trial): unknown => parts.filter(({ lacks }) => lacks.length > 0);
