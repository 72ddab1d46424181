// What repeated runs said, kept over days: a line for each set of runs of one commit, in reports/flakes.jsonl. A test is
// flaky that ended both ways on one commit, so nothing is compared across commits; what is added up over days are
// executions and misses. `npm run flakes -- --keep` adds a line, `npm run flakes -- --days` judges the last days.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Judged, upperBound } from "./flake-rate.ts";
import { gate } from "./gates.ts";

export type LedgerLine = {
  readonly commit: string;
  /** When the first of the runs began; milliseconds since 1970. */
  readonly startTime: number;
  readonly runs: number;
  /** More that broke as a whole, and count for nothing. */
  readonly broken: number;
  readonly tests: number;
  readonly executions: number;
  readonly flaky: Judged["flaky"];
};

/** Kept longer than is judged, so that whoever looks at a flake sees when it began. */
const KEPT_DAYS = 60;
const DAY_MS = 86_400_000;

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function isFlaky(value: unknown): value is Judged["flaky"][number] {
  return (
    isObject(value) &&
    typeof value["test"] === "string" &&
    isWhole(value["passed"]) &&
    isWhole(value["failed"])
  );
}

/** @throws Error that names the line which is none: a ledger of which something is lost shows nothing */
export function parseLedger(text: string): readonly LedgerLine[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line, at) => {
      const value: unknown = JSON.parse(line);
      if (!isObject(value)) throw new Error(`line ${at + 1} is no set of runs`);
      const { commit, startTime, runs, broken, tests, executions, flaky } = value;
      if (
        typeof commit !== "string" ||
        !/^[0-9a-f]{40}$/u.test(commit) ||
        !isWhole(startTime) ||
        !isWhole(runs) ||
        !isWhole(broken) ||
        !isWhole(tests) ||
        !isWhole(executions) ||
        !Array.isArray(flaky) ||
        !flaky.every(isFlaky)
      )
        throw new Error(`line ${at + 1} is no set of runs`);
      return { commit, startTime, runs, broken, tests, executions, flaky };
    });
}

/** The line of one set of runs; null where one run or none tells anything. */
export function lineOf(commit: string, startTime: number, judged: Judged): LedgerLine | null {
  const { runs, broken, tests, executions, flaky } = judged;
  return runs < 2 ? null : { commit, startTime, runs, broken, tests, executions, flaky };
}

/** The same set of runs is kept once, however often it is told. */
export function withLine(lines: readonly LedgerLine[], line: LedgerLine): readonly LedgerLine[] {
  const others = lines.filter((one) => one.commit !== line.commit || one.startTime !== line.startTime);
  return [...others, line]
    .filter(({ startTime }) => startTime > line.startTime - KEPT_DAYS * DAY_MS)
    .toSorted((a, b) => a.startTime - b.startTime);
}

export type JudgedDays = {
  /** `not_shown`: of too few days or executions to tell. */
  readonly verdict: "within" | "above" | "not_shown";
  readonly days: number;
  readonly runs: number;
  readonly executions: number;
  readonly misses: number;
  readonly bound: number;
  /** Names of tests that ended both ways, those that did so on most days first. */
  readonly flaky: readonly { readonly test: string; readonly days: number }[];
};

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** @param now milliseconds since 1970; what is later than that counts for nothing, nor what is before the window */
export function judgeDays(lines: readonly LedgerLine[], now: number): JudgedDays {
  const wanted = gate("flakes.days");
  const first = dayOf(now - (wanted - 1) * DAY_MS);
  const inside = lines.filter(({ startTime }) => startTime <= now && dayOf(startTime) >= first);
  const days = new Set(inside.map(({ startTime }) => dayOf(startTime))).size;
  const sum = (of: (line: LedgerLine) => number): number =>
    inside.reduce((total, line) => total + of(line), 0);
  const executions = sum((line) => line.executions);
  const misses = sum(({ flaky }) => flaky.reduce((total, { failed }) => total + failed, 0));
  const bound = upperBound(misses, executions);
  const seen = new Map<string, Set<string>>();
  for (const { flaky, startTime } of inside)
    for (const { test } of flaky) seen.set(test, (seen.get(test) ?? new Set()).add(dayOf(startTime)));
  const flaky = [...seen]
    .map(([test, on]) => ({ test, days: on.size }))
    .toSorted((a, b) => b.days - a.days || (a.test < b.test ? -1 : 1));
  const isEnough = executions >= gate("flakes.executionsMin");
  // Too much is too much on the first day; that it is little takes all of them.
  const verdict =
    isEnough && bound >= gate("flakes.rateMax")
      ? "above"
      : isEnough && days >= wanted
        ? "within"
        : "not_shown";
  return { verdict, days, runs: sum(({ runs }) => runs), executions, misses, bound, flaky };
}

export const readLedger = (file: string): readonly LedgerLine[] =>
  existsSync(file) ? parseLedger(readFileSync(file, "utf8")) : [];

/** Whole or not at all: what a run that is cut off leaves is the ledger of before. */
export function writeLedger(file: string, lines: readonly LedgerLine[]): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  renameSync(`${file}.new`, file);
}
