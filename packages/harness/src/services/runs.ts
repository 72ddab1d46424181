// What can be asked of runs that exist: read them, list them, call them off.

import {
  type Actor,
  type Approval,
  type ApprovalId,
  type Artifact,
  type ArtifactId,
  type Run,
  type RunId,
  type RunSummary,
} from "@assent/contract";
import { LEASE_SECONDS, PAGE_ROWS_MAX } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import { isTerminal } from "../core/run/run.ts";
import type { Journal } from "../core/run/journal.ts";
import { openRollback } from "../core/run/rollback.ts";
import type {
  ArtifactFiles,
  Caller,
  Clock,
  RunRecord,
  Store,
  StoreTx,
  Tools,
  TransactionKind,
} from "../ports.ts";
import { commit } from "./commit.ts";
import type { Write } from "./write.ts";
import { type Cursors, FOREIGN_CURSOR } from "./cursors.ts";
import { type End, endRun, withdrawn } from "./end-run.ts";
import { definitionOf, endDrivenRun } from "./external/hands.ts";
import type { EventBatch, Page, Refusal, RunListQuery } from "./harness.ts";
import { comparedAdvice } from "./compared.ts";
import type { Shown } from "./shown.ts";
import { runAccount } from "./models/ledger.ts";
import { approvalView, runSummary, runView } from "./views.ts";

export type RunPorts = {
  readonly store: Store;
  readonly files: ArtifactFiles;
  readonly clock: Clock;
  readonly cursors: Cursors;
  readonly shown: Shown;
  readonly tools: Tools;
};

/** What only reads may be run again, whatever became of its commit. */
const READ: TransactionKind = { isRepeatable: true };

const NOT_FOUND: Refusal = { code: "run_not_found", detail: "There is no run with this id." };

export async function getRun(
  { store, shown }: RunPorts,
  caller: Caller,
  id: RunId,
): Promise<Result<Run, Refusal>> {
  return await store.transaction(
    caller.tenant,
    async (tx) => {
      const run = await tx.runs.find(id);
      if (run === null) return err(NOT_FOUND);
      return ok(
        shown.run(
          runView(
            run,
            await tx.steps.list(id),
            await tx.approvals.list(id),
            await tx.artifacts.list(id),
            (await tx.budgets.read([runAccount(id)]))[0],
          ),
        ),
      );
    },
    READ,
  );
}

/** As in its run, with its advice compared; what waits for a person is shown as it is. */
export async function getApproval(
  { store, shown }: Pick<RunPorts, "store" | "shown">,
  caller: Caller,
  id: ApprovalId,
): Promise<Result<Approval, Refusal>> {
  return await store.transaction(
    caller.tenant,
    async (tx) => {
      const approval = await tx.approvals.find(id);
      if (approval === null)
        return err({ code: "approval_not_found", detail: "There is no approval with this id." });
      return ok(approvalView({ ...approval, advice: await comparedAdvice(tx, shown, approval) }));
    },
    READ,
  );
}

export async function listRuns(
  { store, cursors, shown }: RunPorts,
  caller: Caller,
  query: RunListQuery,
): Promise<Result<Page<RunSummary>, Refusal>> {
  const limit = Math.min(query.limit, PAGE_ROWS_MAX);
  const { states, agent, label } = query;
  // A cursor is good for the very list it came from: another tenant's or another filter's is refused.
  const list = { tenant: caller.tenant, states, agent, label };
  const before = query.cursor === null ? null : cursors.open(query.cursor, list, "run");
  if (before === undefined) return err(FOREIGN_CURSOR);
  const rows = await store.transaction(
    caller.tenant,
    async (tx) => await tx.runs.list({ states, agent, label, before, limit: limit + 1 }),
    READ,
  );
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return ok({
    data: page.map((run) => shown.summary(runSummary(run))),
    next_cursor: last === undefined ? null : cursors.seal(last, list),
  });
}

/** Calling off what was called off before is no error; what has ended otherwise stays as it ended. */
export async function cancelRun(
  { store, clock, shown, tools }: RunPorts,
  caller: Caller,
  id: RunId,
): Promise<Result<RunSummary, Refusal>> {
  return await store.transaction(caller.tenant, async (tx) => {
    const run = await tx.runs.lock(id);
    if (run === null) return err(NOT_FOUND);
    if (run.state === "cancelled") return ok(shown.summary(runSummary(run)));
    if (isTerminal(run.state))
      return err({ code: "run_already_finished", detail: `The run is ${run.state}.` });
    const journal = await tx.steps.list(id);
    const rollback = openRollback(journal);
    if (rollback?.request.ending === "cancelled") return ok(shown.summary(runSummary(run)));
    if (rollback !== undefined)
      return err({ code: "run_already_finished", detail: "The run has failed and is being taken back." });
    const cancelled = await cancelLocked(tx, tools, { run, journal }, caller.actor, clock.now());
    return ok(shown.summary(runSummary(cancelled)));
  });
}

