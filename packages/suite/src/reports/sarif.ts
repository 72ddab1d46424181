import type { Trial } from "../evidence.ts";
import type { Scenario } from "../scenario.ts";
import { isOfSecuritySet } from "../security-set.ts";
import type { Verdict } from "../verdict.ts";

type Result = { readonly level: "error" | "warning"; readonly kind: "fail" | "open" };

// SARIF has a word for what could not be found out; nothing that was not seen to hold is left out of the report.
const RESULTS: { readonly [V in Verdict]: Result | null } = {
  PASS: null,
  SKIP: null,
  FAIL: { level: "error", kind: "fail" },
  INCONCLUSIVE: { level: "warning", kind: "open" },
  ERROR: { level: "warning", kind: "open" },
};

/** As GitHub reads them: above 9.0 is critical, above 7.0 high. */
const SEVERITY = { security: "9.5", other: "7.5" } as const;

const ruleOf = (scenario: Scenario): unknown => ({
  id: scenario.id,
  name: scenario.id.slice(scenario.id.lastIndexOf("/") + 1),
  shortDescription: { text: scenario.title },
  fullDescription: { text: scenario.why },
  help: { text: scenario.remedy },
  defaultConfiguration: { level: "error" },
  properties: {
    "security-severity": isOfSecuritySet(scenario) ? SEVERITY.security : SEVERITY.other,
    tags: [
      ...(isOfSecuritySet(scenario) ? ["security"] : []),
      `tier${scenario.tier}`,
      scenario.phase,
      ...scenario.invariants,
    ],
  },
});

// There is no file to point to: the place is the harness, and the claim is what tells one finding from another.
function resultOf(trial: Trial, scenarios: readonly Scenario[]): unknown[] {
  const result = RESULTS[trial.verdict];
  if (result === null) return [];
  const failed = trial.checks.filter(({ holds }) => !holds);
  return [
    {
      ruleId: trial.scenario,
      ruleIndex: scenarios.findIndex(({ id }) => id === trial.scenario),
      // A kind other than fail goes with no level (SARIF 2.1.0 section 3.27.9).
      kind: result.kind,
      level: result.kind === "fail" ? result.level : "none",
      message: { text: trial.reason.toWellFormed() === "" ? trial.title : trial.reason.toWellFormed() },
      locations: [
        {
          logicalLocations: [{ name: trial.target, fullyQualifiedName: `${trial.target}/${trial.scenario}` }],
        },
      ],
      partialFingerprints: { "claim/v1": `${trial.scenario}: ${failed[0]?.claim ?? trial.verdict}` },
      properties: { verdict: trial.verdict, seed: trial.seed, tier: trial.tier },
    },
  ];
}

/**
 * SARIF 2.1.0, as code scanning reads it: a rule for each scenario, a result for each that failed or stayed open.
 * @param scenarios those that were chosen, with what the trials are named after among them
 */
export function sarifReport(trials: readonly Trial[], scenarios: readonly Scenario[]): string {
  const report = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "assent-suite", rules: scenarios.map(ruleOf) } },
        invocations: [{ executionSuccessful: trials.every(({ verdict }) => verdict !== "ERROR") }],
        results: trials.flatMap((trial) => resultOf(trial, scenarios)),
        properties: {
          passed: trials.filter(({ verdict }) => verdict === "PASS").map(({ scenario }) => scenario),
          skipped: trials.filter(({ verdict }) => verdict === "SKIP").map(({ scenario }) => scenario),
        },
      },
    ],
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}
