import type { RunId, RunRequest } from "@assent/contract";
import { err, ok, type Result } from "../../base/result.ts";
import type { Client } from "../../client/client.ts";
import type { Context } from "../context.ts";
import { type Failure, failureOfClient } from "../failure.ts";
import { type DemoRecord, readDemoRecord, writeDemoRecord } from "./record.ts";

export const DEMO_AGENT = "maintainer";
export const DEMO_WORKSPACE = "assent";
export const DEMO_TASK =
  "Read the last commits of this repository and write an entry for them in CHANGELOG.md.";

const DEMO_HINT =
  "The demo needs what the configuration in Assent's own repository has: its transcripts and the workspace `assent`.";

export type DemoRun = { readonly id: RunId; readonly record: DemoRecord; readonly continued: boolean };

/** The demo run that an earlier process left unfinished, or null. */
export async function continueDemo(
  context: Context,
  client: Client,
): Promise<Result<DemoRun | null, Failure>> {
  const stored = await readDemoRecord(context.home);
  if (!stored.ok) return stored;
  const record = stored.value;
  if (record === null || record.finished) return ok(null);
  if (record.run_id === null) return await adoptOrSubmit(context, client, record);
  const run = await client.getRun(record.run_id);
  if (run.ok) return ok({ id: record.run_id, record, continued: true });
  // Another database than the one it ran in: there is nothing to continue.
  if (run.error.kind === "refused" && run.error.problem.code === "run_not_found") return ok(null);
  return err(failureOfClient(run.error));
}

export async function beginDemo(
  context: Context,
  client: Client,
  model: string | null,
): Promise<Result<DemoRun, Failure>> {
  const key = context.deps.newKey();
  const record: DemoRecord = {
    v: 1,
    idempotency_key: key,
    request: requestOf(key, model),
    run_id: null,
    finished: false,
  };
  // Before it is submitted: whoever finds the record knows under which key to ask again.
  await writeDemoRecord(context.home, record);
  return await submit(context, client, record);
}

export async function finishDemo(context: Context, record: DemoRecord): Promise<void> {
  await writeDemoRecord(context.home, { ...record, finished: true });
}

// A process died between submitting and noting the run's id. Idempotency keys belong to one principal, and this
// process may act as another, so the run is looked for by its label first.
async function adoptOrSubmit(
  context: Context,
  client: Client,
  record: DemoRecord,
): Promise<Result<DemoRun, Failure>> {
  const page = await client.listRuns({ label: { name: "demo", value: record.idempotency_key }, limit: 1 });
  if (!page.ok) return err(failureOfClient(page.error));
  const [run] = page.value.data;
  if (run === undefined) return await submit(context, client, record);
  return ok({ id: run.id, record: await note(context, record, run.id), continued: true });
}

async function submit(
  context: Context,
  client: Client,
  record: DemoRecord,
): Promise<Result<DemoRun, Failure>> {
  const run = await client.submitRun(record.request, record.idempotency_key);
  if (run.ok)
    return ok({ id: run.value.id, record: await note(context, record, run.value.id), continued: false });
  const failure = failureOfClient(run.error);
  if (run.error.kind !== "refused") return err(failure);
  // The next start makes a request of its own: this one would be refused for ever.
  await finishDemo(context, record);
  return err({ ...failure, remedy: `${failure.remedy} ${DEMO_HINT}` });
}

async function note(context: Context, record: DemoRecord, id: RunId): Promise<DemoRecord> {
  const noted = { ...record, run_id: id };
  await writeDemoRecord(context.home, noted);
  return noted;
}

function requestOf(key: string, model: string | null): RunRequest {
  return {
    agent: DEMO_AGENT,
    task: DEMO_TASK,
    workspace: DEMO_WORKSPACE,
    labels: { demo: key },
    ...(model === null ? {} : { model }),
  };
}
