// The exit criteria of the plan (docs/plan.md) as `npm run exit-criteria` tells them: what is not known never counts as met,
// and each kind of bad news makes its criterion not met.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SCENARIOS, SECURITY_SET } from "@assent/suite";
import { afterAll, expect, test } from "vitest";
import { exitOf, linesOf, readReports, readSince } from "../../scripts/exit-criteria.ts";
import { judgeDays, type LedgerLine, writeLedger } from "../../scripts/flake-ledger.ts";
import type { RunReport } from "../../scripts/flake-rate.ts";
import { AIMS, judgeAll, type Report, type Reports, type Tree } from "../../scripts/judge-criteria.ts";
import { MUTATION_GROUPS } from "../../scripts/mutation-groups.ts";
import { read, ROOT } from "./tree.ts";

const E2E = "tests/e2e/scenarios.test.ts";
const IDS = SECURITY_SET.flatMap(({ scenarios }) => scenarios);
const MAPPINGS = ["invariants", "threats", "guards"].map((name) => `tests/tidy/${name}.test.ts`);
const GATE = [...new Set([...SECURITY_SET.flatMap(({ tests }) => tests), E2E, ...MAPPINGS])];
const NIGHT = ["tests/nightly/guards.test.ts", "tests/nightly/flood.test.ts"];
const groupOf = (...mutate: readonly string[]): Tree["mutated"][string] => ({
  mutate,
  gate: "mutation.scoreMin",
});
const TREE: Tree = { gateTests: GATE, nightTests: NIGHT, mutated: { guards: groupOf("a.ts") } };

type Status = "passed" | "failed" | "skipped";
const file = (name: string, titles: readonly string[], status: Status = "passed") => ({
  name: `${ROOT}${name}`,
  status: status === "failed" ? "failed" : "passed",
  assertionResults: titles.map((title) => ({ fullName: title, title, status })),
});
const runOf = (files: readonly string[], startTime = 0): RunReport => ({
  startTime,
  testResults: files.map((name) => file(name, name === E2E ? IDS : ["a test"])),
});
const known = <T>(value: T): Report<T> => ({ known: true, value });
const DAY = 86_400_000;
const NOW = 20_000 * DAY + DAY / 2;
/** Runs of so many days ago; each of them another commit. */
const line = (daysAgo: number, misses = 0): LedgerLine => ({
  commit: String(daysAgo).padStart(40, "0"),
  startTime: NOW - daysAgo * DAY,
  runs: 5,
  broken: 0,
  tests: 100,
  executions: 500,
  flaky: misses === 0 ? [] : [{ test: "a.test.ts > a", passed: 1, failed: misses }],
});
const WEEK = [0, 1, 2, 3, 4, 5, 6];
const flakes = (...lines: readonly LedgerLine[]): Pick<Reports, "flakes"> => ({
  flakes: known(judgeDays(lines, NOW)),
});
const mutants = (killed: number, survived: number): Reports["mutation"] => ({
  guards: known({
    files: {
      "a.ts": {
        mutants: [
          ...Array.from({ length: killed }, () => ({ status: "Killed" })),
          ...Array.from({ length: survived }, () => ({ status: "NoCoverage" })),
        ],
      },
    },
  }),
});
const ROW = {
  stored: 0,
  inFlight: 16,
  floorShare: 0.4,
  commits: 8,
  statements: 14,
  walBytes: 4_000,
  nodeCpuMs: 2,
};
const BENCH = { rows: [ROW], idleCommitsPerSecond: 1, longRun: { first: 100, last: 105 } };
const STRESS = SCENARIOS.filter(({ phase }) => phase === "stress").map(({ id }) => ({
  scenario: id,
  target: "assent over two processes",
  verdict: "PASS",
}));

const GOOD: Reports = {
  gate: known(runOf(GATE)),
  gateOutput: known({ isBrokenOutside: false }),
  night: known(runOf(NIGHT)),
  trials: known(STRESS),
  mutation: mutants(90, 10),
  ...flakes(...WEEK.map((day) => line(day))),
  bench: known(BENCH),
};
const verdicts = (reports: Partial<Reports>, tree: Partial<Tree> = {}): readonly string[] =>
  judgeAll({ ...GOOD, ...reports }, { ...TREE, ...tree }).map(({ verdict }) => verdict);
const ALL_MET = ["met", "met", "met", "met", "met"];

/** All met but the criteria at these places, counted from 1. */
const but = (...changed: readonly (readonly [place: number, verdict: string])[]): readonly string[] =>
  ALL_MET.map((one, at) => changed.find(([place]) => place === at + 1)?.[1] ?? one);

test("with every report good all five are met, and only then is the exit 0", () => {
  const criteria = judgeAll(GOOD, TREE);
  expect(linesOf(criteria).filter((told) => !told.startsWith("  | met") && !told.startsWith("met "))).toEqual(
    [],
  );
  expect(criteria).toHaveLength(5);
  expect(exitOf(criteria)).toBe(0);
  for (const verdict of ["not_met", "not_known"] as const)
    for (const [at, one] of criteria.entries())
      expect(exitOf(criteria.with(at, { ...one, verdict }))).toBe(verdict === "not_met" ? 1 : 4);
  expect(exitOf([])).toBe(4);
});

