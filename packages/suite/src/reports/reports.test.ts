import { expect, test } from "vitest";
import type { Trial } from "../evidence.ts";
import { VERDICTS, type Verdict } from "../verdict.ts";
import { SCENARIOS } from "../catalogue.ts";
import { junitReport } from "./junit.ts";
import { sarifReport } from "./sarif.ts";
import { closingLine, failureReport, trialLine } from "./summary.ts";

const trial = (verdict: Verdict, change: Partial<Trial> = {}): Trial => ({
  scenario: "harness_state/x",
  title: "X",
  tier: 0,
  target: "toy",
  seed: 7,
  verdict,
  reason: verdict === "PASS" ? "" : "because",
  durationMs: 1_500,
  checks: [],
  readings: [],
  parts: [],
  exchanges: [],
  ...change,
});

test("only what was seen to hold has passed", () => {
  expect(closingLine(VERDICTS.map((verdict) => trial(verdict)))).toBe("1 passed, 3 failed, 1 skipped");
  expect(closingLine([trial("PASS")])).toBe("1 passed, 0 failed");
});

test("JUnit counts what did not pass, and carries the seed", () => {
  const xml = junitReport(VERDICTS.map((verdict) => trial(verdict)));
  expect(xml).toContain('<testsuites tests="5" failures="1" errors="2" skipped="1" time="7.5">');
  expect(xml.match(/<property name="seed" value="7"\/>/g)).toHaveLength(5);
});

test("whatever a harness answers, the report stays well-formed XML", () => {
  const xml = junitReport([trial("FAIL", { reason: 'a < b && "c"\n]]>\0\u001b[31m \ud800 🙂' })]);
  expect(xml).toContain('message="a &lt; b &amp;&amp; &quot;c&quot;&#10;]]&gt;\ufffd\ufffd[31m \ufffd 🙂"');
});

test("a part that was not looked at is said to be", () => {
  const parts = [{ name: "over a restart", lacks: ["restart"] }];
  expect(trialLine(trial("PASS", { parts }))).toContain("not looked at: over a restart (needs restart)");
  expect(junitReport([trial("PASS", { parts })])).toContain(
    'name="not_looked_at" value="over a restart: needs restart"',
  );
});

test("a failure says how to see it again", () => {
  expect(failureReport(trial("FAIL"), undefined)).toContain("--only harness_state/x --seed 7");
});

test("SARIF has a rule for each scenario, and a result for each that was not seen to hold", () => {
  const [first, second] = SCENARIOS;
  if (first === undefined || second === undefined) throw new Error("there are no scenarios");
  const failing = trial("FAIL", {
    scenario: second.id,
    checks: [
      { claim: "a first claim", holds: true },
      { claim: "the one that fails", holds: false, found: 3 },
    ],
  });
  const report: unknown = JSON.parse(
    sarifReport(
      [
        trial("PASS", { scenario: first.id }),
        failing,
        trial("INCONCLUSIVE", { scenario: first.id, reason: "never \ud800 there" }),
        trial("SKIP", { scenario: first.id }),
      ],
      [first, second],
    ),
  );
  expect(report).toMatchObject({
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "assent-suite", rules: [{ id: first.id }, { id: second.id }] } },
        invocations: [{ executionSuccessful: true }],
        results: [
          {
            ruleId: second.id,
            ruleIndex: 1,
            kind: "fail",
            level: "error",
            partialFingerprints: { "claim/v1": `${second.id}: the one that fails` },
            properties: { verdict: "FAIL", seed: 7 },
          },
          {
            ruleId: first.id,
            ruleIndex: 0,
            kind: "open",
            level: "none",
            message: { text: "never \ufffd there" },
          },
        ],
        properties: { passed: [first.id], skipped: [first.id] },
      },
    ],
  });
});

test("a rule of the security set weighs more, and a broken suite is no successful execution", () => {
  const report: {
    runs: {
      invocations: unknown;
      tool: { driver: { rules: { id: string; properties: Record<string, unknown> }[] } };
    }[];
  } = JSON.parse(sarifReport([trial("ERROR")], SCENARIOS));
  const [run] = report.runs;
  expect(run?.invocations).toEqual([{ executionSuccessful: false }]);
  const weights = new Map(
    run?.tool.driver.rules.map(({ id, properties }) => [id, properties["security-severity"]]),
  );
  expect(weights.get("harness_integration/audit_log_tamper_evidence")).toBe("9.5");
  expect(weights.get("harness_state/idempotency_duplicate_run_submission")).toBe("7.5");
});
