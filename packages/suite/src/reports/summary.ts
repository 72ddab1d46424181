import type { Exchange, Trial } from "../evidence.ts";
import type { Scenario } from "../scenario.ts";

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** One trial as it ends. */
export function trialLine(trial: Trial): string {
  const head = `${trial.verdict.padEnd(12)} ${trial.scenario} (${seconds(trial.durationMs)})`;
  const lacked = trial.parts
    .filter(({ lacks }) => lacks.length > 0)
    .map(({ name, lacks }) => `             not looked at: ${name} (needs ${lacks.join(", ")})`);
  return [head, ...(trial.reason === "" ? [] : [`             ${trial.reason}`]), ...lacked].join("\n");
}

function exchangeLine(exchange: Exchange): string {
  const outcome = exchange.status === null ? `no answer: ${exchange.failure ?? ""}` : String(exchange.status);
  return `    ${exchange.as}: ${exchange.method} ${exchange.url} -> ${outcome}`;
}

/** Exchanges shown with a failure: the last ones, which led to it. */
const EXCHANGES_SHOWN = 6;

/** Why a trial did not pass, for a person: claim, what was found, what was said last, what a correct harness does. */
export function failureReport(trial: Trial, scenario: Scenario | undefined): string {
  const failed = trial.checks.filter(({ holds }) => !holds);
  return [
    `${trial.verdict} ${trial.scenario}`,
    `  ${trial.reason}`,
    ...failed.map(({ found }) => `  found: ${JSON.stringify(found)}`),
    ...(scenario === undefined
      ? []
      : [`  why it matters: ${scenario.why}`, `  a correct harness: ${scenario.remedy}`]),
    `  last of ${trial.exchanges.length} exchanges:`,
    ...trial.exchanges.slice(-EXCHANGES_SHOWN).map(exchangeLine),
    `  again: --only ${trial.scenario} --seed ${trial.seed}`,
  ].join("\n");
}

/** The closing line. INCONCLUSIVE and ERROR are failures here: only what was seen to hold has passed. */
export function closingLine(trials: readonly Trial[]): string {
  const passed = trials.filter(({ verdict }) => verdict === "PASS").length;
  const skipped = trials.filter(({ verdict }) => verdict === "SKIP").length;
  const failed = trials.length - passed - skipped;
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
