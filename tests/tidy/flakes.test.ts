// The flake budget: what repeated runs of one commit say, and what is kept of it over days.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  judgeDays,
  type LedgerLine,
  lineOf,
  parseLedger,
  readLedger,
  withLine,
  writeLedger,
} from "../../scripts/flake-ledger.ts";
import { judge, type RunReport, upperBound } from "../../scripts/flake-rate.ts";
import { argumentsOf, environmentOf } from "../../scripts/shuffled.ts";
import { ROOT } from "./tree.ts";

type Outcome = "passed" | "failed";
const run = (...statuses: readonly Outcome[]): RunReport => ({
  testResults: [
    {
      name: "a.test.ts",
      assertionResults: statuses.map((status, at) => ({ fullName: `test ${at}`, status })),
    },
  ],
});
const allPass = (tests: number): readonly Outcome[] => Array.from({ length: tests }, () => "passed");

test("a test that ends both ways is flaky, and one that always fails is not", () => {
  const judged = judge([run("passed", "failed", ...allPass(400)), run("failed", "failed", ...allPass(400))]);
  expect(judged.flaky).toEqual([{ test: "a.test.ts > test 0", passed: 1, failed: 1 }]);
  expect(judged).toMatchObject({ verdict: "within", executions: 804, misses: 1, broken: 0 });
});

test("above the budget is said, too few runs show nothing, and a run that broke as a whole is left out", () => {
  const flakes: readonly Outcome[] = Array.from({ length: 10 }, () => "failed");
  expect(judge([run(...allPass(410)), run(...flakes, ...allPass(400))]).verdict).toBe("above");
  expect(judge([run(...allPass(400))]).verdict).toBe("not_shown");
  expect(judge([run(...allPass(100)), run(...allPass(100))]).verdict).toBe("not_shown");
  const broken = judge([run(...allPass(400)), run(...allPass(400)), run(...flakes)]);
  expect(broken).toMatchObject({ verdict: "within", broken: 1, misses: 0 });
  // Wilson, 1927: 0 of 300 may be 1.26 %, so that 300 passes alone do not show 1 %; 0 of 400 do.
  expect(upperBound(0, 300)).toBeCloseTo(0.012643, 5);
  expect(upperBound(0, 400)).toBeLessThan(0.01);
});

const DAY = 86_400_000;
const NOW = Date.parse("2026-11-21T20:00:00Z");
const line = (daysAgo: number, more: Partial<LedgerLine> = {}): LedgerLine => ({
  commit: String(daysAgo).padStart(40, "0"),
  startTime: NOW - daysAgo * DAY,
  runs: 5,
  broken: 0,
  tests: 100,
  executions: 500,
  flaky: [],
  ...more,
});
const flaky = (name: string, failed: number): Partial<LedgerLine> => ({
  flaky: [{ test: name, passed: 1, failed }],
});

test("a week of runs is within, and less of it shows nothing, unless it is too much already", () => {
  const week = [0, 1, 2, 3, 4, 5, 6].map((day) => line(day));
  expect(judgeDays(week, NOW)).toMatchObject({
    verdict: "within",
    days: 7,
    runs: 35,
    executions: 3_500,
    misses: 0,
  });
  expect(judgeDays(week.slice(1), NOW).verdict).toBe("not_shown");
  // The same day twice is one.
  expect(judgeDays([...week.slice(1), line(1, { commit: "a".repeat(40) })], NOW).verdict).toBe("not_shown");
  expect(judgeDays([line(0, flaky("a", 10))], NOW).verdict).toBe("above");
  expect(judgeDays([], NOW)).toMatchObject({ verdict: "not_shown", bound: 1 });
  expect(judgeDays([line(0, { executions: 299, ...flaky("a", 200) })], NOW).verdict).toBe("not_shown");
});

test("the window is of whole days in UTC, up to now", () => {
  const early = Date.parse("2026-11-15T00:00:00Z");
  const inside = { startTime: early };
  expect(judgeDays([line(0), line(6, inside)], NOW).days).toBe(2);
  expect(judgeDays([line(0), line(6, { startTime: early - 1 })], NOW).days).toBe(1);
  expect(judgeDays([line(0), line(0, { startTime: NOW + 1 })], NOW).runs).toBe(5);
});

