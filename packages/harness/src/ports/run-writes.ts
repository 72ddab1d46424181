// All that one commit of a run writes. It is one statement of the database, so it is whole or not there.

import type { Actor, ApprovalId, ApprovalState, EventKind, RunId } from "@assent/contract";
import type { JournalStep } from "../core/run/journal.ts";
import type { Settlement } from "./budget.ts";
import type { NotedQuestion } from "./questions.ts";
import type { ApprovalChange, NewApproval, RunChange } from "./records.ts";

/** An approval is not any more in the state it was read in. Nothing of the commit is kept. */
export class ApprovalTaken extends Error {
  override readonly name = "ApprovalTaken";
}

export type StepChange = Pick<
  JournalStep,
  "seq" | "state" | "outcome" | "error" | "retriedBySeq" | "startedAt" | "finishedAt"
>;

export type RunEventRow = {
  readonly version: number;
  readonly kind: EventKind;
  readonly data: Readonly<Record<string, unknown>>;
};

export type RunWrites = {
  readonly run: RunId;
  readonly change: RunChange;
  /** The steps' rows are written in this order: opened ones first. */
  readonly opened: readonly JournalStep[];
  readonly changed: readonly StepChange[];
  /** A commit asks at most one question. */
  readonly asked: NewApproval | null;
  readonly decided: readonly {
    readonly id: ApprovalId;
    readonly from: ApprovalState;
    readonly change: ApprovalChange;
  }[];
  /** What the question leaves in the decision memory, where that was worked out before. */
  readonly noted: NotedQuestion | null;
  readonly settled: Settlement | null;
  /** Whatever else the run has set aside counts as spent. */
  readonly chargesAll: boolean;
  /** Of this commit's time and actor, in order. */
  readonly events: readonly RunEventRow[];
  readonly actor: Actor | null;
};
