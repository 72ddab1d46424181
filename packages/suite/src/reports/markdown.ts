// A report for where Markdown is shown: `--report md="$GITHUB_STEP_SUMMARY"`. Kept below what GitHub shows of one.

import type { Trial } from "../evidence.ts";
import type { Scenario } from "../scenario.ts";
import type { Reported } from "./reported.ts";
import { closingLine } from "./summary.ts";

/** GitHub shows nothing at all of a summary of more than 1 MiB. */
const BYTES_MAX = 1_000_000;

// Texts of a harness: no mark-up of theirs may take effect, and no line of theirs may begin a line here.
const escape = (text: string): string =>
  text
    .toWellFormed()
    // eslint-disable-next-line no-control-regex -- they are what is taken out
    .replaceAll(/[\p{Cc}\p{Bidi_Control}]+/gu, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll(/[\\`*_{}[\]()#+!|~$@-]/gu, (mark) => `&#${mark.codePointAt(0)};`)
    // What looks like an address becomes a link by itself.
    .replaceAll("://", "&#58;//");

const rowOf = (trial: Trial): string =>
  `| ${trial.verdict} | ${escape(trial.scenario)} | ${trial.tier} | ${(trial.durationMs / 1_000).toFixed(1)} s | ${escape(trial.reason)} |`;

function detailOf(trial: Trial, scenario: Scenario | undefined): string {
  const failed = trial.checks.filter(({ holds }) => !holds);
  return [
    `### ${trial.verdict}: ${escape(trial.scenario)}`,
    "",
    escape(trial.title),
    "",
    ...failed.map(({ claim, found }) => `- ${escape(claim)}: ${escape(JSON.stringify(found) ?? "")}`),
    ...(scenario === undefined
      ? []
      : [`- why it matters: ${escape(scenario.why)}`, `- a correct harness: ${escape(scenario.remedy)}`]),
    `- again: ${escape(`--only ${trial.scenario} --seed ${trial.seed}`)}`,
    "",
  ].join("\n");
}

/** GitHub's Markdown: a table of all trials, and after it those that did not pass, as many as there is room for. */
export function markdownReport({ trials, scenarios }: Reported): string {
  const head = [
    `## assent-suite: ${escape(closingLine(trials))}`,
    "",
    "| verdict | scenario | tier | time | reason |",
    "| --- | --- | --- | --- | --- |",
  ];
  const lines: string[] = [];
  let room = BYTES_MAX - Buffer.byteLength(head.join("\n"));
  let left = 0;
  const add = (text: string): void => {
    const size = Buffer.byteLength(text) + 1;
    if (size > room) left += 1;
    else {
      lines.push(text);
      room -= size;
    }
  };
  for (const trial of trials) add(rowOf(trial));
  add("");
  for (const trial of trials.filter(({ verdict }) => verdict !== "PASS" && verdict !== "SKIP"))
    add(
      detailOf(
        trial,
        scenarios.find(({ id }) => id === trial.scenario),
      ),
    );
  const rest = left === 0 ? [] : ["", `${left} more parts had no room here.`, ""];
  return [...head, ...lines, ...rest].join("\n");
}
