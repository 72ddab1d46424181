// The exit criteria of the plan, from the reports that the gate, the night, the repeated runs, the mutation and the bench
// leave under reports/: met, not met, or not known, because a report is missing or is not of what is checked out here.
//
//   npm run exit-criteria        0: all are met; 1: one is not; 4: none is unmet, and not all are known

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { judgeDays, type JudgedDays, readLedger } from "./flake-ledger.ts";
import { readReport, type RunReport } from "./flake-rate.ts";
import { reasonsIn } from "./gate-failures.ts";
import {
  type BenchReport,
  type Criterion,
  judgeAll,
  type Report,
  type Reports,
  type Tree,
  type Trial,
} from "./judge-criteria.ts";
import { MUTATION_GROUPS } from "./mutation-groups.ts";
import type { MutationReport } from "./mutation-score.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

const unknown = (why: string): Report<never> => ({ known: false, why });

function git(root: string, ...args: readonly string[]): string | null {
  const { status, stdout } = spawnSync("git", ["-C", root, ...args], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : null;
}

/**
 * Since when the files here are what they are now: a report that was begun earlier is of something else. The commit's own
 * time is not enough, for a branch that is moved to an older commit has newer reports of what was there before.
 * @returns milliseconds since 1970, or why it cannot be told
 */
export function readSince(root: string): Report<number> {
  const moves = git(root, "reflog", "--format=%H %gd", "--date=unix", "HEAD");
  const [head] = moves?.split(" ") ?? [];
  const committed = head === undefined || head === "" ? null : git(root, "show", "-s", "--format=%ct", head);
  if (moves === null || committed === null) return unknown("git does not say since when this commit is here");
  if (git(root, "status", "--porcelain") !== "")
    return unknown("files were changed since the commit, and no report is of them");
  const lines = moves.split("\n");
  const other = lines.findIndex((line) => !line.startsWith(`${head} `));
  const first = (other === -1 ? lines : lines.slice(0, other)).at(-1) ?? "";
  const moved = Number(/@\{(\d+)\}$/u.exec(first)?.[1] ?? Number.NaN);
  if (!Number.isFinite(moved)) return unknown("git does not say since when this commit is here");
  return { known: true, value: Math.max(moved, Number(committed)) * 1_000 };
}

/** @param from which command leaves it */
function readFresh<T>(
  since: Report<number>,
  file: string,
  from: string,
  read: (file: string) => T,
  timeOf: (value: T) => number | undefined,
): Report<T> {
  if (!since.known) return since;
  const name = file.slice(file.lastIndexOf("reports"));
  if (!existsSync(file)) return unknown(`there is no ${name} (${from})`);
  try {
    const value = read(file);
    if ((timeOf(value) ?? 0) >= since.value) return { known: true, value };
    return unknown(`${name} is older than what is checked out here (${from})`);
  } catch (error) {
    return unknown(`${name} cannot be read: ${error instanceof Error ? error.message : "it is no report"}`);
  }
}

const writtenAt = (file: string) => () => statSync(file).mtimeMs;
const begun = ({ startTime }: RunReport): number | undefined => startTime;

/** The text of an object; of what is in it, whoever left it says. */
function textOf(file: string): string {
  const text = readFileSync(file, "utf8");
  if (!text.trimStart().startsWith("{")) throw new Error("it is no report");
  return text;
}

function readMutation(folder: string, group: string, since: Report<number>): Report<MutationReport> {
  const file = join(folder, "mutation", `${group}.json`);
  return readFresh(
    since,
    file,
    `npm run mutate -- ${group}`,
    (name): MutationReport => JSON.parse(textOf(name)),
    writtenAt(file),
  );
}

/** A rate over days is of many commits, so the ledger may be older than this one. */
function readFlakes(file: string, now: number): Report<JudgedDays> {
  if (!existsSync(file)) return unknown("there is no reports/flakes.jsonl (npm run flakes)");
  try {
    return { known: true, value: judgeDays(readLedger(file), now) };
  } catch (error) {
    return unknown(
      `reports/flakes.jsonl cannot be read: ${error instanceof Error ? error.message : "it is no ledger"}`,
    );
  }
}

/** A trial tells how long it took, and its file when it ended. */
function readTrial(file: string): Trial & { readonly begun: number } {
  const trial: Trial & { readonly durationMs: number } = JSON.parse(textOf(file));
  return { ...trial, begun: statSync(file).mtimeMs - trial.durationMs };
}

const listed = (folder: string, pattern: RegExp): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => pattern.test(name))
        .toSorted()
    : [];

