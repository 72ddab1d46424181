// Tier 3: what is asked before a release, as one command. Each step says what it found, keeps what was said as evidence
// under its digest (reports/release/), and is carried out however those before it ended.
//
//   npm run release:check                     all of it
//   npm run release:check -- --list           the steps
//   npm run release:check -- --only drills    one step (may be repeated); then nothing is said of the whole
//
// 0: everything is ok; 1: something failed; 4: nothing failed, and not everything can be told. It publishes nothing.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { judgeNight, readNight } from "./night.ts";
import { type BenchReport, judgeAims } from "./judge-criteria.ts";
import { carryOut, cleanCommit, exitOfSteps, lineOfStep, ROOT, type StepResult } from "./tiers.ts";

const FOLDER = join("reports", "release");

/**
 * The drills: an upgrade with runs under way, and back; a machine that is lost and its backup; processes, migrations,
 * Postgres and the disk that fail in the middle; and a step that fails after others were done.
 */
export const DRILLS: readonly string[] = [
  "tests/nightly/rolling-upgrade.test.ts",
  "tests/nightly/lost-machine.test.ts",
  "tests/nightly/kill.test.ts",
  "tests/nightly/drill-command.test.ts",
  "tests/nightly/migration-kills.test.ts",
  "tests/nightly/postgres-restarts.test.ts",
  "tests/nightly/audit-disk.test.ts",
  "tests/nightly/killed-store.test.ts",
  "tests/nightly/driven-taking-back.test.ts",
];

const told = (step: string, { verdict, says }: Pick<StepResult, "verdict" | "says">): StepResult => ({
  step,
  verdict,
  says,
  seconds: 0,
  evidence: null,
});

function askForCommit(): StepResult {
  const found = cleanCommit();
  return "commit" in found
    ? told("commit", { verdict: "ok", says: found.commit })
    : told("commit", { verdict: "not_known", says: found.why });
}

function askForNight(): StepResult {
  const found = cleanCommit();
  return told(
    "night",
    "commit" in found
      ? judgeNight(readNight(), found.commit, Date.now())
      : { verdict: "not_known", says: found.why },
  );
}

const MEASURED = join(ROOT, "reports", "bench-runs.json");

/** Measured anew: a report that lies there may be of another machine. */
function measure(): StepResult {
  rmSync(MEASURED, { force: true });
  const measured = carryOut("performance", ["npm", "run", "bench:runs"], FOLDER);
  if (measured.verdict !== "ok") return measured;
  const report: BenchReport = JSON.parse(readFileSync(MEASURED, "utf8"));
  const parts = judgeAims(report);
  const lacking = parts.filter(({ verdict }) => verdict !== "met");
  const isMissed = lacking.some(({ verdict }) => verdict === "not_met");
  return {
    ...measured,
    verdict: lacking.length === 0 ? "ok" : isMissed ? "failed" : "not_known",
    says:
      lacking.length === 0
        ? `${parts.length} objectives are met`
        : lacking.map(({ says }) => says).join("; "),
  };
}

const vitest = (files: readonly string[]): readonly [string, ...string[]] => [
  join(ROOT, "node_modules", ".bin", "vitest"),
  "run",
  "--project",
  "nightly",
  ...files,
];

const STEPS: Readonly<Record<string, () => StepResult>> = {
  commit: askForCommit,
  night: askForNight,
  gates: () => carryOut("gates", ["npm", "run", "--silent", "gates"], FOLDER),
  security: () => carryOut("security", ["npm", "run", "test:security"], FOLDER),
  drills: () => carryOut("drills", vitest(DRILLS), FOLDER),
  performance: measure,
  packages: () => carryOut("packages", ["npm", "run", "build"], FOLDER),
};

function main(): void {
  const { values } = parseArgs({
    options: { list: { type: "boolean" }, only: { type: "string", multiple: true, default: [] } },
  });
  const names = Object.keys(STEPS);
  const unknown = values.only.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    process.stderr.write(`release: there is no step ${unknown}; there are ${names.join(", ")}\n`);
    process.exitCode = 2;
    return;
  }
  if (values.list === true) {
    process.stdout.write(`${names.join("\n")}\n`);
    return;
  }
  const results: StepResult[] = [];
  for (const [name, step] of Object.entries(STEPS)) {
    if (values.only.length > 0 && !values.only.includes(name)) continue;
    const result = step();
    process.stdout.write(`${lineOfStep(result)}\n`);
    results.push(result);
  }
  mkdirSync(join(ROOT, FOLDER), { recursive: true });
  writeFileSync(
    join(ROOT, FOLDER, "summary.json"),
    `${JSON.stringify({ endTime: Date.now(), results }, null, 2)}\n`,
  );
  process.exitCode = exitOfSteps(results);
  const count = (verdict: StepResult["verdict"]): number =>
    results.filter((one) => one.verdict === verdict).length;
  process.stdout.write(
    `${values.only.length > 0 ? "of these steps: " : "release: "}${count("ok")} ok, ${count("failed")} failed, ` +
      `${count("not_known")} not known; evidence in ${FOLDER}/\n`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
