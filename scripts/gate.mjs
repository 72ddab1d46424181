// The gate of a pull request: `npm test`. Every stage runs even where an earlier one failed, so that one run tells
// everything, and the last line counts what was seen.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gate } from "./gates.ts";
import { findRealKeys, refusalOf } from "./real-keys.ts";
import { failedSoFar, failuresOf, reasonsIn } from "./gate-failures.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const BIN = join(ROOT, "node_modules", ".bin");
const REPORTS = join(ROOT, "reports");
const TESTS_REPORT = join(REPORTS, "vitest.json");
const TESTS_OUTPUT = join(REPORTS, "vitest.log");
const TRIALS = join(REPORTS, "trials");

/** Half of what starting one of the many child processes of the tests costs is compiling. */
const COMPILED = join(ROOT, "node_modules", ".cache", "compiled");

/** Silence longer than this looks like a hang. */
const PROGRESS_SECONDS = 10;

/** How far a stage that runs beside the tests stands back behind them (as `nice`): it takes what they leave idle. */
const STATIC_NICENESS = 5;

/** Compiler and linter are Go programs: the collector runs when the heap is five times what is live, instead of twice. */
const COLLECT_PERCENT = "400";

// One after the other, beside the tests: many of those wait. The compiler has one thread: several would end sooner with
// nothing beside them, and work out the same types each for itself. `saw` reads from the output how many files the stage
// looked at: a check of nothing passes everything.
const STATIC_STAGES = [
  { name: "format:check", command: "oxfmt", args: ["--check", "."], saw: /on (\d+) files/ },
  { name: "lint", command: "oxlint", args: ["--type-aware", "--deny-warnings"], saw: /on (\d+) files/ },
  {
    name: "types",
    command: "tsc",
    args: ["--noEmit", "--diagnostics", "--singleThreaded"],
    saw: /^Files:\s+(\d+)/m,
  },
  {
    name: "types of the console",
    command: "tsc",
    args: ["--noEmit", "--diagnostics", "--singleThreaded", "--project", "packages/console"],
    saw: /^Files:\s+(\d+)/m,
  },
  { name: "unused", command: "knip", args: ["--performance"], saw: /^parseFile\s+(\d+)/m },
  {
    name: "gen:check",
    command: "node",
    args: ["--conditions=assent-source", "scripts/gen.ts", "--check"],
    saw: /(\d+) files/,
  },
];

const print = (text) => {
  process.stdout.write(`${text}\n`);
};

const secondsSince = (startedAt) => ((performance.now() - startedAt) / 1_000).toFixed(1);

function standBack(pid, niceness) {
  try {
    setPriority(pid, niceness);
  } catch {
    // It has ended already, or this system knows no such thing: then it is as fast as the others.
  }
}

/** Runs one command and keeps its output; says now and then that it is still at it. */
async function run(name, command, args, niceness = 0) {
  const startedAt = performance.now();
  const env = {
    ...process.env,
    PATH: `${BIN}${delimiter}${process.env.PATH ?? ""}`,
    NO_COLOR: "1",
    NODE_COMPILE_CACHE: COMPILED,
    GOGC: COLLECT_PERCENT,
  };
  delete env.FORCE_COLOR;
  const child = spawn(command, args, { cwd: ROOT, env, shell: process.platform === "win32" });
  if (niceness > 0 && child.pid !== undefined) standBack(child.pid, niceness);
  let output = "";
  let told = 0;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  const ticking = setInterval(() => {
    const failed = failedSoFar(output);
    for (const line of failed.slice(told)) print(`  ${name} … ${line}`);
    told = failed.length;
    const last = output.trimEnd().split("\n").at(-1) ?? "";
    print(`  ${name} … ${secondsSince(startedAt)} s  ${last.trim().slice(0, 100)}`);
  }, PROGRESS_SECONDS * 1_000);
  const status = await new Promise((resolve) => {
    child.once("error", (error) => {
      output += `${command}: ${error.message}\n`;
      resolve(127);
    });
    child.once("close", (code) => resolve(code ?? 1));
  });
  clearInterval(ticking);
  return { status, output, seconds: secondsSince(startedAt) };
}

function report(name, passed, { output, seconds }, remark) {
  print(`${passed ? "ok    " : "FAILED"} ${name} (${seconds} s)${remark === "" ? "" : `: ${remark}`}`);
  if (!passed && output.trim() !== "") print(output.trimEnd().replaceAll(/^/gm, "  | "));
}

