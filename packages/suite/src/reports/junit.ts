import type { Trial } from "../evidence.ts";
import type { Verdict } from "../verdict.ts";

// XML 1.0 has no way to write most control characters, not even escaped; a report with one in it cannot be read.
const UNWRITABLE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

function escape(text: string): string {
  return text
    .toWellFormed()
    .replace(UNWRITABLE, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\n", "&#10;");
}

const OUTCOMES: { readonly [V in Verdict]: (trial: Trial, message: string) => string } = {
  PASS: () => "",
  FAIL: (trial, message) => {
    const failed = trial.checks.filter(({ holds }) => !holds);
    return `<failure message="${message}">${escape(JSON.stringify(failed))}</failure>`;
  },
  SKIP: (_, message) => `<skipped message="${message}"/>`,
  // JUnit knows nothing inconclusive, and nothing that was not seen to work may count as passed.
  INCONCLUSIVE: (_, message) => `<error type="INCONCLUSIVE" message="${message}"/>`,
  ERROR: (_, message) => `<error type="ERROR" message="${message}"/>`,
};

function testCase(trial: Trial): string {
  const lacked = trial.parts.filter(({ lacks }) => lacks.length > 0);
  const properties = [
    ["scenario", trial.scenario],
    ["seed", String(trial.seed)],
    ["tier", String(trial.tier)],
    ...lacked.map(({ name, lacks }) => ["not_looked_at", `${name}: needs ${lacks.join(", ")}`]),
  ].map(([name, value]) => `<property name="${name ?? ""}" value="${escape(value ?? "")}"/>`);
  return (
    `    <testcase classname="${escape(trial.target)}" name="${escape(trial.scenario)}" time="${trial.durationMs / 1_000}">\n` +
    `      <properties>${properties.join("")}</properties>\n` +
    `      ${OUTCOMES[trial.verdict](trial, escape(trial.reason))}\n    </testcase>`
  );
}

/** JUnit XML as CI systems read it. */
export function junitReport(trials: readonly Trial[]): string {
  const count = (...verdicts: readonly string[]): number =>
    trials.filter(({ verdict }) => verdicts.includes(verdict)).length;
  const seconds = trials.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1_000;
  const totals = `tests="${trials.length}" failures="${count("FAIL")}" errors="${count("ERROR", "INCONCLUSIVE")}" skipped="${count("SKIP")}" time="${seconds}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${totals}>`,
    `  <testsuite name="assent-suite" ${totals}>`,
    ...trials.map(testCase),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}
