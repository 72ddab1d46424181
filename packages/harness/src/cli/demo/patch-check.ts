// Whether the run's patch fits the repository that its workspace was copied from.

import { rm } from "node:fs/promises";
import { err, ok, type Result } from "../../base/result.ts";
import type { Context } from "../context.ts";
import type { Failure } from "../failure.ts";

export type PatchCheck = { readonly repository: string; readonly fitsFilesAsTheyAre: boolean };

/**
 * `git apply --check` against the very commit that was copied, in an index of its own, so that neither uncommitted
 * files nor commits that came since decide; and once more against the files as they are, for information.
 */
export async function checkPatch(
  context: Context,
  patch: string,
  commit: string,
): Promise<Result<PatchCheck, Failure>> {
  // The commit comes over the wire and is handed to git: it must not look like an option.
  if (!/^[0-9a-f]{40,64}$/.test(commit)) return err(failed("the run names no commit of its workspace"));
  const { git, cwd } = context.deps;
  const top = await git(["rev-parse", "--show-toplevel"], { cwd });
  if (!top.ok) return err(failed(`${cwd} is in no git repository`));
  const repository = top.output.trim();
  const index = `${patch}.index`;
  try {
    const read = await git(["read-tree", commit], { cwd: repository, index });
    if (!read.ok) return err(failed(`the repository lacks commit ${commit}: ${read.output}`));
    const fits = await git(["apply", "--check", "--cached", patch], { cwd: repository, index });
    if (!fits.ok) return err(failed(`git apply --check refuses it: ${fits.output}`));
  } finally {
    await rm(index, { force: true });
  }
  const asIs = await git(["apply", "--check", patch], { cwd: repository });
  return ok({ repository, fitsFilesAsTheyAre: asIs.ok });
}

function failed(detail: string): Failure {
  return {
    exit: "failed",
    code: "patch_does_not_apply",
    detail: detail.trim(),
    remedy: "The run's other artifacts are untouched.",
  };
}
