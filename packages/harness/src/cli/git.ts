import { execFile } from "node:child_process";
import { childEnvironment } from "./environment.ts";
import type { GitOutcome } from "./world.ts";

/** Git on a repository of any size answers well before; past it the call counts as failed. */
const GIT_TIMEOUT_MS = 60_000;
const GIT_OUTPUT_BYTES_MAX = 1024 * 1024;

/** Runs git without a shell; every argument is handed over as it is. */
export async function runGit(
  args: readonly string[],
  options: { cwd: string; index?: string },
): Promise<GitOutcome> {
  const { promise, resolve } = Promise.withResolvers<GitOutcome>();
  const extra = options.index === undefined ? {} : { GIT_INDEX_FILE: options.index };
  execFile(
    "git",
    [...args],
    {
      cwd: options.cwd,
      env: childEnvironment({ ...extra, LC_ALL: "C" }),
      timeout: GIT_TIMEOUT_MS,
      maxBuffer: GIT_OUTPUT_BYTES_MAX,
    },
    (error, stdout, stderr) =>
      resolve({
        ok: error === null,
        output: stdout + stderr + (stderr === "" ? (error?.message ?? "") : ""),
      }),
  );
  return await promise;
}
