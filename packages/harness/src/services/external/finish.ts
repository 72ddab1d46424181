// The end of a driven run, by its driver or because it has none any more.

import { type FinishRequest, idFromUuid, type Run } from "@assent/contract";
import { EXTERNAL_IDLE_HOURS } from "../../base/limits.ts";
import { ok, type Result } from "../../base/result.ts";
import type { Journal, StepError } from "../../core/run/journal.ts";
import type { ExternalDefinition } from "../../core/external.ts";
import type { ApprovalRecord, RunRecord, StoreTx, Tools } from "../../ports.ts";
import { commit } from "../commit.ts";
import { withdrawn } from "../end-run.ts";
import type { Write } from "../write.ts";
import type { Refusal } from "../harness.ts";
import { runView } from "../views.ts";
import { newUuid } from "./ask.ts";
import { commitDriven, type ExternalPorts, type Hold } from "./drive.ts";
import { definitionOf, DRIVER_IDLE, endDrivenRun } from "./hands.ts";
import { readableText } from "./json-text.ts";

/** What a run answered, in a file that is durably there before the run is said to have succeeded (invariant 12). */
export type Answer = {
  readonly text: string;
  readonly file: {
    readonly name: string;
    readonly mediaType: string;
    readonly sha256: string;
    readonly sizeBytes: number;
  };
};

/** Of an error that a driver gives as the run's reason. */
const REASON_CHARS_MAX = 4_000;

/** @returns null where the run failed; a file that no run comes to name is harmless */
export async function storeAnswer(
  { files, redaction }: Pick<ExternalPorts, "files" | "redaction">,
  { output }: FinishRequest,
): Promise<Answer | null> {
  if (output === undefined) return null;
  const isText = typeof output === "string";
  const mediaType = isText ? "text/markdown; charset=utf-8" : "application/json";
  const bytes = new TextEncoder().encode(isText ? output : JSON.stringify(output));
  const checked = redaction.checkArtifact({ mediaType, bytes });
  const { sha256, sizeBytes } = await files.put(checked.decision === "mark" ? checked.bytes : bytes);
  return {
    text: readableText(output),
    file: { name: isText ? "answer.md" : "answer.json", mediaType, sha256, sizeBytes },
  };
}

export async function finishRun(
  hold: Hold,
  body: FinishRequest,
  answer: Answer | null,
): Promise<Result<Run, Refusal>> {
  const { tx } = hold;
  const { run, journal } = hold.committed;
  const detail = "The driver ended the run without reporting what became of this.";
  const approvals = await tx.approvals.list(run.id);
  await commitDriven(hold, [
    ...closeOpen(approvals, journal, { code: "run_finished", detail }),
    ...(answer === null ? giveUp(hold, body.error ?? "") : succeed(hold, answer)),
  ]);
  const ended = hold.committed;
  return ok(
    hold.ports.shown.run(
      runView(
        ended.run,
        ended.journal,
        withdrawn(approvals).length === 0 ? approvals : await tx.approvals.list(run.id),
        await tx.artifacts.list(run.id),
      ),
    ),
  );
}

function fail(
  submitted: { readonly definition: ExternalDefinition; readonly tools: Pick<Tools, "get"> },
  journal: Journal,
  reason: StepError,
): readonly Write[] {
  const end = { ending: "failed", reason, isUnderWay: false } as const;
  const { writes } = endDrivenRun(submitted, journal, end);
  // What stands is said beside the driver's own words, and put before people.
  return writes.map((write) => (write.write === "run_moved" ? { ...write, reason } : write));
}

const giveUp = ({ state, ports, committed }: Hold, error: string): readonly Write[] =>
  fail({ definition: state.definition, tools: ports.tools }, committed.journal, {
    code: "driver_gave_up",
    detail: error.slice(0, REASON_CHARS_MAX).toWellFormed(),
  });

function succeed(hold: Hold, { text, file }: Answer): Write[] {
  const { name, mediaType, sha256, sizeBytes } = file;
  return [
    {
      write: "step_opened",
      step: {
        kind: "finalise",
        name: "finalise",
        state: "intended",
        effect: "idempotent",
        request: { kind: "finalise" },
        decision: null,
        approvalId: null,
        outcome: null,
        error: null,
      },
    },
    {
      write: "artifact_committed",
      artifact: {
        id: idFromUuid("art", newUuid(hold)),
        name,
        media_type: mediaType,
        size_bytes: sizeBytes,
        sha256,
      },
      isStored: async () => await hold.ports.files.holds(sha256, sizeBytes),
    },
    {
      write: "step_closed",
      seq: hold.committed.journal.length + 1,
      state: "succeeded",
      outcome: { kind: "finalise", answer: text },
      error: null,
    },
    { write: "run_moved", event: "finished", reason: null, answer: text },
  ];
}

// A permit that nobody reported on may have been used: for what must happen once only, that is in doubt.
function closeOpen(approvals: readonly ApprovalRecord[], journal: Journal, error: StepError): Write[] {
  return [
    ...withdrawn(approvals),
    ...journal
      .filter((step) => step.state === "intended")
      .map((step): Write => ({
        write: "step_closed",
        seq: step.seq,
        state: step.kind === "tool" && step.effect === "once" ? "in_doubt" : "failed",
        outcome: null,
        error,
      })),
  ];
}

/** Fails a locked run that nobody drives any more. @returns false when somebody does after all */
export async function failIdle(
  tx: StoreTx,
  tools: Pick<Tools, "get">,
  run: RunRecord,
  now: Date,
): Promise<boolean> {
  const idleMs = EXTERNAL_IDLE_HOURS * 3_600_000;
  if (
    run.driver !== "external" ||
    run.state !== "running" ||
    now.getTime() - run.updatedAt.getTime() < idleMs
  )
    return false;
  const approvals = await tx.approvals.list(run.id);
  if (approvals.some((approval) => approval.state === "open")) return false;
  const journal = await tx.steps.list(run.id);
  const detail = `Nobody has driven the run for ${EXTERNAL_IDLE_HOURS} hours.`;
  const error: StepError = { code: DRIVER_IDLE, detail };
  const definition = await definitionOf(tx, run);
  await commit(
    tx,
    { run, journal },
    [...closeOpen(approvals, journal, error), ...fail({ definition, tools }, journal, error)],
    { now, actor: null },
  );
  return true;
}
