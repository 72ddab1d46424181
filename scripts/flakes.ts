// Several runs of one commit, made or read: which tests ended both ways, and is that within the budget? And over days.
//
//   npm run flakes                                    makes the runs (gates.json says how many), judges and keeps them
//   npm run flakes -- reports/again-*.json            judges these
//   npm run flakes -- --keep reports/again-*.json     and keeps what they say in reports/flakes.jsonl, for the commit that is
//                                                     checked out here
//   npm run flakes -- --days                          judges the last days, by what was kept

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { judgeDays, lineOf, readLedger, withLine, writeLedger } from "./flake-ledger.ts";
import { judge, type Judged, percent, RATE_MAX, readReport, type RunReport } from "./flake-rate.ts";
import { gate } from "./gates.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

const EXIT = { within: 0, above: 1, not_shown: 4 };
const WORDS = {
  within: "within the budget",
  above: "ABOVE the budget",
  not_shown: `not shown: it takes two runs and ${gate("flakes.executionsMin")} executions`,
};

const LEDGER = join(ROOT, "reports", "flakes.jsonl");

function git(...args: readonly string[]): string | null {
  const { status, stdout } = spawnSync("git", ["-C", ROOT, ...args], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : null;
}

/** @returns why nothing was kept; null: it was */
function keep(reports: readonly RunReport[], judged: Judged): string | null {
  const commit = git("rev-parse", "HEAD");
  if (commit === null || git("status", "--porcelain") !== "")
    return "files were changed since the commit, so the runs are of none";
  const startTime = Math.min(
    ...reports.flatMap((one) => (one.startTime === undefined ? [] : [one.startTime])),
  );
  if (!Number.isSafeInteger(startTime)) return "no report says when it was begun";
  // The same name wherever the repository lies.
  const flaky = judged.flaky.map((one) => ({ ...one, test: one.test.replace(ROOT, "") }));
  const line = lineOf(commit, startTime, { ...judged, flaky });
  if (line === null) return "it takes two runs";
  writeLedger(LEDGER, withLine(readLedger(LEDGER), line));
  return null;
}

/** First attempts only: no test is ever repeated within a run. */
function makeRuns(): readonly string[] {
  mkdirSync(join(ROOT, "reports"), { recursive: true });
  return Array.from({ length: gate("flakes.runsPerNight") }, (_, at) => {
    const file = join(ROOT, "reports", `again-${at + 1}.json`);
    rmSync(file, { force: true });
    // A red run is what is looked for; one that left no report counts as broken.
    spawnSync(
      join(ROOT, "node_modules", ".bin", "vitest"),
      ["run", "--project=!nightly", "--reporter=dot", "--reporter=json", `--outputFile.json=${file}`],
      { cwd: ROOT, stdio: "inherit", shell: process.platform === "win32" },
    );
    if (!existsSync(file)) writeFileSync(file, "{}");
    return file;
  });
}

function reportDays(): number {
  const { verdict, flaky, ...counts } = judgeDays(readLedger(LEDGER), Date.now());
  for (const { test, days } of flaky) process.stdout.write(`flaky: ${test} (on ${days} days)\n`);
  process.stdout.write(
    `${counts.days} days, ${counts.runs} runs, ${counts.executions} executions, ${counts.misses} of them flaky: at most ` +
      `${percent(counts.bound)} (95 %), budget ${percent(RATE_MAX)}: ${verdict === "not_shown" ? `not shown: it takes ${gate("flakes.days")} days` : WORDS[verdict]}\n`,
  );
  return EXIT[verdict];
}

function judgeFiles(files: readonly string[], isKept: boolean): number {
  const missing = files.find((file) => !existsSync(file));
  if (files.length === 0 || missing !== undefined) {
    process.stderr.write(
      `flakes: ${missing ?? "no report"}: give the JSON reports of several runs of one commit\n`,
    );
    return 2;
  }
  const reports = files.map(readReport);
  const judged = judge(reports);
  const { verdict, flaky, ...counts } = judged;
  for (const { test, passed, failed } of flaky)
    process.stdout.write(`flaky: ${test} (${failed} of ${passed + failed} failed)\n`);
  process.stdout.write(
    `${counts.runs} runs (${counts.broken} more were broken as a whole), ${counts.tests} tests, ` +
      `${counts.executions} executions, ${counts.misses} of them flaky: at most ${percent(counts.bound)} ` +
      `(95 %), budget ${percent(RATE_MAX)}: ${WORDS[verdict]}\n`,
  );
  if (!isKept) return EXIT[verdict];
  const why = keep(reports, judged);
  process.stdout.write(why === null ? "kept in reports/flakes.jsonl\n" : `not kept: ${why}\n`);
  return why === null ? EXIT[verdict] : 2;
}

function main(args: readonly string[]): number {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { keep: { type: "boolean" }, days: { type: "boolean" } },
    allowPositionals: true,
  });
  if (values.days === true) return reportDays();
  if (positionals.length === 0) return judgeFiles(makeRuns(), true);
  return judgeFiles(positionals, values.keep === true);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
