// The demo run as `up` shows it: until it stops at the gate, and then until somebody decides, here or elsewhere.

import type { Approval, EventKind, Run } from "@assent/contract";
import { ok, type Result } from "../../base/result.ts";
import type { Client } from "../../client/client.ts";
import type { Context } from "../context.ts";
import { type Failure, failureOfClient } from "../failure.ts";
import { answerLines, approvalLines, decidedLine } from "../output/approval.ts";
import { eventLine, runLines } from "../output/run.ts";
import { openApprovals, superviseRun } from "../supervise.ts";
import { failureLine } from "../report.ts";
import { readDemoRecord } from "./record.ts";
import { beginDemo, continueDemo, finishDemo } from "./submission.ts";

/** Approvals that were decided by these are decided: a question that still stands on the terminal is withdrawn. */
const DECIDED: ReadonlySet<EventKind> = new Set([
  "approval_approved",
  "approval_denied",
  "approval_confirmed",
  "approval_expired",
  "approval_cancelled",
]);

type Question = { readonly stop: AbortController; readonly sinceVersion: number };

/** Returns when the demo run has ended, and at once where this home has had its demo. */
export async function presentDemo(
  context: Context,
  client: Client,
  model: string | null,
  signal: AbortSignal,
): Promise<Result<null, Failure>> {
  const stored = await readDemoRecord(context.home);
  if (!stored.ok) return stored;
  // One that was refused was none: what stood in its way may be mended by now.
  if (stored.value?.finished === true && stored.value.run_id !== null) {
    // Else whoever starts it once more to see it at work sees nothing, and is not told why.
    const { run_id: run } = stored.value;
    context.say([
      `This home has had its demo (${run}). Another one: ${context.command} demo`,
      `What came of it: ${context.command} watch ${run}`,
    ]);
    return ok(null);
  }
  const left = await continueDemo(context, client);
  if (!left.ok) return left;
  const demo = left.value === null ? await beginDemo(context, client, model) : ok(left.value);
  if (!demo.ok) return demo;
  context.say([
    `${demo.value.continued ? "Continuing" : "Submitted"} the demo run ${demo.value.id}: the agent reads this repository's last commits and writes a changelog entry.`,
  ]);
  const run = await accompany(context, client, demo.value.id, signal);
  if (!run.ok) return run;
  await finishDemo(context, demo.value.record);
  context.emit({ event: "demo_ended", run: run.value });
  context.say([
    ...runLines(run.value, context.deps.clock.now(), context.paint),
    `Its results: ${context.command} artifacts ${run.value.id} --out <folder>`,
  ]);
  return ok(null);
}

async function accompany(
  context: Context,
  client: Client,
  id: Run["id"],
  signal: AbortSignal,
): Promise<Result<Run, Failure>> {
  const shown = new Set<string>();
  const questions: Question[] = [];
  const answers: Promise<void>[] = [];
  const withdraw = (version: number): void => {
    // Events of long ago are told again when a run is continued; they decide nothing that is asked now.
    for (const question of questions) if (version > question.sinceVersion) question.stop.abort();
  };
  const run = await superviseRun(client, id, context.deps.clock, {
    onEvent: (event) => {
      if (DECIDED.has(event.kind)) withdraw(event.version);
      context.say([eventLine(event)]);
    },
    onReconnect: (detail) => context.say([`Connecting again: ${detail}.`]),
    onGate: async (parked) => {
      for (const approval of openApprovals(parked)) {
        if (shown.has(approval.id)) continue;
        shown.add(approval.id);
        showGate(context, client, parked, approval);
        if (!context.canAsk) continue;
        const stop = new AbortController();
        questions.push({ stop, sinceVersion: parked.version });
        answers.push(askAndDecide(context, client, approval, AbortSignal.any([signal, stop.signal])));
      }
      return await Promise.resolve(ok("stay" as const));
    },
    signal,
  });
  withdraw(Number.POSITIVE_INFINITY);
  await Promise.all(answers);
  return run;
}

function showGate(context: Context, client: Client, run: Run, approval: Approval): void {
  const url = `${client.url}/api/harness/runs/${run.id}`;
  context.emit({ event: "approval_waiting", run_id: run.id, url, approval });
  context.say([
    "",
    "The run has stopped at a gate. It goes on once a person has decided:",
    ...approvalLines(approval, run, context.deps.clock.now(), context.paint),
    `  look at  ${context.command} show ${run.id}`,
    ...answerLines(approval, context.command),
    "",
  ]);
}

async function askAndDecide(
  context: Context,
  client: Client,
  approval: Approval,
  signal: AbortSignal,
): Promise<void> {
  // What became of a call in doubt takes more than yes or no; the commands above say how.
  if (approval.subject === "in_doubt") return;
  const answer = await context.io.ask("Approve? y = yes, n = deny, Enter = later: ", signal);
  const word = (answer ?? "").trim().toLowerCase();
  if (!["y", "yes", "n", "no"].includes(word)) {
    if (!signal.aborted) context.say(["It waits. Decide with one of the commands above."]);
    return;
  }
  const decided = await client.decide(
    word.startsWith("y")
      ? { approval_id: approval.id, decision: "approve", action_digest: approval.action_digest }
      : { approval_id: approval.id, decision: "deny", comment: "Denied at the prompt of `assent up`." },
  );
  if (decided.ok) context.say([decidedLine(decided.value)]);
  else context.io.err(`${failureLine(failureOfClient(decided.error))}\n`);
}