test("tests that were flaky on most days come first", () => {
  const lines = [
    line(0, flaky("b", 1)),
    line(1, flaky("b", 1)),
    line(2, flaky("a", 1)),
    line(3, flaky("c", 9)),
  ];
  expect(judgeDays(lines, NOW).flaky).toEqual([
    { test: "b", days: 2 },
    { test: "a", days: 1 },
    { test: "c", days: 1 },
  ]);
});

const folder = mkdtempSync(join(tmpdir(), "flakes-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("a ledger keeps each set of runs once, in order, for two months, and is whole or not at all", () => {
  const judged = judge([run(...allPass(400)), run("failed", ...allPass(399))]);
  const made = lineOf("a".repeat(40), NOW, judged);
  expect(made).toEqual({
    commit: "a".repeat(40),
    startTime: NOW,
    runs: 2,
    broken: 0,
    tests: 400,
    executions: 800,
    flaky: [{ test: "a.test.ts > test 0", passed: 1, failed: 1 }],
  });
  expect(lineOf("a".repeat(40), NOW, judge([run(...allPass(400))]))).toBeNull();
  if (made === null) throw new Error("there is no line");
  const file = join(folder, "reports", "flakes.jsonl");
  expect(readLedger(file)).toEqual([]);
  const old = [line(61), line(59), line(1)];
  const kept = withLine(withLine([...old], made), made);
  expect(kept).toEqual([line(59), line(1), made]);
  writeLedger(file, kept);
  expect(readLedger(file)).toEqual(kept);
  expect(readdirSync(join(folder, "reports"))).toEqual(["flakes.jsonl"]);
});

test.each([
  "{",
  "[]",
  "null",
  JSON.stringify({ ...line(0), commit: "short" }),
  JSON.stringify({ ...line(0), executions: -1 }),
  JSON.stringify({ ...line(0), executions: "500" }),
  JSON.stringify({ ...line(0), flaky: {} }),
  JSON.stringify({ ...line(0), flaky: [{ test: 1, passed: 1, failed: 1 }] }),
  JSON.stringify({ ...line(0), runs: undefined }),
])("a ledger with a line that is none shows nothing at all: %s", (text) => {
  expect(() => parseLedger(`${JSON.stringify(line(1))}\n${text}\n`)).toThrow(/line 2|JSON/u);
});

test("each round of shuffled tests is another order, place and language, and says the seed", () => {
  const args = argumentsOf(7, ["unit", "tidy"], "reports/x.json");
  expect(args).toContain("--sequence.shuffle");
  expect(args).toContain("--sequence.seed=7");
  expect(args).toContain("--project=tidy");
  expect(argumentsOf(7, [], "x")).toContain("--project=!nightly");
  expect(environmentOf({ zone: "Asia/Kathmandu", locale: "ar_EG.UTF-8" })).toEqual({
    TZ: "Asia/Kathmandu",
    LC_ALL: "ar_EG.UTF-8",
    LANG: "ar_EG.UTF-8",
    LANGUAGE: "ar",
  });
});

test("a child in such a place lives in it, and vitest shuffles files and tests by the seed", () => {
  const script =
    "console.log(new Date(0).getTimezoneOffset(), (1.5).toLocaleString(), new Intl.NumberFormat().resolvedOptions().locale)";
  const { stdout } = spawnSync(process.execPath, ["-e", script], {
    encoding: "utf8",
    env: { ...process.env, ...environmentOf({ zone: "Pacific/Kiritimati", locale: "tr_TR.UTF-8" }) },
  });
  expect(stdout.trim()).toBe("640 1,5 tr-TR");
  const listed = (seed: number): readonly string[] => {
    const [command = "", ...others] = argumentsOf(seed, ["unit"], join(folder, `order-${seed}.json`));
    const { stdout: said } = spawnSync(
      process.execPath,
      [
        "node_modules/vitest/vitest.mjs",
        command,
        ...others.filter((one) => one !== "--reporter=dot"),
        "--reporter=verbose",
        // Quick, and of more tests than one.
        "packages/tlog/src/note",
      ],
      { cwd: ROOT, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } },
    );
    // In the order in which they ended; the JSON report has them in the order in which they are written.
    return [...said.matchAll(/^ ✓ .* > (?<name>.*?)(?: \d+ms)?$/gmu)].map(
      ({ groups }) => groups?.["name"] ?? "",
    );
  };
  const [first, other] = [listed(1), listed(2)];
  expect(first?.length).toBeGreaterThan(4);
  expect(other).not.toEqual(first);
  expect(other?.toSorted()).toEqual(first?.toSorted());
});
