// The security regression set by its name: `npm run test:security` runs it, with `-- --list` it is listed, and the gate
// asks whether all of it ran (`--report <file>`). A member of which nothing ran, or anything was left out, fails.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SECURITY_SET, type SecurityMember } from "@assent/suite";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const REPORT = join(ROOT, "reports", "security-set.json");
/** Where every scenario is put to Assent itself. */
const SCENARIO_TESTS: readonly string[] = [
  "tests/e2e/scenarios.test.ts",
  "tests/e2e/scenarios-two-processes.test.ts",
];

export type Outcome = { readonly file: string; readonly title: string; readonly status: string };

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
const rowsOf = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? value.filter(isObject) : [];

/** What a JSON report of vitest says of each test, its file told from the root of the repository. */
export function outcomesOf(report: unknown): Outcome[] {
  return rowsOf(isObject(report) ? report["testResults"] : []).flatMap((tests) =>
    rowsOf(tests["assertionResults"]).map(({ title, status }) => ({
      file: relative(ROOT, String(tests["name"])).replaceAll("\\", "/"),
      title: String(title),
      status: String(status),
    })),
  );
}

function readReport(file: string): Outcome[] {
  return existsSync(file) ? outcomesOf(JSON.parse(readFileSync(file, "utf8"))) : [];
}

type Verdict = {
  readonly passed: number;
  /** Of `faults`, those that ran and failed; what is left was not looked at. */
  readonly failed: number;
  readonly faults: readonly string[];
};

/** Whether all of a member ran, and held. */
export function judgeMember({ tests, scenarios }: SecurityMember, outcomes: readonly Outcome[]): Verdict {
  const parts = [
    ...tests.map((file) => ({ name: file, of: outcomes.filter((one) => one.file === file) })),
    ...scenarios.map((id) => ({
      name: id,
      of: outcomes.filter(({ file, title }) => SCENARIO_TESTS.includes(file) && title === id),
    })),
  ];
  const faults = parts.flatMap(({ name, of }) => {
    const bad = of.filter(({ status }) => status !== "passed");
    if (of.length === 0) return [`${name}: nothing of it ran`];
    return bad.map(({ title, status }) => `${name}: ${status}: ${title}`);
  });
  const ran = parts.flatMap(({ of }) => of);
  return { passed: ran.length, failed: ran.filter(({ status }) => status === "failed").length, faults };
}

/** @returns whether every member ran whole and held */
function reportMembers(outcomes: readonly Outcome[]): boolean {
  let holds = true;
  for (const member of SECURITY_SET) {
    const { passed, faults } = judgeMember(member, outcomes);
    const ran = `${member.tests.length} files, ${member.scenarios.length} scenarios, ${passed} tests`;
    console.log(`${faults.length === 0 ? "ok    " : "FAILED"} ${member.id}: ${member.title} (${ran})`);
    for (const fault of faults) console.log(`  | ${fault}`);
    holds &&= faults.length === 0;
  }
  return holds;
}

function list(): void {
  for (const { id, title, demand, scenarios, tests } of SECURITY_SET)
    console.log(
      [`${id}: ${title}`, `  ${demand}`, ...[...scenarios, ...tests].map((name) => `  ${name}`)].join("\n"),
    );
}

/** Vitest also fails for what belongs to no test: an unhandled rejection, a set-up that broke. */
let broken = 0;

function vitest(args: readonly string[], file: string): Outcome[] {
  rmSync(file, { force: true });
  const { status } = spawnSync(
    join(ROOT, "node_modules", ".bin", "vitest"),
    ["run", ...args, "--reporter=default", "--reporter=json", `--outputFile.json=${file}`],
    { cwd: ROOT, stdio: "inherit", shell: process.platform === "win32" },
  );
  const outcomes = readReport(file);
  if (status !== 0 && !outcomes.some((one) => one.status === "failed")) broken += 1;
  return outcomes;
}

function run(): boolean {
  mkdirSync(dirname(REPORT), { recursive: true });
  const files = SECURITY_SET.flatMap(({ tests }) => tests);
  const ids = SECURITY_SET.flatMap(({ scenarios }) => scenarios);
  const holds = reportMembers([
    ...vitest(files, REPORT),
    ...vitest(
      [...SCENARIO_TESTS, "--testNamePattern", `(?:${ids.join("|")})$`],
      `${REPORT}.scenarios`,
    ).filter(
      // The others of that file were not asked for.
      ({ title }) => ids.includes(title),
    ),
  ]);
  if (broken > 0) console.log("FAILED vitest: something broke outside of the tests; see above");
  return holds && broken === 0;
}

function main(): void {
  const { values } = parseArgs({ options: { list: { type: "boolean" }, report: { type: "string" } } });
  if (values.list === true) list();
  else if (!(values.report === undefined ? run() : reportMembers(readReport(values.report))))
    process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
