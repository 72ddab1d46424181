// What can happen to a run, in words: each becomes rows and an event (services/commit.ts).

import type { Artifact, EventKind, Reason } from "@assent/contract";
import type { ApprovalEvent } from "../core/run/approval.ts";
import type { JournalStep, LeftEffect, StepError, StepOutcome } from "../core/run/journal.ts";
import type { RunEvent } from "../core/run/run.ts";
import type { ApprovalChange, ApprovalRecord, BudgetAmounts, NewApproval, NotedQuestion } from "../ports.ts";

export type NewStep = Omit<JournalStep, "seq" | "retriedBySeq" | "startedAt" | "finishedAt">;

export type Write =
  /** The next step of the journal. A step that is refused at once is opened in that state. */
  | { readonly write: "step_opened"; readonly step: NewStep }
  | {
      readonly write: "step_closed";
      readonly seq: number;
      readonly state: "succeeded" | "failed" | "in_doubt";
      readonly outcome: StepOutcome | null;
      readonly error: StepError | null;
    }
  /** A step in doubt is tried again, because a person said so. */
  | { readonly write: "step_retried"; readonly seq: number; readonly gateSeq: number }
  | { readonly write: "approval_opened"; readonly approval: NewApproval }
  /** What the question leaves in the decision memory. */
  | { readonly write: "question_noted"; readonly noted: NotedQuestion }
  | {
      readonly write: "approval_decided";
      readonly approval: ApprovalRecord;
      readonly event: ApprovalEvent;
      /** The event's name, where the person's word was another than the state it leads to. */
      readonly kind?: EventKind;
      readonly change: Partial<Omit<ApprovalChange, "state">>;
    }
  /** One yes of several that the rules want; nothing moves before the last of them. */
  | { readonly write: "approval_voted"; readonly approval: ApprovalRecord; readonly votes: number }
  | {
      readonly write: "artifact_committed";
      readonly artifact: Omit<Artifact, "created_at">;
      /** Asked once nobody can remove the content any more, so that its answer stays true. */
      readonly isStored: () => Promise<boolean>;
    }
  /** What was set aside for a call is replaced by what it cost. */
  | { readonly write: "budget_settled"; readonly reservation: string; readonly spent: BudgetAmounts }
  /** What the run did and nobody could take back; people are asked to look. */
  | { readonly write: "effects_left"; readonly seq: number; readonly left: readonly LeftEffect[] }
  /** A queued run is to be looked at: at once, where nothing else is said. */
  | { readonly write: "run_woken"; readonly delaySeconds?: number }
  | {
      readonly write: "run_moved";
      readonly event: RunEvent;
      readonly reason: Reason | null;
      readonly answer?: string;
      /** For a run that goes back to the queue: how long its message waits. */
      readonly delaySeconds?: number;
      /** It only waited for something outside, so this attempt counts for none. */
      readonly isWait?: boolean;
    };
