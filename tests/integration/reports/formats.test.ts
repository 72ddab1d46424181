// Reports that other programs read, held against what these programs want of them, whatever a harness has answered.

import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { expect, test } from "vitest";
import { z } from "zod";
import { SCENARIOS } from "../../../packages/suite/src/catalogue.ts";
import type { Trial } from "../../../packages/suite/src/evidence.ts";
import { VERDICTS, type Verdict } from "../../../packages/suite/src/verdict.ts";
import type { Reported } from "../../../packages/suite/src/reports/reported.ts";
import { isReportKind, REPORTS } from "../../../packages/suite/src/reports/reports.ts";

const HOSTILE =
  "a < b && \"c\" 'd'\n]]></pre><script>alert(1)</script>|x|\0\u001b[31m \ud800 \u202e🙂 [a](http://b) `c`";

const trial = (verdict: Verdict, change: Partial<Trial> = {}): Trial => ({
  scenario: SCENARIOS[0]?.id ?? "",
  title: "X",
  tier: 0,
  target: "toy",
  seed: 7,
  verdict,
  reason: verdict === "PASS" ? "" : HOSTILE,
  durationMs: 1_500,
  checks: [
    { claim: "holds", holds: true },
    { claim: HOSTILE, holds: verdict === "PASS", found: { [HOSTILE]: HOSTILE } },
  ],
  readings: [],
  parts: [{ name: HOSTILE, lacks: ["restart"] }],
  exchanges: [
    {
      as: "requester",
      method: "GET",
      url: "http://127.0.0.1/",
      requestHeaders: {},
      requestBody: HOSTILE,
      status: 200,
      headers: {},
      body: HOSTILE,
      failure: null,
    },
  ],
  ...change,
});

const reported = (trials: readonly Trial[]): Reported => ({
  trials,
  scenarios: SCENARIOS,
  startedAt: new Date(1_000),
  endedAt: new Date(9_000),
});
const EACH = reported(VERDICTS.map((verdict) => trial(verdict)));

const published: unknown = JSON.parse(
  readFileSync(new URL("../../support/ctrf.schema.json", import.meta.url), "utf8"),
);
const ctrf = z.fromJSONSchema(z.record(z.string(), z.json()).parse(published));

test("CTRF is what its published schema wants, and counts as passed what has passed", () => {
  const report: unknown = JSON.parse(REPORTS.ctrf(EACH));
  expect(ctrf.safeParse(report).error?.issues ?? []).toEqual([]);
  expect(report).toMatchObject({
    results: {
      summary: {
        tests: 5,
        passed: 1,
        failed: 1,
        skipped: 1,
        pending: 0,
        other: 2,
        start: 1_000,
        stop: 9_000,
      },
      tests: VERDICTS.map((rawStatus) => ({ name: SCENARIOS[0]?.id, rawStatus, duration: 1_500 })),
    },
  });
  expect(ctrf.safeParse({ ...Object(report), results: {} }).success).toBe(false);
});

const sarifSchema: unknown = JSON.parse(
  readFileSync(new URL("../../support/sarif-2.1.0.schema.json", import.meta.url), "utf8"),
);

