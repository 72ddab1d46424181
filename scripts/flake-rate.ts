// Of several runs of one commit: which tests ended both ways, and is that within the budget? Of each test the first attempt
// counts, as `vitest --reporter=json` writes it.

import { readFileSync } from "node:fs";
import { gate } from "./gates.ts";

/** The plan's threshold: of all that was carried out, less than this share. */
export const RATE_MAX: number = gate("flakes.rateMax");
const EXECUTIONS_MIN = gate("flakes.executionsMin");
/** 95 %, two-sided. */
const Z = 1.96;
/** A file of which nearly nothing passes in a run is no flake: its machine, or all of it, is broken. */
const BROKEN_SHARE = gate("flakes.brokenShareMin");

/** The upper end of Wilson's interval: what the rate may be, though it was seen lower. */
export function upperBound(hits: number, total: number): number {
  if (total === 0) return 1;
  const share = hits / total;
  const middle = share + Z ** 2 / (2 * total);
  const spread = Z * Math.sqrt((share * (1 - share)) / total + Z ** 2 / (4 * total ** 2));
  return (middle + spread) / (1 + Z ** 2 / total);
}

/** What of a report is read; what is otherwise counts for nothing. */
export type RunReport = {
  /** Milliseconds since 1970. */
  readonly startTime?: number;
  readonly testResults?: readonly {
    readonly name: string;
    readonly status?: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
};

type Flaky = { readonly test: string; readonly passed: number; readonly failed: number };
export type Judged = {
  readonly verdict: "within" | "above" | "not_shown";
  readonly runs: number;
  readonly broken: number;
  readonly tests: number;
  readonly executions: number;
  readonly misses: number;
  readonly bound: number;
  readonly flaky: readonly Flaky[];
};

/**
 * @param runs reports of one commit
 * @returns `verdict`: `within`, `above`, or `not_shown` where too little was carried out to tell
 */
export function judge(runs: readonly RunReport[]): Judged {
  const outcomes = new Map<string, { passed: number; failed: number }>();
  let broken = 0;
  for (const { testResults = [] } of runs) {
    const seen = testResults.flatMap(({ name, assertionResults }) =>
      assertionResults
        .filter(({ status }) => status === "passed" || status === "failed")
        .map(({ fullName, status }) => ({ test: `${name} > ${fullName}`, passed: status === "passed" })),
    );
    const failed = seen.filter(({ passed }) => !passed).length;
    if (seen.length === 0 || failed / seen.length > BROKEN_SHARE) {
      broken += 1;
      continue;
    }
    for (const { test, passed } of seen) {
      const counts = outcomes.get(test) ?? { passed: 0, failed: 0 };
      counts[passed ? "passed" : "failed"] += 1;
      outcomes.set(test, counts);
    }
  }
  const all = [...outcomes].map(([test, counts]) => ({ test, ...counts }));
  // What fails every time is broken, and the gate says so.
  const flaky = all.filter(({ passed, failed }) => passed > 0 && failed > 0);
  const executions = all.reduce((sum, { passed, failed }) => sum + passed + failed, 0);
  const misses = flaky.reduce((sum, { failed }) => sum + failed, 0);
  const bound = upperBound(misses, executions);
  const counted = runs.length - broken;
  const verdict =
    counted < 2 || executions < EXECUTIONS_MIN ? "not_shown" : bound < RATE_MAX ? "within" : "above";
  return { verdict, runs: counted, broken, tests: all.length, executions, misses, bound, flaky };
}

// Vitest's own form: what is no report of it has no results, and a run without any counts as broken.
export function readReport(file: string): RunReport {
  const report: RunReport = JSON.parse(readFileSync(file, "utf8"));
  return Array.isArray(report.testResults) ? report : {};
}

export const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
