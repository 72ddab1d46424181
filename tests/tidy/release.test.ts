// What a release asks for: the night of its very commit, green and recent, and drills that there are. What cannot be told
// never counts as ok.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { createHash } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { gate } from "../../scripts/gates.ts";
import { judgeNight, type Night, NIGHT_STEPS, stepsOfJobs } from "../../scripts/night.ts";
import { DRILLS } from "../../scripts/release.ts";
import { carryOut, exitOfSteps, lineOfStep, type StepResult, type StepVerdict } from "../../scripts/tiers.ts";
import { ROOT } from "./tree.ts";

const NAMES = Object.keys(NIGHT_STEPS);
const COMMIT = "a".repeat(40);
const HOUR = 3_600_000;
const NOW = 1_000 * HOUR;
const steps = (verdict: StepVerdict, ...names: readonly string[]): Night["steps"] =>
  Object.fromEntries(NAMES.map((name) => [name, names.includes(name) ? verdict : "ok"]));
const night = (more: Partial<Night> = {}): string =>
  JSON.stringify({ commit: COMMIT, endTime: NOW - HOUR, steps: steps("ok"), ...more });

test("a night is green where each of its steps was, of this commit, not long ago", () => {
  expect(judgeNight(night(), COMMIT, NOW)).toEqual({
    verdict: "ok",
    says: expect.stringContaining("green, 1.0 hours"),
  });
  const oldest = NOW - gate("tiers.nightAgeHoursMax") * HOUR;
  expect(judgeNight(night({ endTime: oldest }), COMMIT, NOW).verdict).toBe("ok");
});

test.each<[string, string | null, StepVerdict, RegExp]>([
  ["there is none", null, "not_known", /npm run night/u],
  ["it cannot be read", "{", "not_known", /is no night/u],
  ["it is something else", "[]", "not_known", /is no night/u],
  ["it is of another commit", night({ commit: "b".repeat(40) }), "not_known", /was of bbbb/u],
  [
    "it is too old",
    night({ endTime: NOW - (gate("tiers.nightAgeHoursMax") + 1) * HOUR }),
    "not_known",
    /hours ago/u,
  ],
  ["it is of tomorrow", night({ endTime: NOW + 1 }), "not_known", /hours ago/u],
  ["it has no time", night({ endTime: Number.NaN }), "not_known", /is no night/u],
  ["a step was red", night({ steps: steps("failed", "mutation") }), "failed", /red: mutation/u],
  [
    "a step tells nothing",
    night({ steps: steps("not_known", "flakes") }),
    "not_known",
    /not tell of flakes/u,
  ],
  ["a step is not there", night({ steps: { nightly: "ok" } }), "not_known", /shuffled/u],
])("a night is not green where %s", (_, text, verdict, says) => {
  expect(judgeNight(text, COMMIT, NOW)).toEqual({ verdict, says: expect.stringMatching(says) });
});

test("what CI says of its jobs: of one that was left out or called off nothing is known", () => {
  const results = ["success", "failure", "cancelled", "skipped"];
  const needs = Object.fromEntries(NAMES.map((name, at) => [name, { result: results[at], outputs: {} }]));
  expect(Object.values(stepsOfJobs(JSON.stringify(needs)))).toEqual([
    "ok",
    "failed",
    "not_known",
    "not_known",
    "not_known",
  ]);
  expect(new Set(Object.values(stepsOfJobs("null")))).toEqual(new Set(["not_known"]));
});

test("each drill is a test of the night that there is: an upgrade, a lost machine, and kills among them", () => {
  expect(DRILLS.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  for (const name of ["rolling-upgrade", "lost-machine", "kill", "driven-taking-back"])
    expect(DRILLS).toContain(`tests/nightly/${name}.test.ts`);
});

const folder = mkdtempSync(join(tmpdir(), "release-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("a step keeps what it said as evidence, and its exit is its verdict", () => {
  const evidence = relative(ROOT, folder);
  const carried = (exit: number): StepResult =>
    carryOut(
      `exit-${exit}`,
      [process.execPath, "-e", `console.log("said it"); process.exitCode = ${exit}`],
      evidence,
      4,
    );
  expect(carried(0)).toMatchObject({ verdict: "ok", says: "said it" });
  expect(carried(4)).toMatchObject({ verdict: "not_known", says: "exit 4: said it" });
  const failed = carried(1);
  expect(failed).toMatchObject({ verdict: "failed", says: "exit 1: said it" });
  const kept = readFileSync(join(folder, "exit-1.log"));
  expect(failed.evidence?.sha256).toBe(createHash("sha256").update(kept).digest("hex"));
  expect(kept.toString()).toContain("said it");
  expect(carryOut("none", ["no-such-program-at-all"], evidence, 4).verdict).toBe("failed");
  expect(lineOfStep(failed)).toMatch(/^FAILED {4}exit-1 \(\d+ s\): exit 1: said it \[/u);
});

test("the whole is ok only where every step was", () => {
  const of = (...verdicts: readonly StepVerdict[]): StepResult[] =>
    verdicts.map((verdict) => ({ step: "a", verdict, says: "", seconds: 0, evidence: null }));
  expect(exitOfSteps(of("ok", "ok"))).toBe(0);
  expect(exitOfSteps(of("ok", "failed", "not_known"))).toBe(1);
  expect(exitOfSteps(of("ok", "not_known"))).toBe(4);
  expect(exitOfSteps([])).toBe(4);
});

const check = (...args: readonly string[]): readonly [number | null, string] => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--conditions=assent-source", "scripts/release.ts", ...args],
    { cwd: ROOT, encoding: "utf8" },
  );
  return [status, stdout + stderr];
};

test("the command names its steps, and refuses one that it does not know", () => {
  expect(check("--list")).toEqual([0, "commit\nnight\ngates\nsecurity\ndrills\nperformance\npackages\n"]);
  expect(check("--only", "drils")).toEqual([
    2,
    expect.stringContaining("there is no step drils; there are commit, night"),
  ]);
});
