import { resolve } from "node:path";
import type { RunId } from "@assent/contract";
import { err, ok } from "../../base/result.ts";
import { saveArtifacts } from "../artifact-files.ts";
import type { Context, Outcome } from "../context.ts";
import { failureOfClient } from "../failure.ts";
import { artifactTable } from "../output/run.ts";
import { visibleLine } from "../output/visible.ts";

export type ArtifactFlags = { readonly out?: string; readonly force?: boolean };

/** Lists a run's artifacts; with --out downloads and verifies them. */
export async function showArtifacts(context: Context, id: RunId, flags: ArtifactFlags): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const run = await client.value.getRun(id);
  if (!run.ok) return err(failureOfClient(run.error));
  const { artifacts } = run.value;
  if (flags.out === undefined) {
    context.show({ run_id: id, data: artifacts, saved: [], findings: [] }, () => artifactTable(artifacts));
    return ok("ok");
  }
  const saved = await saveArtifacts(
    client.value,
    run.value,
    resolve(context.deps.cwd, flags.out),
    flags.force === true,
  );
  if (!saved.ok) return saved;
  const { files, findings } = saved.value;
  context.show({ run_id: id, data: artifacts, saved: files, findings }, () => [
    ...files.map((file) => visibleLine(`${file.path}: size and digests match`)),
    ...findings.map((finding) =>
      visibleLine(`NOT SAVED: ${finding.at}: ${finding.detail} (${finding.code})`),
    ),
    ...(artifacts.length === 0 ? ["No artifacts."] : []),
  ]);
  return ok(findings.length === 0 ? "ok" : "failed");
}
