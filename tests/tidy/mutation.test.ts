// What `npm run mutate` is told to mutate is there: of a place where nothing is, no mutant is made and none survives. And
// each group is put to tests that there are, in a night of its own.

import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { expect, test } from "vitest";
import { type MutationGroup, MUTATION_GROUPS } from "../../scripts/mutation-groups.ts";
import { judgeMutants } from "../../scripts/mutation-score.ts";
import { read, ROOT } from "./tree.ts";

const GROUPS = Object.entries(MUTATION_GROUPS);

/** The places that hold no code of ours. */
const empty = ({ mutate }: Pick<MutationGroup, "mutate">): string[] =>
  mutate.filter((place) => {
    const files = globSync(place, { cwd: ROOT });
    return files.length !== 1 || !/^packages\/\w+\/src\/.+(?<!\.test)\.ts$/u.test(files[0] ?? "");
  });

const testsOf = ({ tests }: MutationGroup): string[] => {
  const [taken, left] = [false, true].map((isLeft) =>
    tests
      .filter((pattern) => pattern.startsWith("!") === isLeft)
      .flatMap((pattern) => globSync(pattern.replace(/^!/u, ""), { cwd: ROOT })),
  );
  return (taken ?? []).filter((file) => left?.includes(file) !== true);
};

test("every place that is mutated has code, and is in one group", () => {
  expect(GROUPS.length).toBeGreaterThan(5);
  for (const [name, group] of GROUPS) expect([name, empty(group)]).toEqual([name, []]);
  const places = GROUPS.flatMap(([, { mutate }]) => mutate);
  expect(new Set(places).size).toBe(places.length);
});

test("what the plan wants mutated is: policies, redaction whole, idempotency, states", () => {
  const places = new Set(GROUPS.flatMap(([, { mutate }]) => mutate));
  const redaction = globSync("packages/harness/src/core/redact/*.ts", { cwd: ROOT }).filter(
    (file) => !file.endsWith(".test.ts"),
  );
  expect(redaction.length).toBeGreaterThan(15);
  const wanted = [
    ...redaction,
    ...["decide/policy-verdict", "decide/may-approve", "run/run"].map(
      (name) => `packages/harness/src/core/${name}.ts`,
    ),
    "packages/harness/src/services/kept-answer.ts",
  ];
  expect(wanted.filter((file) => !places.has(file))).toEqual([]);
});

test("mutants are put to tests that there are, and what the configuration names is known to Stryker", async () => {
  for (const [name, group] of GROUPS) {
    expect([name, testsOf(group).length > 0]).toEqual([name, true]);
    expect(testsOf(group).filter((file) => !file.endsWith(".test.ts"))).toEqual([]);
  }
  const { status, stdout } = spawnSync(process.execPath, ["scripts/mutate.ts", "--list"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  expect([status, JSON.parse(stdout)]).toEqual([0, GROUPS.map(([name]) => name)]);
  // A night does them beside each other, each under its own name.
  const night = read(".github/workflows/nightly.yml");
  const listed = /group:\s*\[(?<groups>[^\]]+)\]/u.exec(night)?.groups?.["groups"]?.match(/[\w-]+/gu) ?? [];
  expect([...listed]).toEqual(GROUPS.map(([name]) => name));
});

test.each(["packages/harness/src/run/run.ts", "packages/tlog/src/*.ts", "packages/tlog/verify.py"])(
  "finds that %s is none",
  (place) => {
    expect(empty({ mutate: [place] })).toEqual([place]);
  },
);

const report = (statuses: readonly string[]) => ({
  files: { "a.ts": { mutants: statuses.map((status) => ({ status })) } },
});

test("what was found and what was not are counted, and what says nothing is in neither", () => {
  const statuses = ["Killed", "Timeout", "Survived", "NoCoverage", "Ignored", "CompileError", "RuntimeError"];
  expect(judgeMutants("g", report(statuses), ["a.ts"], 50)).toEqual({
    verdict: "met",
    says: "g: 50.0 % of 4 mutants found, at least 50",
  });
  expect(judgeMutants("g", report(statuses), ["a.ts"], 50.1).verdict).toBe("not_met");
  expect(judgeMutants("g", report(["Ignored"]), ["a.ts"], 50).verdict).toBe("not_known");
  expect(judgeMutants("g", report(statuses), ["a.ts", "b.ts"], 50)).toEqual({
    verdict: "not_known",
    says: "g: not mutated: b.ts",
  });
  expect(judgeMutants("g", {}, [], 50).verdict).toBe("not_known");
});
