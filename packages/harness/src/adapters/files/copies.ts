// Where the private copies of a home lie, and whose they are. A copy's name ends in the fencing token under which it was
// opened last: whoever opens it under a newer one renames it, and with its name goes every path of a worker that was
// stopped over it and wakes later (invariant 16, fenced).

import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type RunId, runIdSchema } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { Random } from "../../ports.ts";
import { systemCode } from "./file-error.ts";
import { withStagingName } from "./staging-name.ts";

export type Copy = { readonly copy: string; readonly run: RunId; readonly token: number };

const NAME = /^(?<run>run_[0-9a-f]+)(?:\.(?<token>[1-9]\d{0,15}))?$/u;

/** All of the folder; none where it was not made yet. */
export async function copiesIn(folder: string): Promise<readonly Copy[]> {
  try {
    return (await readdir(folder)).flatMap((name) => {
      const parts = NAME.exec(name)?.groups;
      const run = runIdSchema.safeParse(parts?.["run"]);
      return run.success
        ? [{ copy: join(folder, name), run: run.data, token: Number(parts?.["token"] ?? 0) }]
        : [];
    });
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** Of one run, the newest first. There is one, but for what a worker left that was stopped while it made its own. */
export async function copiesOf(folder: string, run: RunId): Promise<readonly Copy[]> {
  // The id becomes a folder's name, so its form is checked right here, whoever checked it before.
  assert(runIdSchema.safeParse(run).success, "a run id has its form");
  return (await copiesIn(folder)).filter((found) => found.run === run).toSorted((a, b) => b.token - a.token);
}

/**
 * Takes the run's copy for whoever has this token.
 * @returns where it lies, or is to lie
 */
export async function takeCopy(
  folder: string,
  run: RunId,
  token: number,
  random: Random,
): Promise<Result<{ readonly copy: string; readonly isThere: boolean }, StepError>> {
  const copy = join(folder, token === 0 ? run : `${run}.${token}`);
  for (;;) {
    const [newest, ...older] = await copiesOf(folder, run);
    if (newest === undefined) return ok({ copy, isThere: false });
    if (newest.token > token) return err(NOT_OURS);
    for (const left of older) await putAway(folder, left.copy, random);
    if (newest.token === token || (await isRenamed(newest.copy, copy))) return ok({ copy, isThere: true });
  }
}

// False: another took it, or removed it, a moment ago.
async function isRenamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}

const NOT_OURS: StepError = {
  code: "workspace_not_ours",
  detail: "The run's copy is in the hands of a worker with a newer lease.",
};

// Renamed first: a copy that is half removed must not be taken for a whole one.
export async function putAway(folder: string, copy: string, random: Random): Promise<void> {
  await withStagingName(random, async (name) => {
    const going = join(folder, name);
    try {
      await rename(copy, going);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return;
      throw error;
    }
    await removeFolder(going);
  });
}

// Tried again while the orphaned git of a killed worker still writes into it.
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
