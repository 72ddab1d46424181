// Where the outputs of runs are kept: a folder of the home, or the bucket that the configuration names.

import { openArtifactFiles } from "../adapters/files/artifact-files.ts";
import { openArtifactObjects } from "../adapters/objects/artifact-objects.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Config } from "../config.ts";
import type { ArtifactFiles, Random } from "../ports.ts";
import type { StartRefusal } from "./refusal.ts";

export function openArtifactStore(
  { artifacts, environment }: Pick<Config, "artifacts" | "environment">,
  folder: string,
  random: Random,
): Result<ArtifactFiles, StartRefusal> {
  if (artifacts === null) return ok(openArtifactFiles({ folder, random }));
  const keys = environment.objectStore;
  if (keys === null)
    return err({
      code: "object_store_keys_missing",
      detail: `The artifacts are to be kept at ${artifacts.endpoint}, and there are no keys for it.`,
      remedy: "Set ASSENT_S3_ACCESS_KEY_ID and ASSENT_S3_SECRET_ACCESS_KEY.",
    });
  return ok(openArtifactObjects({ ...artifacts, ...keys }));
}
