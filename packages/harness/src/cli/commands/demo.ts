// The whole job, unattended: run, gate, decision, artifacts, audit trail. Every part is the real one.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Run } from "@assent/contract";
import { err, ok, type Result } from "../../base/result.ts";
import type { Client } from "../../client/client.ts";
import { saveArtifacts, type Saved } from "../artifact-files.ts";
import type { Context, Outcome } from "../context.ts";
import { type DemoClients, openDemoClients } from "../demo/keys.ts";
import { checkPatch, type PatchCheck } from "../demo/patch-check.ts";
import { beginDemo, continueDemo, finishDemo } from "../demo/submission.ts";
import { type Failure, failureOfClient } from "../failure.ts";
import { beginLifetime, startHere } from "../lifetime.ts";
import { approvalLines, decidedLine } from "../output/approval.ts";
import { paintDiff } from "../output/diff.ts";
import { eventLine } from "../output/run.ts";
import { indent, visibleLine, visibleText } from "../output/visible.ts";
import { inWords } from "../output/words.ts";
import { type TrailReport, verifyRun } from "../read-trail.ts";
import type { Running } from "../start.ts";
import { openApprovals, superviseRun } from "../supervise.ts";
import { trailLines } from "./audit.ts";

export type DemoFlags = { readonly model?: string; readonly config?: string };

/** The demo's task takes seconds with the scripted model and minutes with a slow one; past this it hangs. */
const DEMO_MINUTES_MAX = 20;

type Evidence = {
  readonly saved: Saved;
  readonly patch: PatchCheck;
  readonly diff: string;
  trail: TrailReport;
};

export async function demo(context: Context, flags: DemoFlags): Outcome {
  const lifetime = beginLifetime(context);
  try {
    const running = await startHere(context, {
      ...flags,
      host: "127.0.0.1",
      port: 0,
      announce: false,
      role: "all",
    });
    // For whoever scripts the demo there is one question, whether it worked.
    if (!running.ok) return err({ ...running.error, exit: "failed" });
    const deadline = AbortSignal.timeout(DEMO_MINUTES_MAX * 60_000);
    let outcome: Result<null, Failure>;
    try {
      outcome = await play(context, running.value, flags, AbortSignal.any([lifetime.signal, deadline]));
    } finally {
      await running.value.stop();
    }
    if (outcome.ok) return ok("ok");
    if (lifetime.signal.aborted) return outcome;
    return err(deadline.aborted ? tookTooLong() : { ...outcome.error, exit: "failed" });
  } finally {
    lifetime.end();
  }
}

async function play(
  context: Context,
  running: Running,
  flags: DemoFlags,
  signal: AbortSignal,
): Promise<Result<null, Failure>> {
  context.emit({ event: "listening", url: running.url, home: running.home, pid: context.deps.pid });
  const clients = await openDemoClients(context, running);
  if (!clients.ok) return clients;
  const outcome = await playRun(context, clients.value, flags, signal);
  const ended = await clients.value.end();
  return outcome.ok ? ended : outcome;
}

async function playRun(
  context: Context,
  clients: DemoClients,
  flags: DemoFlags,
  signal: AbortSignal,
): Promise<Result<null, Failure>> {
  const { requester } = clients;
  const left = await continueDemo(context, requester);
  if (!left.ok) return left;
  const begun =
    left.value === null ? await beginDemo(context, requester, flags.model ?? null) : ok(left.value);
  if (!begun.ok) return begun;
  const { id, record, continued } = begun.value;
  context.emit({ event: "run_submitted", run_id: id, continued });
  context.say([
    visibleLine(
      `${continued ? "Continuing run" : "Run"} ${id}: ${record.request.agent}, "${record.request.task}"`,
    ),
  ]);
  const run = await superviseToEnd(context, clients, id, signal);
  if (!run.ok) return run;
  const evidence = run.value.status === "succeeded" ? await gather(context, requester, run.value) : null;
  // Whatever comes of it: the next demo begins anew instead of failing on this run once more.
  await finishDemo(context, record);
  if (evidence === null) return err(notSucceeded(run.value));
  if (!evidence.ok) return evidence;
  summarise(context, run.value, evidence.value);
  return ok(null);
}

async function superviseToEnd(
  context: Context,
  clients: DemoClients,
  id: Run["id"],
  signal: AbortSignal,
): Promise<Result<Run, Failure>> {
  const shown = new Set<string>();
  return await superviseRun(clients.requester, id, context.deps.clock, {
    onEvent: (event) => {
      context.emit({ event: "audit_event", audit_event: event });
      context.say([eventLine(event)]);
    },
    onReconnect: (detail) => context.say([`Connecting again: ${detail}.`]),
    onGate: async (run) => {
      for (const approval of openApprovals(run)) {
        if (shown.has(approval.id)) continue;
        shown.add(approval.id);
        const decided = await approveAsDemo(context, clients.approver, run, approval);
        if (!decided.ok) return decided;
      }
      return ok("stay");
    },
    signal,
  });
}

