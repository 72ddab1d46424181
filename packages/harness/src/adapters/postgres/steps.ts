import {
  type Decision,
  type Effect,
  idFromUuid,
  type RunId,
  type StepKind,
  type StepState,
  uuidOf,
} from "@assent/contract";
import { assert } from "../../base/assert.ts";
import type { Journal, JournalStep, StepError, StepOutcome, StepRequest } from "../../core/run/journal.ts";
import type { StoreTx } from "../../ports.ts";
import type { Scope } from "./rows.ts";

type StepRow = {
  seq: number;
  kind: StepKind;
  name: string;
  state: StepState;
  effect: Effect;
  request: StepRequest;
  decision: Decision | null;
  approval_id: string | null;
  outcome: StepOutcome | null;
  error: StepError | null;
  retried_by: number | null;
  started_at: Date;
  finished_at: Date | null;
};

function toStep(row: StepRow): JournalStep {
  const { request, outcome } = row;
  assert(request.kind === row.kind, "a step's request is of the step's kind");
  assert(outcome === null || outcome.kind === row.kind, "a step's outcome is of the step's kind");
  return {
    seq: row.seq,
    kind: row.kind,
    name: row.name,
    state: row.state,
    effect: row.effect,
    request,
    decision: row.decision,
    approvalId: row.approval_id === null ? null : idFromUuid("apr", row.approval_id),
    outcome,
    error: row.error,
    retriedBySeq: row.retried_by,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  };
}

/** As `assent.whole_run` gives it: null for none. */
export type JournalJson = readonly (Omit<StepRow, "started_at" | "finished_at"> & {
  readonly started_at: string;
  readonly finished_at: string | null;
})[];

export const journalFromJson = (rows: JournalJson | null): Journal =>
  toJournal(
    (rows ?? []).map((row) => ({
      ...row,
      started_at: new Date(row.started_at),
      finished_at: row.finished_at === null ? null : new Date(row.finished_at),
    })),
  );

function toJournal(rows: readonly StepRow[]): Journal {
  const journal = rows.map(toStep);
  assert(
    journal.every((step, index) => step.seq === index + 1),
    "a journal has no gaps",
  );
  return journal;
}

export function stepRows({ query, tenant }: Scope): StoreTx["steps"] {
  return {
    async list(run: RunId): Promise<readonly JournalStep[]> {
      const rows = await query<StepRow>(
        `select seq, kind, name, state, effect, request, decision, approval_id, outcome, error, retried_by, started_at, finished_at
         from assent.steps where tenant_id = $1 and run_id = $2 order by seq`,
        [tenant, uuidOf(run)],
      );
      return toJournal(rows);
    },
  };
}
