// Where downloaded artifacts go. Their names come from a run: never a path, never a file that is there already.

import { randomBytes } from "node:crypto";
import { link, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Artifact, Run } from "@assent/contract";
import { err, ok, type Result } from "../base/result.ts";
import type { Client } from "../client/client.ts";
import { makeFolder } from "../make-folder.ts";
import { type Failure, failureOfClient, usageFailure } from "./failure.ts";
import { verifyDownload } from "./verify/download.ts";
import type { Finding } from "./verify/finding.ts";

export type SavedArtifact = { readonly id: string; readonly name: string; readonly path: string };
export type Saved = { readonly files: readonly SavedArtifact[]; readonly findings: readonly Finding[] };

// No separator, no leading dot, no space at the end, nothing that a shell or Windows takes for something else.
const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,98}[A-Za-z0-9_-]$/;
const DEVICE_NAME = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** A file name for each artifact: its own where that is safe and not taken yet, else its id. */
export function fileNames(artifacts: readonly Artifact[]): Map<Artifact["id"], string> {
  const taken = new Set<string>();
  const names = new Map<Artifact["id"], string>();
  for (const { id, name } of artifacts) {
    const safe = SAFE_NAME.test(name) && !DEVICE_NAME.test(name);
    // Some file systems do not tell cases apart.
    const chosen = safe && !taken.has(name.toLowerCase()) ? name : `${id}.bin`;
    taken.add(chosen.toLowerCase());
    names.set(id, chosen);
  }
  return names;
}

/** Downloads all of a run's artifacts. What does not verify is not written, and reported. */
export async function saveArtifacts(
  client: Client,
  run: Run,
  folder: string,
  overwrite: boolean,
): Promise<Result<Saved, Failure>> {
  const files: SavedArtifact[] = [];
  const findings: Finding[] = [];
  const names = fileNames(run.artifacts);
  const made = openFolder(folder);
  if (!made.ok) return made;
  for (const artifact of run.artifacts) {
    const download = await client.downloadArtifact(run.id, artifact);
    if (!download.ok) return err(failureOfClient(download.error));
    const wrong = verifyDownload(artifact, download.value);
    findings.push(...wrong);
    if (wrong.length > 0) continue;
    const path = join(folder, names.get(artifact.id) ?? `${artifact.id}.bin`);
    const written = await write(path, download.value.bytes, overwrite);
    if (!written.ok) return written;
    files.push({ id: artifact.id, name: artifact.name, path });
  }
  return ok({ files, findings });
}

async function write(path: string, bytes: Uint8Array, overwrite: boolean): Promise<Result<null, Failure>> {
  // Written beside and moved: never half a file under the final name, and a link there is replaced, not followed.
  const beside = `${path}.${randomBytes(6).toString("hex")}.part`;
  try {
    await writeFile(beside, bytes, { flag: "wx" });
    if (overwrite) await rename(beside, path);
    else await moveTo(path, beside);
    return ok(null);
  } catch (error) {
    await rm(beside, { force: true });
    if (error instanceof Error && "code" in error && error.code === "EEXIST")
      return err(usageFailure("file_exists", `${path} exists`, "Name another --out, or add --force."));
    return err(unwritable(path, error));
  }
}

// Moving would replace whatever has the name; a second name for what is written takes it, whole or not at all.
async function moveTo(path: string, beside: string): Promise<void> {
  try {
    await link(beside, path);
    await rm(beside, { force: true });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && NO_LINKS.includes(String(error.code)))) throw error;
    // No links here: the name is taken by an empty file first, which a kill in this moment leaves.
    await writeFile(path, "", { flag: "wx" });
    await rename(beside, path);
  }
}

const NO_LINKS: readonly string[] = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"];

function openFolder(folder: string): Result<null, Failure> {
  try {
    makeFolder(folder);
    return ok(null);
  } catch (error) {
    return err(unwritable(folder, error));
  }
}

function unwritable(path: string, error: unknown): Failure {
  const why = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  return usageFailure("file_unwritable", `${path} cannot be written: ${why}`, "Name another --out.");
}