/** Those of many files that are of this commit. */
function readMany<T>(files: readonly Report<T>[], none: string): Report<readonly T[]> {
  const values = files.flatMap((one) => (one.known ? [one.value] : []));
  const [first] = files;
  if (values.length > 0) return { known: true, value: values };
  return unknown(first === undefined || first.known ? none : first.why);
}

/**
 * @param folder where the reports lie
 * @param since as {@link readSince} says
 * @param now milliseconds since 1970
 */
export function readReports(folder: string, since: Report<number>, now: number): Reports {
  const gate = join(folder, "vitest.json");
  const output = join(folder, "vitest.log");
  const test = "npm test";
  const trials = listed(join(folder, "trials"), /\.json$/u).map((name) =>
    readFresh(since, join(folder, "trials", name), "npm run test:nightly", readTrial, (one) => one.begun),
  );
  return {
    gate: readFresh(since, gate, test, readReport, begun),
    // A gate that was cut off left the output of the one before.
    gateOutput: readFresh(
      since.known && existsSync(gate)
        ? { known: true, value: Math.max(since.value, statSync(gate).mtimeMs) }
        : since,
      output,
      test,
      (file) => ({ isBrokenOutside: /^⎯+ Unhandled/mu.test(reasonsIn(readFileSync(file, "utf8"))) }),
      writtenAt(output),
    ),
    night: readFresh(since, join(folder, "nightly.json"), "npm run test:nightly", readReport, begun),
    trials: readMany(trials, "there are no reports/trials (npm run test:nightly)"),
    mutation: Object.fromEntries(
      Object.keys(MUTATION_GROUPS).map((group) => [group, readMutation(folder, group, since)]),
    ),
    flakes: readFlakes(join(folder, "flakes.jsonl"), now),
    bench: readFresh(
      since,
      join(folder, "bench-runs.json"),
      "npm run bench:runs",
      (file): BenchReport => JSON.parse(textOf(file)),
      ({ startTime }) => startTime,
    ),
  };
}

const isNightly = (file: string): boolean => file.startsWith("tests/nightly/");

function readTree(): Tree {
  const tests = (git(ROOT, "ls-files", "*.test.ts") ?? "").split("\n").filter((file) => file !== "");
  return {
    gateTests: tests.filter((file) => !isNightly(file)),
    nightTests: tests.filter(isNightly),
    mutated: MUTATION_GROUPS,
  };
}

const WORDS = { met: "met", not_met: "NOT MET", not_known: "not known" };

/** One line a criterion, below it what it was told by; of what is met only how much. */
export function linesOf(criteria: readonly Criterion[]): readonly string[] {
  return criteria.flatMap(({ title, verdict, parts }) => [
    `${WORDS[verdict].padEnd(9)}  ${title}`,
    ...parts.map((part) => `  | ${WORDS[part.verdict]}: ${part.says}`),
  ]);
}

/** 0 only where every criterion is met. */
export function exitOf(criteria: readonly Criterion[]): 0 | 1 | 4 {
  if (criteria.some(({ verdict }) => verdict === "not_met")) return 1;
  return criteria.length > 0 && criteria.every(({ verdict }) => verdict === "met") ? 0 : 4;
}

function main(): void {
  const criteria = judgeAll(readReports(join(ROOT, "reports"), readSince(ROOT), Date.now()), readTree());
  process.stdout.write(`${linesOf(criteria).join("\n")}\n`);
  process.exitCode = exitOf(criteria);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
