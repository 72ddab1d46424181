// A report for people, in one file: no script, nothing that is loaded from elsewhere, and well-formed, so that whatever a
// harness has answered is shown and never obeyed.

import type { Exchange, Trial } from "../evidence.ts";
import type { Scenario } from "../scenario.ts";
import type { Reported } from "./reported.ts";
import { closingLine } from "./summary.ts";

// What XML 1.0 cannot hold, no browser needs to see; the reversals of text would show another text than there is.
const UNSHOWN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]|[\u202a-\u202e\u2066-\u2069]/gu;

const escape = (text: string): string =>
  text
    .toWellFormed()
    .replace(UNSHOWN, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");

const element = (name: string, content: string): string => `<${name}>${content}</${name}>`;

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem; border-bottom: 1px solid #8886; }
pre { overflow-x: auto; padding: 0.6rem; border: 1px solid #8886; white-space: pre-wrap; overflow-wrap: anywhere; }
.FAIL, .ERROR { color: light-dark(#b00020, #ff8a80); font-weight: bold; }
.INCONCLUSIVE, .SKIP { color: light-dark(#7a5c00, #ffd54f); }
.PASS { color: light-dark(#1b6e2e, #81c784); }
`;

const verdict = ({ verdict: word }: Trial): string => `<span class="${word}">${word}</span>`;

const rowOf = (trial: Trial, at: number): string =>
  element(
    "tr",
    [
      verdict(trial),
      `<a href="#t${at}">${escape(trial.scenario)}</a><br/>${escape(trial.title)}`,
      String(trial.tier),
      `${(trial.durationMs / 1_000).toFixed(1)} s`,
      escape(trial.reason),
    ]
      .map((cell) => element("td", cell))
      .join(""),
  );

function exchangeOf({ as, method, url, status, failure, requestBody, body }: Exchange): string {
  const outcome = status === null ? `no answer: ${failure ?? ""}` : String(status);
  const sent = requestBody === null ? "" : `\n> ${requestBody}`;
  return escape(`${as}: ${method} ${url} -> ${outcome}${sent}\n< ${body}`);
}

/** Of those that did not pass: what was said last led to it. */
const EXCHANGES_SHOWN = 6;

const listOf = (items: readonly string[]): string =>
  items.length === 0 ? "" : element("ul", items.map((item) => element("li", item)).join(""));

function sectionOf(trial: Trial, at: number, scenario: Scenario | undefined): string {
  const isOpen = trial.verdict !== "PASS" && trial.verdict !== "SKIP";
  const checks = trial.checks.map(({ claim, holds, found }) =>
    holds
      ? `holds: ${escape(claim)}`
      : `<span class="FAIL">fails</span>: ${escape(claim)}${element("pre", escape(JSON.stringify(found, null, 2) ?? ""))}`,
  );
  const lacked = trial.parts
    .filter(({ lacks }) => lacks.length > 0)
    .map(({ name, lacks }) => `not looked at: ${escape(name)} (needs ${escape(lacks.join(", "))})`);
  const why =
    scenario === undefined
      ? []
      : [`Why it matters: ${escape(scenario.why)}`, `A correct harness: ${escape(scenario.remedy)}`];
  const exchanges = trial.exchanges.slice(-EXCHANGES_SHOWN).map(exchangeOf).join("\n");
  return [
    `<section id="t${at}">`,
    element("h2", `${verdict(trial)} ${escape(trial.scenario)}`),
    ...[trial.title, trial.reason].filter((text) => text !== "").map((text) => element("p", escape(text))),
    ...why.map((text) => element("p", text)),
    listOf([...checks, ...lacked]),
    ...(isOpen && exchanges !== "" ? [element("pre", exchanges)] : []),
    element("p", element("code", escape(`--only ${trial.scenario} --seed ${trial.seed}`))),
    "</section>",
  ].join("\n");
}

/** One page of HTML that is also XML. */
export function htmlReport({ trials, scenarios, startedAt, endedAt }: Reported): string {
  const targets = [...new Set(trials.map(({ target }) => target))].join(", ");
  const heads = ["verdict", "scenario", "tier", "time", "reason"].map((head) => element("th", head)).join("");
  return [
    "<!DOCTYPE html>",
    '<html lang="en" xmlns="http://www.w3.org/1999/xhtml">',
    '<head><meta charset="utf-8"/>',
    '<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;"/>',
    `<title>assent-suite: ${escape(closingLine(trials))}</title>`,
    `<style>${STYLE}</style></head>`,
    "<body>",
    element("h1", escape(closingLine(trials))),
    element("p", escape(`Against ${targets}, from ${startedAt.toISOString()} to ${endedAt.toISOString()}.`)),
    `<table><thead><tr>${heads}</tr></thead><tbody>`,
    ...trials.map(rowOf),
    "</tbody></table>",
    ...trials.map((trial, at) =>
      sectionOf(
        trial,
        at,
        scenarios.find(({ id }) => id === trial.scenario),
      ),
    ),
    "</body></html>",
    "",
  ].join("\n");
}
