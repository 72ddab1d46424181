// The suite as its users run it: a command of its own against a URL, knowing nothing but keys.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { createInProcessTarget } from "./local-target.ts";

const COMMAND = fileURLToPath(new URL("../../../packages/suite/bin/assent-suite.mjs", import.meta.url));

export type SuiteOutcome = {
  readonly stdout: string;
  readonly passed: number;
  readonly skipped: number;
};

/**
 * Runs the command against a target that has started, under seed 42.
 * @param only the scenarios; all that it has where there is none
 * @throws what it wrote, where a scenario failed or it did not come to its last line
 */
export async function runSuite(
  target: ReturnType<typeof createInProcessTarget>,
  only: readonly string[] = [],
): Promise<SuiteOutcome> {
  const keys = {
    "--token": "requester",
    "--approver-token": "approver",
    "--other-token": "other_principal",
    "--other-tenant-token": "other_tenant",
  } as const;
  const { stdout } = await promisify(execFile)(process.execPath, [
    COMMAND,
    target.endpoints()[0] ?? "",
    ...Object.entries(keys).flatMap(([option, whose]) => [option, target.key(whose) ?? ""]),
    "--run-body",
    JSON.stringify(target.gatedTask.body),
    "--seed",
    "42",
    "--hold-seconds",
    "1",
    ...only.flatMap((id) => ["--only", id]),
  ]);
  const closing = stdout.trimEnd().split("\n").at(-1) ?? "";
  const counted = /^(\d+) passed, 0 failed, (\d+) skipped$/.exec(closing);
  if (counted === null) throw new Error(stdout);
  return { stdout, passed: Number(counted[1]), skipped: Number(counted[2]) };
}