test.each([
  ["gate", [1, 2, 5]],
  ["gateOutput", [2]],
  ["night", [4, 5]],
  ["trials", [4]],
  ["flakes", [3]],
  ["bench", [4]],
] as const)("without its report %s no criterion that needs it is met", (name, places) => {
  expect(verdicts({ [name]: { known: false, why: "it is not there" } })).toEqual(
    but(...places.map((place) => [place, "not_known"] as const)),
  );
});

const without = (names: readonly string[], one: string): RunReport =>
  runOf(names.filter((name) => name !== one));
const having = (names: readonly string[], one: ReturnType<typeof file>): RunReport => ({
  testResults: [...(without(names, one.name.slice(ROOT.length)).testResults ?? []), one],
});
const FIRST = SECURITY_SET[0]?.tests[0] ?? "";
const GUARDS = NIGHT[0] ?? "";
const FLOOD = NIGHT[1] ?? "";

test.each<readonly [string, Partial<Reports>, readonly string[]]>([
  [
    "a failed test of the set",
    { gate: known(having(GATE, file(FIRST, ["a"], "failed"))) },
    but([1, "not_met"], [2, "not_met"]),
  ],
  [
    "a file of the set that did not run",
    { gate: known(without(GATE, FIRST)) },
    but([1, "not_known"], [2, "not_known"]),
  ],
  [
    "a test of the set left out",
    { gate: known(having(GATE, file(FIRST, ["a"], "skipped"))) },
    but([1, "not_known"], [2, "not_known"]),
  ],
  [
    "a scenario of the set that did not run",
    { gate: known(having(GATE, file(E2E, IDS.slice(1)))) },
    but([1, "not_known"]),
  ],
  [
    "a file that did not load",
    { gate: known(having(GATE, { ...file(MAPPINGS[0] ?? "", ["a"]), status: "failed" })) },
    but([2, "not_met"], [5, "not_met"]),
  ],
  ["an error outside of the tests", { gateOutput: known({ isBrokenOutside: true }) }, but([2, "not_met"])],
  [
    "guards of the night that stayed red",
    { night: known(having(NIGHT, file(GUARDS, ["a"], "failed"))) },
    but([4, "not_met"], [5, "not_met"]),
  ],
  ["a night that was cut off", { night: known(without(NIGHT, FLOOD)) }, but([4, "not_known"])],
  [
    "a stress scenario that failed",
    { trials: known(STRESS.map((one) => ({ ...one, verdict: "FAIL" }))) },
    but([4, "not_met"]),
  ],
  [
    "one that was inconclusive",
    {
      trials: known([
        ...STRESS.slice(1),
        { ...STRESS[0], scenario: STRESS[0]?.scenario ?? "", target: "assent", verdict: "INCONCLUSIVE" },
      ]),
    },
    but([4, "not_known"]),
  ],
  [
    "one that was put to a toy alone",
    { trials: known(STRESS.map((one) => ({ ...one, target: "toy" }))) },
    but([4, "not_known"]),
  ],
  ["too few mutants found", { mutation: mutants(89, 11) }, but([5, "not_met"])],
  ["no mutant", { mutation: mutants(0, 0) }, but([5, "not_known"])],
  ["flakes above the budget", flakes(...WEEK.map((day) => line(day, 6))), but([3, "not_met"])],
  ["flakes above the budget on a single day", flakes(line(0, 30)), but([3, "not_met"])],
  ["a flake now and then", flakes(...WEEK.map((day) => line(day, day === 3 ? 5 : 0))), ALL_MET],
  ["six days of runs", flakes(...[0, 0, 1, 2, 3, 4, 5].map((day) => line(day))), but([3, "not_known"])],
  ["days that are over", flakes(...WEEK.map((day) => line(day + 1))), but([3, "not_known"])],
  ["days that are to come", flakes(...WEEK.map((day) => line(day - 1))), but([3, "not_known"])],
  ["no run", flakes(), but([3, "not_known"])],
  [
    "too many commits a run",
    { bench: known({ ...BENCH, rows: [{ ...ROW, commits: 8.1 }] }) },
    but([4, "not_met"]),
  ],
  [
    "too little of the floor in one measurement of two",
    { bench: known({ ...BENCH, rows: [ROW, { ...ROW, floorShare: 0.3 }] }) },
    but([4, "not_met"]),
  ],
  [
    "a bench that measured another number in flight",
    { bench: known({ ...BENCH, rows: [{ ...ROW, inFlight: 8 }] }) },
    but([4, "not_known"]),
  ],
  [
    "a bench that did not idle",
    { bench: known({ ...BENCH, idleCommitsPerSecond: null }) },
    but([4, "not_known"]),
  ],
  [
    "late steps that cost more",
    { bench: known({ ...BENCH, longRun: { first: 100, last: 120 } }) },
    but([4, "not_met"]),
  ],
])("%s", (_what, reports, expected) => {
  expect(verdicts(reports)).toEqual(expected);
});

