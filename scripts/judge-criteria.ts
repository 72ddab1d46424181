// What the reports say of each exit criterion of the plan. No file is read here: whoever does hands over what is known,
// and why the rest is not. What is not known never counts as met.

import { SCENARIOS, SECURITY_SET } from "@assent/suite";
import { gate } from "./gates.ts";
import type { JudgedDays } from "./flake-ledger.ts";
import { percent, RATE_MAX, type RunReport } from "./flake-rate.ts";
import type { MutationGroup } from "./mutation-groups.ts";
import { judgeMutants, type MutationReport } from "./mutation-score.ts";
import { judgeMember, outcomesOf } from "./security-set.ts";

export type Verdict = "met" | "not_met" | "not_known";

/** One thing that a criterion asks, and what was found of it. */
export type Part = { readonly verdict: Verdict; readonly says: string };
export type Criterion = {
  readonly title: string;
  readonly verdict: Verdict;
  readonly parts: readonly Part[];
};

/** A report, or why there is none that tells of this commit. */
export type Report<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly why: string };

export type Trial = { readonly scenario: string; readonly target: string; readonly verdict: string };

/** What `npm run bench:runs` leaves; null where it was told not to measure that. */
export type BenchReport = {
  readonly startTime?: number;
  readonly rows?: readonly BenchRow[];
  readonly idleCommitsPerSecond: number | null;
  readonly longRun: { readonly first: number; readonly last: number } | null;
};

/** One measurement; all but the first three for one run. */
export type BenchRow = {
  readonly stored: number;
  readonly inFlight: number;
  readonly floorShare: number;
  readonly commits: number;
  readonly statements: number;
  readonly walBytes: number;
  readonly nodeCpuMs: number;
};

export type Reports = {
  /** Of the gate: `reports/vitest.json`, and of its output whether something broke outside of the tests. */
  readonly gate: Report<RunReport>;
  readonly gateOutput: Report<{ readonly isBrokenOutside: boolean }>;
  readonly night: Report<RunReport>;
  readonly trials: Report<readonly Trial[]>;
  /** By group. */
  readonly mutation: Readonly<Record<string, Report<MutationReport>>>;
  /** Of the last days, whatever commits they ran. */
  readonly flakes: Report<JudgedDays>;
  readonly bench: Report<BenchReport>;
};

/** What there is to run and to mutate, from the root of the repository. */
export type Tree = {
  readonly gateTests: readonly string[];
  readonly nightTests: readonly string[];
  /** Mutated files by group. */
  readonly mutated: Readonly<Record<string, Pick<MutationGroup, "mutate" | "gate">>>;
};

/** docs/performance.md, "To reach". */
export const AIMS = {
  inFlight: gate("performance.inFlight"),
  floorShareMin: gate("performance.floorShareMin"),
  commitsMax: gate("performance.commitsMax"),
  statementsMax: gate("performance.statementsMax"),
  walBytesMax: gate("performance.walBytesMax"),
  nodeCpuMsMax: gate("performance.nodeCpuMsMax"),
  idleCommitsPerSecondMax: gate("performance.idleCommitsPerSecondMax"),
  lateStepMax: gate("performance.lateStepMax"),
};

const DAYS_MIN = gate("flakes.days");
const NAMED_MAX = 5;

const met = (says: string): Part => ({ verdict: "met", says });
const notMet = (says: string): Part => ({ verdict: "not_met", says });
const notKnown = (says: string): Part => ({ verdict: "not_known", says });

const named = (names: readonly string[]): string =>
  names.slice(0, NAMED_MAX).join(", ") +
  (names.length > NAMED_MAX ? `, and ${names.length - NAMED_MAX} more` : "");

function partsOf<T>(report: Report<T>, judged: (value: T) => readonly Part[]): readonly Part[] {
  return report.known ? judged(report.value) : [notKnown(report.why)];
}

