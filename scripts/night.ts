// Tier 2: what a night does, as one command, and what is kept of it for the release that asks whether it was green.
//
//   npm run night                 all steps, one after the other; hours
//   npm run night -- --jobs FILE  nothing is carried out: the file holds what each job of CI's night ended with
//
// reports/night.json says commit, times and each step's end. A night of changed files is of no commit, and is not kept.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gate } from "./gates.ts";
import { carryOut, cleanCommit, exitOfSteps, lineOfStep, ROOT, type StepVerdict } from "./tiers.ts";

/** By the names of CI's jobs. */
export const NIGHT_STEPS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  nightly: ["npm", "run", "test:nightly"],
  shuffled: ["npm", "run", "test:shuffled"],
  mutation: ["npm", "run", "mutate"],
  flakes: ["npm", "run", "flakes"],
  performance: ["npm", "run", "bench:runs"],
};

export type Night = {
  readonly commit: string;
  /** Milliseconds since 1970. */
  readonly endTime: number;
  readonly steps: Readonly<Record<string, StepVerdict>>;
};

const FILE = join(ROOT, "reports", "night.json");
const HOUR_MS = 3_600_000;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Steps by what CI's expression `toJSON(needs)` says: of a job that was left out or called off nothing is known. */
export function stepsOfJobs(text: string): Night["steps"] {
  const read: unknown = JSON.parse(text);
  const jobs = isObject(read) ? read : {};
  return Object.fromEntries(
    Object.keys(NIGHT_STEPS).map((step): [string, StepVerdict] => {
      const job = jobs[step];
      const result = isObject(job) ? job["result"] : undefined;
      return [step, result === "success" ? "ok" : result === "failure" ? "failed" : "not_known"];
    }),
  );
}

function isNight(value: unknown): value is Night {
  return (
    isObject(value) &&
    typeof value["commit"] === "string" &&
    typeof value["endTime"] === "number" &&
    isObject(value["steps"])
  );
}

export type NightJudged = { readonly verdict: StepVerdict; readonly says: string };

/**
 * Whether the night of a commit was green, and recent.
 * @param text of reports/night.json; null: there is none
 * @param now milliseconds since 1970
 */
export function judgeNight(text: string | null, commit: string, now: number): NightJudged {
  if (text === null) return { verdict: "not_known", says: "there is no reports/night.json (npm run night)" };
  let night: unknown;
  try {
    night = JSON.parse(text);
  } catch {
    night = null;
  }
  if (!isNight(night)) return { verdict: "not_known", says: "reports/night.json is no night" };
  const { steps } = night;
  if (night.commit !== commit)
    return {
      verdict: "not_known",
      says: `the night was of ${night.commit.slice(0, 12)}, not of ${commit.slice(0, 12)}`,
    };
  const hours = (now - night.endTime) / HOUR_MS;
  const hoursMax = gate("tiers.nightAgeHoursMax");
  if (!(hours >= 0 && hours <= hoursMax))
    return {
      verdict: "not_known",
      says: `the night ended ${hours.toFixed(1)} hours ago, at most ${hoursMax}`,
    };
  const wanted = Object.keys(NIGHT_STEPS);
  const failed = wanted.filter((step) => steps[step] === "failed");
  if (failed.length > 0) return { verdict: "failed", says: `the night was red: ${failed.join(", ")}` };
  const left = wanted.filter((step) => steps[step] !== "ok");
  if (left.length > 0) return { verdict: "not_known", says: `the night does not tell of ${left.join(", ")}` };
  return { verdict: "ok", says: `green, ${hours.toFixed(1)} hours ago: ${wanted.join(", ")}` };
}

export const readNight = (): string | null => (existsSync(FILE) ? readFileSync(FILE, "utf8") : null);

function carryOutAll(): Night["steps"] {
  const results = Object.entries(NIGHT_STEPS).map(([step, command]) => {
    const result = carryOut(step, command, join("reports", "night"), step === "flakes" ? 4 : null);
    process.stdout.write(`${lineOfStep(result)}\n`);
    return result;
  });
  process.exitCode = exitOfSteps(results);
  return Object.fromEntries(results.map(({ step, verdict }) => [step, verdict]));
}

function main(): void {
  const { values } = parseArgs({ options: { jobs: { type: "string" } } });
  const before = cleanCommit();
  const steps = values.jobs === undefined ? carryOutAll() : stepsOfJobs(readFileSync(values.jobs, "utf8"));
  const after = cleanCommit();
  if (!("commit" in before) || !("commit" in after) || before.commit !== after.commit) {
    const why =
      "why" in after ? after.why : "why" in before ? before.why : "another commit is checked out now";
    process.stdout.write(`night: not kept: ${why}\n`);
    process.exitCode = process.exitCode === 1 ? 1 : 4;
    return;
  }
  const night: Night = { commit: after.commit, endTime: Date.now(), steps };
  mkdirSync(join(ROOT, "reports"), { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(night, null, 2)}\n`);
  const { verdict, says } = judgeNight(JSON.stringify(night), night.commit, night.endTime);
  process.stdout.write(`night: ${says}; kept in reports/night.json\n`);
  if (verdict !== "ok") process.exitCode = verdict === "failed" ? 1 : 4;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
