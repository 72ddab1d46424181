import type { RunRequest } from "@assent/contract";
import { runRequestSchema } from "@assent/contract";
import { err, ok, type Result } from "../../base/result.ts";
import type { Client } from "../../client/client.ts";
import type { Context, Outcome } from "../context.ts";
import { type Failure, failureOfClient, usageFailure } from "../failure.ts";
import { answerLines, approvalLines } from "../output/approval.ts";
import { eventLine, runLines } from "../output/run.ts";
import { exitOf, inWords } from "../output/words.ts";
import { openApprovals, superviseRun } from "../supervise.ts";

export type RunFlags = {
  readonly workspace?: string;
  readonly model?: string;
  readonly label?: Readonly<Record<string, string>>;
  readonly key?: string;
  readonly wait?: boolean;
};

/** Submits a task; with --wait stays until the run ends or comes to a gate. */
export async function runTask(
  context: Context,
  agent: string,
  words: readonly string[],
  flags: RunFlags,
): Outcome {
  const request = requestOf(agent, words, flags);
  if (!request.ok) return request;
  const client = await context.openClient();
  if (!client.ok) return client;
  const key = flags.key ?? context.deps.newKey();
  const submitted = await client.value.submitRun(request.value, key);
  if (!submitted.ok) return err(withKey(failureOfClient(submitted.error), key));
  const run = submitted.value;
  if (flags.wait === true) {
    context.say([`Run ${run.id}: ${inWords(run.status)}.`]);
    return await waitFor(context, client.value, run.id);
  }
  context.show(run, () => [
    `Run ${run.id}: ${inWords(run.status)}.`,
    `  follow it with  ${context.command} watch ${run.id}`,
  ]);
  return ok("ok");
}

async function waitFor(context: Context, client: Client, id: Parameters<Client["getRun"]>[0]): Outcome {
  const stop = new AbortController();
  const unlisten = context.io.onStopSignal(() => stop.abort());
  const run = await superviseRun(client, id, context.deps.clock, {
    onEvent: (event) => context.say([eventLine(event)]),
    onReconnect: (detail) => context.say([`Connecting again: ${detail}.`]),
    onGate: async () => await Promise.resolve(ok("leave" as const)),
    signal: stop.signal,
  }).finally(unlisten);
  if (!run.ok) return run;
  const now = context.deps.clock.now();
  context.show(run.value, () => [
    ...runLines(run.value, now, context.paint),
    ...openApprovals(run.value).flatMap((approval) => [
      "",
      ...approvalLines(approval, run.value, now, context.paint),
      ...answerLines(approval, context.command),
    ]),
  ]);
  return ok(exitOf(run.value));
}

function requestOf(agent: string, words: readonly string[], flags: RunFlags): Result<RunRequest, Failure> {
  const request = runRequestSchema.safeParse({
    agent,
    task: words.join(" "),
    ...(flags.workspace === undefined ? {} : { workspace: flags.workspace }),
    ...(flags.model === undefined ? {} : { model: flags.model }),
    ...(flags.label === undefined ? {} : { labels: flags.label }),
  });
  if (request.success) return ok(request.data);
  const issue = request.error.issues[0];
  const place = issue?.path.join(".") ?? "";
  return err(
    usageFailure(
      "invalid_request",
      `${place}: ${issue?.message ?? "not acceptable"}`,
      "See `assent run --help`.",
    ),
  );
}

// An answer may have been lost on the way: only with the same key is sending again safe (one key, one run).
function withKey(failure: Failure, key: string): Failure {
  if (failure.exit !== "unreachable") return failure;
  return { ...failure, remedy: `${failure.remedy} Then repeat the command with --key ${key}.` };
}