/** Every criterion in the plan's order. */
export function judgeAll(reports: Reports, tree: Tree): readonly Criterion[] {
  const { gate: ofGate, night } = reports;
  return [
    criterion("no critical or high finding in the security regression set", partsOf(ofGate, securityParts)),
    criterion("0 failing tests in tier 1", [
      ...partsOf(ofGate, (report) => [ranWhole("the gate", report, tree.gateTests)]),
      ...partsOf(reports.gateOutput, outputParts),
    ]),
    criterion("flake rate below 1 % over 7 days", partsOf(reports.flakes, flakeParts)),
    criterion("stress tests meet their objectives", [
      ...partsOf(reports.trials, stressParts),
      ...partsOf(night, (report) => [ranWhole("the night", report, tree.nightTests)]),
      ...partsOf(reports.bench, judgeAims),
    ]),
    criterion("each high-risk component has a destructive-path test", [
      ...partsOf(ofGate, (report) => [ranWhole("what is attacked by what", report, MAPPINGS)]),
      ...partsOf(night, (report) => [
        ranWhole(
          "guards taken out",
          report,
          tree.nightTests.filter((file) => GUARDS.test(file)),
        ),
      ]),
      ...mutationParts(reports.mutation, tree.mutated),
    ]),
  ];
}

/** Tests that hold which test destroys what: docs/invariants.md, threat-model.md, guards.md. */
const MAPPINGS = ["invariants", "threats", "guards"].map((name) => `tests/tidy/${name}.test.ts`);
const GUARDS = /^tests\/nightly\/guards[\w-]*\.test\.ts$/u;

function criterion(title: string, parts: readonly Part[]): Criterion {
  const has = (verdict: Verdict): boolean => parts.some((part) => part.verdict === verdict);
  // Without a part nothing was asked.
  const otherwise = parts.length === 0 || has("not_known") ? "not_known" : "met";
  return { title, verdict: has("not_met") ? "not_met" : otherwise, parts };
}

function securityParts(report: RunReport): readonly Part[] {
  const outcomes = outcomesOf(report);
  return SECURITY_SET.map((member) => {
    const { passed, failed, faults } = judgeMember(member, outcomes);
    if (faults.length === 0) return met(`${member.id}: ${passed} tests`);
    return (failed > 0 ? notMet : notKnown)(`${member.id}: ${named(faults)}`);
  });
}

/** Whether all of the files ran, each with a test at least, and nothing failed or was left out. */
function ranWhole(name: string, report: RunReport, files: readonly string[]): Part {
  const outcomes = outcomesOf(report).filter(({ file }) => files.includes(file));
  const failed = outcomes.filter(({ status }) => status === "failed");
  const ran = new Set(outcomes.map(({ file }) => file));
  // What did not load, or whose hook broke, has no failed test.
  const broken = brokenFiles(report).filter((file) => files.includes(file));
  if (failed.length + broken.length > 0)
    return notMet(
      `${name}: failed: ${named([...failed.map(({ file, title }) => `${file} > ${title}`), ...broken])}`,
    );
  const left = files.filter((file) => !ran.has(file));
  if (files.length === 0 || left.length > 0) return notKnown(`${name}: nothing ran of ${named(left)}`);
  const skipped = outcomes.filter(({ status }) => status !== "passed");
  if (skipped.length > 0)
    return notKnown(`${name}: left out: ${named(skipped.map(({ file, title }) => `${file} > ${title}`))}`);
  return met(`${name}: ${files.length} files, ${outcomes.length} tests passed`);
}

function brokenFiles({ testResults = [] }: RunReport): readonly string[] {
  return testResults
    .filter(
      ({ status, assertionResults }) =>
        status === "failed" && !assertionResults.some((one) => one.status === "failed"),
    )
    .flatMap(({ name }) => fileOf(name));
}

/** The path from the root, as {@link outcomesOf} tells it. */
const fileOf = (name: string): readonly string[] =>
  outcomesOf({ testResults: [{ name, assertionResults: [{ title: "", status: "" }] }] }).map(
    ({ file }) => file,
  );

