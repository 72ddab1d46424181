import { expect, test } from "vitest";
import type { Trial } from "../evidence.ts";
import { VERDICTS, type Verdict } from "../verdict.ts";
import { junitReport } from "./junit.ts";
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