async function cancelLocked(
  tx: StoreTx,
  tools: Tools,
  { run, journal }: { readonly run: RunRecord; readonly journal: Journal },
  actor: Actor,
  now: Date,
): Promise<RunRecord> {
  const approvals = await tx.approvals.list(run.id);
  const error = { code: "cancelled", detail: "The run was called off." };
  const reason = { code: "cancelled", detail: `Called off by ${actor.name}.` };
  const end = { ending: "cancelled", reason } as const;
  const ended =
    run.driver === "external"
      ? endDrivenRun({ definition: await definitionOf(tx, run), tools }, journal, {
          ...end,
          isUnderWay: true,
        }).writes
      : endOwn(tools, run, journal, end);
  const writes: Write[] = [
    ...withdrawn(approvals),
    ...journal
      .filter((step) => step.state === "intended")
      .map((step): Write => ({
        write: "step_closed",
        seq: step.seq,
        // A call that is under way can no longer report what came of it.
        state: step.kind === "tool" && step.effect === "once" ? "in_doubt" : "failed",
        outcome: null,
        error,
      })),
    ...ended,
  ];
  const { run: cancelled } = await commit(tx, { run, journal }, writes, { now, actor });
  if (run.state === "running") tx.runs.callOff(run.id);
  return cancelled;
}

function endOwn(tools: Tools, run: RunRecord, journal: Journal, end: End): readonly Write[] {
  const { writes, ended } = endRun(tools, journal, end);
  const effects = writes.flatMap((one) =>
    one.write === "step_opened" && one.step.request.kind === "rollback" ? one.step.request.effects : [],
  );
  return ended ? writes : [...writes, queueAgain(run, journal, effects)];
}

// Taken from whoever holds it, for any worker to take it back. A call under way is called off, and what becomes of it at
// the other side nobody knows for a while: only after that can its own effect be taken back for good. Where its worker
// hears what came of it, that is the end of the wait (steps/called-off.ts); of any other call's nothing is waited for.
function queueAgain({ state }: RunRecord, journal: Journal, effects: readonly number[]): Write {
  const reason = { code: "cancelled", detail: "Called off; what was done is being taken back." };
  if (state === "queued") return { write: "run_woken" };
  if (state === "awaiting_approval") return { write: "run_moved", event: "resumed", reason };
  const isUnderWay = journal.some(({ state: of, seq }) => of === "intended" && effects.includes(seq));
  return { write: "run_moved", event: "released", reason, delaySeconds: isUnderWay ? LEASE_SECONDS : 0 };
}

const EVENTS_PER_BATCH = 500;

export async function listEvents(
  { store }: RunPorts,
  caller: Caller,
  id: RunId,
  after: number,
): Promise<Result<EventBatch, Refusal>> {
  return await store.transaction(
    caller.tenant,
    async (tx) => {
      const run = await tx.runs.find(id);
      if (run === null) return err(NOT_FOUND);
      const events = await tx.audit.list(id, after, EVENTS_PER_BATCH);
      const last = events.at(-1)?.version ?? after;
      return ok({ events, ended: isTerminal(run.state) && last >= run.version });
    },
    READ,
  );
}

export async function openArtifact(
  { store, files }: RunPorts,
  caller: Caller,
  run: RunId,
  id: ArtifactId,
  isRoomFor: (sizeBytes: number) => boolean = () => true,
): Promise<Result<{ artifact: Artifact; bytes: Uint8Array }, Refusal>> {
  const artifact = await store.transaction(
    caller.tenant,
    async (tx) => await tx.artifacts.find(run, id),
    READ,
  );
  if (artifact === null)
    return err({ code: "artifact_not_found", detail: "The run has no artifact with this id." });
  if (!isRoomFor(artifact.size_bytes))
    return err({
      code: "overloaded",
      detail:
        "As many artifacts are being sent as there is room for; read those first that you have asked for.",
    });
  const bytes = await files.get(artifact.sha256);
  if (bytes === null) throw new Error(`artifact ${artifact.id} has lost its file`);
  return ok({ artifact, bytes });
}