test("SARIF is what its published schema wants, whatever a harness has answered", () => {
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  formats.default(ajv);
  const isSarif = ajv.compile(z.record(z.string(), z.json()).parse(sarifSchema));
  const findingsIn = (report: unknown): string[] =>
    isSarif(report)
      ? []
      : (isSarif.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ""}`);
  const whole: unknown = JSON.parse(REPORTS.sarif(EACH));
  expect(findingsIn(whole)).toEqual([]);
  expect(findingsIn(JSON.parse(REPORTS.sarif(reported([]))))).toEqual([]);
  expect(whole).toMatchObject({
    runs: [{ results: [{ kind: "fail" }, { kind: "open" }, { kind: "open" }] }],
  });
  // What it would not have: another version, a level that is none, a text that is none.
  const [run] = runsOf(whole);
  for (const wrong of [
    { ...Object(whole), version: "2.2.0" },
    { ...Object(whole), runs: [{ ...run, results: [{ level: "fatal", message: { text: "x" } }] }] },
    { ...Object(whole), runs: [{ ...run, results: [{ message: "x" }] }] },
    { ...Object(whole), runs: [{ ...run, tool: {} }] },
  ])
    expect(findingsIn(wrong)).not.toEqual([]);
});

const runsOf = (report: unknown): readonly Record<string, unknown>[] =>
  z.object({ runs: z.array(z.record(z.string(), z.unknown())) }).parse(report).runs;

/** Names of elements, in order; throws where the text is not well-formed XML (a document type is passed over). */
function elementsOf(xml: string): string[] {
  const names: string[] = [];
  const open: string[] = [];
  const token =
    /<(?<close>\/?)(?<name>[a-zA-Z][\w-]*)(?<attributes>(?:\s+[\w:-]+="[^"<]*")*)\s*(?<empty>\/?)>|<[!?][^>]*>|(?<text>[^<]+)|(?<wrong><)/gu;
  for (const { groups: part, index } of xml.matchAll(token)) {
    const near = JSON.stringify(xml.slice(Math.max(0, index - 40), index + 40));
    if (part?.["wrong"] !== undefined) throw new Error(`a < that begins nothing: ${near}`);
    const texts = [part?.["text"], part?.["attributes"]].join("");
    if (/&(?!(?:amp|lt|gt|quot|#\d+);)/.test(texts)) throw new Error(`a & that begins nothing: ${near}`);
    const name = part?.["name"];
    if (name === undefined) continue;
    if (part?.["close"] === "/") {
      if (open.pop() !== name) throw new Error(`</${name}> closes something else: ${near}`);
      continue;
    }
    names.push(name);
    if (part?.["empty"] !== "/") open.push(name);
  }
  if (open.length > 0) throw new Error(`${open.join(", ")} is never closed`);
  return names;
}

test.each(["html", "junit"] as const)(
  "%s is well-formed, and nothing of a harness is an element of it",
  (kind) => {
    const harmless = trial("FAIL", { reason: "because", checks: [], parts: [], exchanges: [] });
    const own = new Set(elementsOf(REPORTS[kind](reported([harmless, trial("PASS"), trial("SKIP")]))));
    const names = elementsOf(REPORTS[kind](EACH));
    expect(names).not.toContain("script");
    expect(names.filter((name) => !own.has(name) && !["error", "ul", "li", "pre"].includes(name))).toEqual(
      [],
    );
    expect(REPORTS[kind](EACH)).not.toMatch(/\p{Cc}(?<![\t\n])/u);
    expect(() => elementsOf("<a><b></a></b>")).toThrow("closes something else");
  },
);

test("HTML loads nothing, runs nothing, and shows each trial", () => {
  const page = REPORTS.html(EACH);
  expect(page).toContain("default-src &#39;none&#39;");
  expect(page).not.toMatch(/\s(?:src|on\w+)=|href="(?!#)/u);
  expect(elementsOf(page).filter((name) => name === "section")).toHaveLength(VERDICTS.length);
});

test("Markdown is one table row a trial, and no mark-up of a harness takes effect", () => {
  const text = REPORTS.md(EACH);
  const rows = text.split("\n").filter((line) => line.startsWith("|"));
  expect(rows).toHaveLength(VERDICTS.length + 2);
  for (const row of rows) expect(row.split("|")).toHaveLength(7);
  expect(text).not.toMatch(/[<`\\[]|:\/\//u);
});

test("Markdown stays below what GitHub shows, and says what it left out", () => {
  const text = REPORTS.md(
    reported(Array.from({ length: 30 }, () => trial("FAIL", { reason: "x".repeat(90_000) }))),
  );
  expect(Buffer.byteLength(text)).toBeLessThan(1_048_576);
  expect(text).toMatch(/\d+ more parts had no room here/);
});

test("a kind of report is one of the table, and no word of every object", () => {
  expect(["ctrf", "md", "toString", "pdf"].map(isReportKind)).toEqual([true, true, false, false]);
});
