// How many of a group's mutants its tests found, by Stryker's own report.

/** What of a mutation report is read. */
export type MutationReport = {
  readonly files?: Readonly<Record<string, { readonly mutants: readonly { readonly status: string }[] }>>;
};

const FOUND: readonly string[] = ["Killed", "Timeout"];
const MISSED: readonly string[] = ["Survived", "NoCoverage"];

/**
 * @param mutated the files of the group: a report that lacks one of them tells nothing of it
 * @param scoreMin percent of the mutants that have to be found
 */
export function judgeMutants(
  group: string,
  { files = {} }: MutationReport,
  mutated: readonly string[],
  scoreMin: number,
): { readonly verdict: "met" | "not_met" | "not_known"; readonly says: string } {
  const left = mutated.filter((file) => !Object.hasOwn(files, file));
  if (mutated.length === 0 || left.length > 0)
    return { verdict: "not_known", says: `${group}: not mutated: ${left.join(", ")}` };
  const statuses = mutated.flatMap((file) => (files[file]?.mutants ?? []).map(({ status }) => status));
  const found = statuses.filter((status) => FOUND.includes(status)).length;
  const all = found + statuses.filter((status) => MISSED.includes(status)).length;
  if (all === 0) return { verdict: "not_known", says: `${group}: no mutant was tried` };
  const score = (100 * found) / all;
  return {
    verdict: score >= scoreMin ? "met" : "not_met",
    says: `${group}: ${score.toFixed(1)} % of ${all} mutants found, at least ${scoreMin}`,
  };
}