test("a tree without tests or mutated files shows nothing", () => {
  expect(verdicts({}, { gateTests: [] })).toEqual(but([2, "not_known"]));
  expect(verdicts({}, { nightTests: [] })).toEqual(but([4, "not_known"], [5, "not_known"]));
  for (const mutated of [
    {},
    { guards: groupOf("a.ts", "b.ts") },
    { guards: groupOf("a.ts"), others: groupOf("c.ts") },
  ])
    expect(verdicts({}, { mutated })).toEqual(but([5, "not_known"]));
});

const folder = mkdtempSync(join(tmpdir(), "exit-criteria-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("a report that is missing, older than the commit or none is not known, and says which and from what", () => {
  const put = (name: string, content: string, at = 20): void => {
    for (const one of ["trials", "mutation"]) mkdirSync(join(folder, "reports", one), { recursive: true });
    writeFileSync(join(folder, "reports", name), content);
    utimesSync(join(folder, "reports", name), at, at);
  };
  const reports = (since: Report<number>): Reports => readReports(join(folder, "reports"), since, NOW);
  const wrong = (since: Report<number>): readonly string[] => {
    const { mutation, ...others } = reports(since);
    return [...Object.values(others), ...Object.values(mutation)].flatMap((one) =>
      one.known ? [] : [one.why],
    );
  };
  const groups = Object.keys(MUTATION_GROUPS).length;
  const all = 6 + groups;
  expect(wrong(known(10_000))).toHaveLength(all);
  writeLedger(join(folder, "reports", "flakes.jsonl"), [line(0)]);
  for (const name of ["vitest", "nightly", "bench-runs"])
    put(`${name}.json`, JSON.stringify({ startTime: 15_000, testResults: [], rows: [] }));
  put("vitest.log", "all well");
  for (const group of Object.keys(MUTATION_GROUPS)) put(`mutation/${group}.json`, "{}");
  put("trials/a.json", JSON.stringify({ durationMs: 5_000 }));
  expect(wrong(known(15_000))).toEqual([]);
  // Begun before, though it was written after. A rate over days is of many commits.
  expect(wrong(known(15_001))).toHaveLength(4);
  expect(wrong(known(20_001))).toHaveLength(all - 1);
  expect(wrong({ known: false, why: "changed" })).toEqual(Array.from({ length: all - 1 }, () => "changed"));
  // Of the gate before.
  put("vitest.log", "all well", 19);
  expect(wrong(known(15_000))).toEqual([
    "reports/vitest.log is older than what is checked out here (npm test)",
  ]);
  put("vitest.log", `all well\n${"⎯".repeat(6)} Unhandled Errors ⎯⎯\nError: x`);
  expect(reports(known(15_000)).gateOutput).toEqual(known({ isBrokenOutside: true }));
  put("mutation/proofs.json", "null");
  put("nightly.json", "{");
  put("flakes.jsonl", '{"commit":"x"}');
  expect(wrong(known(15_000))).toEqual([
    expect.stringMatching(/nightly\.json cannot be read/u),
    expect.stringMatching(/flakes\.jsonl cannot be read: line 1/u),
    expect.stringMatching(/mutation.proofs\.json cannot be read/u),
  ]);
});

test("what is here is as old as its commit, or the move to it, and unknown where files were changed", () => {
  const root = join(folder, "repository");
  mkdirSync(root);
  expect(readSince(root).known).toBe(false);
  const at = (seconds: number, ...args: readonly string[]): void => {
    const date = `@${seconds} +0000`;
    const env = {
      ...process.env,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_DATE: date,
      GIT_CONFIG_GLOBAL: "/dev/null",
    };
    const who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.logAllRefUpdates=true"];
    execFileSync("git", ["-C", root, ...who, ...args], { env, stdio: "ignore" });
  };
  at(1_000, "init", "-b", "main");
  at(1_000, "commit", "--allow-empty", "-m", "one");
  at(2_000, "commit", "--allow-empty", "-m", "two");
  expect(readSince(root)).toEqual(known(2_000_000));
  at(3_000, "checkout", "HEAD~1");
  expect(readSince(root)).toEqual(known(3_000_000));
  // The same commit under another name.
  at(4_000, "checkout", "-b", "again");
  expect(readSince(root)).toEqual(known(3_000_000));
  writeFileSync(join(root, "a"), "");
  expect(readSince(root)).toMatchObject({ known: false, why: expect.stringMatching(/changed/u) });
});

test("what is aimed at is what the page says", () => {
  const page = read("docs/performance.md").replaceAll(/\s+/gu, " ");
  const { inFlight, floorShareMin, commitsMax, statementsMax, walBytesMax, nodeCpuMsMax } = AIMS;
  expect(page).toContain(
    `To reach: at ${inFlight} in flight ${floorShareMin} of the floor; at most ${commitsMax} commits, ${statementsMax} statements, ` +
      `${walBytesMax / 1_024} KB of log and ${nodeCpuMsMax} ms of Node's processor a run;`,
  );
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(read("package.json"));
  expect(scripts["test:nightly"]).toContain("--outputFile.json=reports/nightly.json");
  expect(scripts["exit-criteria"]).toContain("scripts/exit-criteria.ts");
});