async function approveAsDemo(
  context: Context,
  approver: Client,
  run: Run,
  approval: Run["approvals"][number],
): Promise<Result<null, Failure>> {
  context.emit({ event: "approval_waiting", run_id: run.id, approval });
  context.say([
    "",
    "The run has stopped at a gate:",
    ...approvalLines(approval, run, context.deps.clock.now(), context.paint),
  ]);
  // Nobody here knows what became of the call, and guessing is what must never be done (invariant 2).
  if (approval.subject === "in_doubt")
    return err({
      exit: "failed",
      code: "outcome_unknown",
      detail: `a call's outcome is unknown and approval ${approval.id} asks a person about it`,
      remedy: "Start `assent up` and answer it; then run the demo again.",
    });
  context.say(["A demo approver decides this, not a person: it approves whatever the demo run asks for."]);
  const decided = await approver.decide({
    approval_id: approval.id,
    decision: "approve",
    action_digest: approval.action_digest,
    comment: "Approved by the demo approver, unattended.",
  });
  if (!decided.ok) {
    // A server of the same home may have asked somebody as well; the run goes on either way.
    const { error } = decided;
    if (error.kind === "refused" && error.problem.code === "approval_already_decided") return ok(null);
    return err(failureOfClient(error));
  }
  context.emit({ event: "approval_decided", by: "demo-approver", approval: decided.value });
  context.say([decidedLine(decided.value), ""]);
  return ok(null);
}

async function gather(context: Context, client: Client, run: Run): Promise<Result<Evidence, Failure>> {
  const saved = await saveArtifacts(client, run, join(context.home, "demo", run.id), true);
  if (!saved.ok) return saved;
  const [wrong] = saved.value.findings;
  if (wrong !== undefined)
    return err(unproven(wrong.code, `artifact ${wrong.at} does not verify: ${wrong.detail}`));
  const file = saved.value.files.find(({ name }) => name.endsWith(".patch"));
  if (file === undefined) return err(nothingChanged(run));
  const patch = await checkPatch(context, file.path, run.workspace?.commit ?? "");
  if (!patch.ok) return patch;
  const trail = await verifyRun(client, run.id);
  if (!trail.ok) return trail;
  const [finding] = trail.value.findings;
  if (finding !== undefined)
    return err(unproven(finding.code, `audit trail, ${finding.at}: ${finding.detail}`));
  const diff = await readFile(file.path, "utf8");
  return ok({ saved: saved.value, patch: patch.value, diff, trail: trail.value });
}

// A transcript always changes something; what a model does with the task is its own.
function nothingChanged({ model }: Run): Failure {
  const failure = unproven("patch_missing", "the run ended without a change of any file");
  if (model.startsWith("scripted/")) return failure;
  return { ...failure, remedy: `That is ${visibleLine(model)}'s own: try again, or another --model.` };
}

function summarise(context: Context, run: Run, evidence: Evidence): void {
  const { saved, patch, diff, trail } = evidence;
  context.emit({
    event: "demo_succeeded",
    run,
    artifacts: saved.files,
    patch: {
      applies_to: run.workspace?.commit,
      repository: patch.repository,
      applies_to_files_as_they_are: patch.fitsFilesAsTheyAre,
    },
    audit: trail,
  });
  context.say([
    "",
    `Run ${run.id}: ${context.paint("green", inWords(run.status))}.`,
    context.paint("bold", "Answer (by the model)"),
    indent(visibleText(run.answer ?? "(none)"), "  "),
    context.paint("bold", "The change"),
    indent(paintDiff(diff, context.paint), "  "),
    context.paint("bold", "Proof"),
    ...saved.files.map((file) => visibleLine(`  ${file.path}: size and digests match`)),
    visibleLine(`  git apply --check accepts the patch on ${run.workspace?.commit} in ${patch.repository}`),
    ...(patch.fitsFilesAsTheyAre
      ? []
      : ["  (not on the files as they are right now: they have changed since that commit)"]),
    ...trailLines(trail).map((line) => `  ${line}`),
  ]);
}

function notSucceeded(run: Run): Failure {
  const why = run.reason === null ? "" : `: ${run.reason.detail}`;
  return {
    exit: "failed",
    code: run.reason?.code ?? `run_${run.status}`,
    detail: `the demo run ended ${inWords(run.status)}${why}`,
    // This process can call the model: it would not have begun otherwise.
    remedy:
      run.reason?.code === "model_unknown"
        ? "Another process on this home took the run, and was started without that: stop it (`npm start`?), and try again."
        : `See it with \`assent up\` and \`assent show ${run.id}\`.`,
  };
}

function tookTooLong(): Failure {
  return {
    exit: "failed",
    code: "demo_deadline",
    detail: `the demo run has not ended within ${DEMO_MINUTES_MAX} minutes`,
    remedy: "Nothing is lost: the next `assent demo` continues it.",
  };
}

function unproven(code: string, detail: string): Failure {
  return { exit: "failed", code, detail, remedy: "This should not happen: please report it." };
}
