// What the gate prints of tests that failed: their names first, then why, because whoever reads a gate's output often gets only
// the beginning of it, or the end. All that was said is kept in a file.

/** Lines of why that are printed; the file has all. */
const LINES = 400;

/** What of one entry of `testResults` in vitest's JSON report is read here. */
export type TestedFile = {
  readonly name: string;
  readonly status: string;
  readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
};

/**
 * Reads the names of what failed out of vitest's JSON report.
 * @param results `testResults` of the report
 * @param root the folder that paths are told from, with its slash
 * @returns one name for each failed test, and for each file that failed without one (it did not load, a hook of it broke)
 */
export function failuresOf(results: readonly TestedFile[], root: string): string[] {
  return results.flatMap((file) => {
    const path = file.name.startsWith(root) ? file.name.slice(root.length) : file.name;
    const failed = file.assertionResults.filter(({ status }) => status === "failed");
    if (failed.length > 0) return failed.map(({ fullName }) => `${path} > ${fullName}`);
    return file.status === "failed" ? [path] : [];
  });
}

/**
 * Finds what vitest says after its list of tests: why files and tests failed, and errors that belong to none of them.
 * @returns empty where it gave no reasons
 */
export function reasonsIn(output: string): string {
  const reasons = /^⎯+ (?:Failed (?:Suites|Tests)|Unhandled Errors)[\s\S]*$/mu.exec(output)?.[0] ?? "";
  const lines = reasons.trimEnd().split("\n");
  return lines.length > LINES
    ? `${lines.slice(0, LINES).join("\n")}\n… ${lines.length - LINES} lines more`
    : lines.join("\n");
}

/** The tests that failed until now, as vitest lists them: a gate that is cut off has said them. */
export const failedSoFar = (output: string): string[] =>
  (output.match(/^\s+× .*$/gmu) ?? []).map((line) => line.trim());