const outputParts = ({ isBrokenOutside }: { readonly isBrokenOutside: boolean }): readonly Part[] => [
  isBrokenOutside
    ? notMet("something broke outside of the tests: reports/vitest.log")
    : met("nothing broke outside of the tests"),
];

function flakeParts({ verdict, days, runs, executions, bound, flaky }: JudgedDays): readonly Part[] {
  const says =
    `at most ${percent(bound)} of ${executions} executions in ${runs} runs, budget ${percent(RATE_MAX)}; ` +
    `${days} of ${DAYS_MIN} days`;
  if (verdict === "above") return [notMet(`${says}: ${named(flaky.map(({ test }) => test))}`)];
  return [(verdict === "within" ? met : notKnown)(says)];
}

/** Every stress scenario was put to Assent and held, on each of its targets of which there is a trial. */
function stressParts(trials: readonly Trial[]): readonly Part[] {
  return SCENARIOS.filter(({ phase }) => phase === "stress").map(({ id }) => {
    const ours = trials.filter(({ scenario, target }) => scenario === id && target.startsWith("assent"));
    const told = ours.map(({ target, verdict }) => `${verdict} on ${target}`).join(", ");
    if (ours.some(({ verdict }) => verdict === "FAIL")) return notMet(`${id}: ${told}`);
    if (ours.length === 0) return notKnown(`${id}: no trial of it (npm run test:nightly)`);
    return (ours.every(({ verdict }) => verdict === "PASS") ? met : notKnown)(`${id}: ${told}`);
  });
}

type Figure = readonly [name: string, found: number | undefined, holds: (found: number) => boolean];

export function judgeAims({ rows = [], idleCommitsPerSecond, longRun }: BenchReport): readonly Part[] {
  const ours = rows.filter(({ inFlight }) => inFlight === AIMS.inFlight);
  const most = (name: keyof BenchRow): number | undefined =>
    ours.length === 0 ? undefined : Math.max(...ours.map((row) => row[name]));
  const figures: readonly Figure[] = [
    [
      `share of the floor at ${AIMS.inFlight} in flight, at least ${AIMS.floorShareMin}`,
      ours.length === 0 ? undefined : Math.min(...ours.map(({ floorShare }) => floorShare)),
      (found) => found >= AIMS.floorShareMin,
    ],
    [`commits a run, at most ${AIMS.commitsMax}`, most("commits"), (found) => found <= AIMS.commitsMax],
    [
      `statements a run, at most ${AIMS.statementsMax}`,
      most("statements"),
      (found) => found <= AIMS.statementsMax,
    ],
    [
      `bytes of log a run, at most ${AIMS.walBytesMax}`,
      most("walBytes"),
      (found) => found <= AIMS.walBytesMax,
    ],
    [
      `ms of Node's processor a run, at most ${AIMS.nodeCpuMsMax}`,
      most("nodeCpuMs"),
      (found) => found <= AIMS.nodeCpuMsMax,
    ],
    [
      `commits a second when idle, at most ${AIMS.idleCommitsPerSecondMax}`,
      idleCommitsPerSecond ?? undefined,
      (found) => found <= AIMS.idleCommitsPerSecondMax,
    ],
    [
      `a late step's log by an early one's, at most ${AIMS.lateStepMax}`,
      longRun == null ? undefined : longRun.last / longRun.first,
      (found) => found <= AIMS.lateStepMax,
    ],
  ];
  return figures.map(([name, found, holds]) => {
    if (found === undefined || !Number.isFinite(found)) return notKnown(`${name}: not measured`);
    return (holds(found) ? met : notMet)(`${name}: ${found.toFixed(2)}`);
  });
}

function mutationParts(reports: Reports["mutation"], mutated: Tree["mutated"]): readonly Part[] {
  const groups = Object.entries(mutated);
  if (groups.length === 0) return [notKnown("nothing is mutated")];
  return groups.flatMap(([group, { mutate, gate: least }]) =>
    partsOf(reports[group] ?? { known: false, why: `${group}: no report (npm run mutate)` }, (report) => [
      judgeMutants(group, report, mutate, gate(least)),
    ]),
  );
}
