// Puts mutants to the unit tests, one group after the other (scripts/mutation-groups.ts), and says of each how many were
// found. Each group leaves a report under reports/mutation/.
//
//   npm run mutate                        all groups
//   npm run mutate -- policies proofs     these
//   npm run mutate -- --list              the groups, as JSON, for whoever runs them beside each other

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gate } from "./gates.ts";
import { MUTATION_GROUPS } from "./mutation-groups.ts";
import { judgeMutants, type MutationReport } from "./mutation-score.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
export const MUTATION_REPORTS = "reports/mutation";

const reportOf = (group: string): string => join(ROOT, MUTATION_REPORTS, `${group}.json`);

/** @returns whether enough of the group's mutants were found */
function mutate(group: string): boolean {
  const report = reportOf(group);
  // What is left of a run that broke is no report of this one.
  rmSync(report, { force: true });
  const { status } = spawnSync(join(ROOT, "node_modules", ".bin", "stryker"), ["run"], {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, ASSENT_MUTATION_GROUP: group },
    shell: process.platform === "win32",
  });
  if (status !== 0 || !existsSync(report)) {
    process.stdout.write(`FAILED ${group}: Stryker broke\n`);
    return false;
  }
  const read: MutationReport = JSON.parse(readFileSync(report, "utf8"));
  const { verdict, says } = judgeMutants(
    group,
    read,
    MUTATION_GROUPS[group]?.mutate ?? [],
    gate(MUTATION_GROUPS[group]?.gate ?? "mutation.scoreMin"),
  );
  process.stdout.write(`${verdict === "met" ? "ok    " : "FAILED"} ${says}\n`);
  return verdict === "met";
}

function main(): void {
  const { values, positionals } = parseArgs({
    options: { list: { type: "boolean" } },
    allowPositionals: true,
  });
  const all = Object.keys(MUTATION_GROUPS);
  if (values.list === true) {
    process.stdout.write(`${JSON.stringify(all)}\n`);
    return;
  }
  const unknown = positionals.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    process.stderr.write(`mutate: there is no group ${unknown}; there are ${all.join(", ")}\n`);
    process.exitCode = 2;
    return;
  }
  mkdirSync(join(ROOT, MUTATION_REPORTS), { recursive: true });
  const failed = (positionals.length === 0 ? all : positionals).filter((group) => !mutate(group));
  if (failed.length === 0) return;
  process.stdout.write(`mutate: too few mutants found: ${failed.join(", ")}\n`);
  process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
