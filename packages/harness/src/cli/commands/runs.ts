import type { RunId, RunState } from "@assent/contract";
import { err, ok } from "../../base/result.ts";
import type { Context, Outcome } from "../context.ts";
import { failureOfClient, usageFailure } from "../failure.ts";
import { runLines, runTable } from "../output/run.ts";
import { visibleLine } from "../output/visible.ts";
import { inWords } from "../output/words.ts";

export type RunsFlags = {
  readonly status?: readonly RunState[];
  readonly agent?: string;
  readonly label?: Readonly<Record<string, string>>;
  readonly limit?: number;
  readonly cursor?: string;
};

/** One page of runs, newest first. */
export async function listRuns(context: Context, flags: RunsFlags): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const [label, ...others] = Object.entries(flags.label ?? {}).map(([name, value]) => ({ name, value }));
  if (others.length > 0)
    return err(usageFailure("labels_too_many", "runs are found by one label", "Name --label once."));
  const page = await client.value.listRuns({
    ...(flags.status && { states: flags.status }),
    ...(flags.agent !== undefined && { agent: flags.agent }),
    ...(label && { label }),
    ...(flags.limit !== undefined && { limit: flags.limit }),
    ...(flags.cursor !== undefined && { cursor: flags.cursor }),
  });
  if (!page.ok) return err(failureOfClient(page.error));
  const { data, next_cursor } = page.value;
  context.show({ data, next_cursor }, () => [
    ...runTable(data, context.deps.clock.now()),
    ...(next_cursor === null ? [] : [`More: repeat with --cursor ${visibleLine(next_cursor)}`]),
  ]);
  return ok("ok");
}

export async function showRun(context: Context, id: RunId): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const run = await client.value.getRun(id);
  if (!run.ok) return err(failureOfClient(run.error));
  context.show(run.value, () => runLines(run.value, context.deps.clock.now(), context.paint));
  return ok("ok");
}

export async function cancelRun(context: Context, id: RunId): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const run = await client.value.cancelRun(id);
  if (!run.ok) return err(failureOfClient(run.error));
  const { status, finished_at: finishedAt } = run.value;
  context.show(run.value, () =>
    finishedAt === null
      ? [
          `Run ${id} is called off. It ends once its work has stopped and what it did outside is taken back:`,
          `  ${context.command} watch ${id}`,
        ]
      : [`Run ${id}: ${inWords(status)}.`],
  );
  return ok("ok");
}