async function runStaticStage({ name, command, args, saw }) {
  const outcome = await run(name, command, args, STATIC_NICENESS);
  const files = Number(saw.exec(outcome.output)?.[1] ?? 0);
  const passed = outcome.status === 0 && files > 0;
  report(name, passed, outcome, files > 0 ? `${files} files` : "it looked at nothing");
  return passed ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

/** Counts single tests; a file that failed without a failed test (it did not load) counts as one failure. */
function countTests(results) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of results) {
    const failedBefore = counts.failed;
    for (const { status } of file.assertionResults) {
      if (status === "passed") counts.passed += 1;
      else if (status === "failed") counts.failed += 1;
      else counts.skipped += 1;
    }
    if (file.status === "failed" && counts.failed === failedBefore) counts.failed += 1;
  }
  return counts;
}

const namesOf = (names) => names.map((name) => `✗ ${name}`).join("\n");

async function runTests() {
  const outcome = await run("tests", "vitest", [
    "run",
    // Minutes long each: `npm run test:nightly`.
    "--project=!nightly",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${TESTS_REPORT}`,
  ]);
  const results = existsSync(TESTS_REPORT) ? JSON.parse(readFileSync(TESTS_REPORT, "utf8")).testResults : [];
  const counts = countTests(results);
  const nothing = counts.passed + counts.failed === 0;
  // Vitest also fails for what belongs to no test: an unhandled rejection, a set-up that broke.
  if (nothing || (outcome.status !== 0 && counts.failed === 0)) counts.failed += 1;
  writeFileSync(TESTS_OUTPUT, outcome.output);
  failures = failuresOf(results, ROOT);
  const reasons = reasonsIn(outcome.output);
  report(
    "tests",
    counts.failed === 0 && outcome.status === 0,
    // Where it gave no reasons, all that was said is needed.
    reasons === "" ? outcome : { ...outcome, output: `${namesOf(failures)}\n\n${reasons}` },
    nothing ? "no test ran" : `${results.length} files, ${counts.passed} tests passed`,
  );
  return counts;
}

/** The scenarios ran among the tests and are counted there; here it is only said what they found. */
function reportTrials() {
  const files = existsSync(TRIALS) ? readdirSync(TRIALS).filter((name) => name.endsWith(".json")) : [];
  for (const file of files.toSorted()) {
    const { scenario, target, verdict, seed, parts } = JSON.parse(readFileSync(join(TRIALS, file), "utf8"));
    const lacked = parts.filter(({ lacks }) => lacks.length > 0).map(({ name }) => name);
    const remark = lacked.length > 0 ? `; not looked at: ${lacked.join(", ")}` : "";
    print(`  ${verdict.padEnd(12)} ${scenario} on ${target}, seed ${seed}${remark}`);
  }
  const passed = files.length > 0;
  report(
    "scenarios",
    passed,
    { output: "", seconds: "0.0" },
    passed ? `${files.length} trials` : "no scenario ran",
  );
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
}

/** It ran among the tests as well; here it is asked whether all of it did. */
async function reportSecuritySet() {
  const args = ["--conditions=assent-source", "scripts/security-set.ts", "--report", TESTS_REPORT];
  const outcome = await run("security set", "node", args);
  const passed = outcome.status === 0 && outcome.output.includes("Sec5");
  const members = outcome.output.match(/^ok /gm)?.length ?? 0;
  report(
    "security set",
    passed,
    outcome,
    passed ? `${members} members, all of each ran` : "not all of it ran and held",
  );
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
}

// Before anything is looked at; vitest asks again, for whoever starts it without this.
const refusal = refusalOf(findRealKeys(process.env));
if (refusal !== null) {
  print(refusal);
  process.exit(1);
}
rmSync(TESTS_REPORT, { force: true });
rmSync(TRIALS, { recursive: true, force: true });
mkdirSync(REPORTS, { recursive: true });

let failures = [];
const begun = performance.now();
const total = { passed: 0, failed: 0, skipped: 0 };
const add = ({ passed, failed, skipped }) => {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
};
async function runStaticStages() {
  for (const stage of STATIC_STAGES) add(await runStaticStage(stage));
}
const [, tested] = await Promise.all([runStaticStages(), runTests()]);
add(tested);
add(reportTrials());
add(await reportSecuritySet());

const minutes = (performance.now() - begun) / 60_000;
const aim = gate("tiers.pullRequestMinutesAim");
// Told and not failed for: machines differ by more than changes do.
if (minutes > aim) print(`note: ${minutes.toFixed(1)} minutes, where ${aim} are aimed at (gates.json)`);
// Once more, for whom the end is all there is.
if (failures.length > 0) print(namesOf(failures));
process.exitCode = total.failed === 0 ? 0 : 1;
print(
  `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`,
);
