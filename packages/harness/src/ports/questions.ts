// A question to the decision memory that nobody has answered: read before the commit it belongs to, and written with it.

import type { ApprovalId, EscalationStatus } from "@assent/contract";
import type { DecidingCounts } from "./quality.ts";
import type { AuditEntry, ConflictPattern, EscalationRecord, Resolution } from "@assent/harmony";

/** The memory is not any more as it was read. Nothing of the commit is kept; the question is put in a transaction. */
export class MemoryMoved extends Error {
  override readonly name = "MemoryMoved";
}

/** What the memory knows of a question that has no answer in force, neither it nor one like it. */
export type Unanswered = {
  /** It was put before. */
  readonly isKnown: boolean;
  /** The newest occurrence of the escalation that it becomes; null when it would be the first. */
  readonly newest: EscalationRecord | null;
};

/** What it leaves in the memory. */
export type NotedQuestion = {
  readonly pattern: ConflictPattern;
  readonly isKnown: boolean;
  readonly escalation: EscalationRecord;
  /** Opened as a record of its own, counted as one more sighting of an open one, or known already. */
  readonly recorded: "opened" | "counted" | "known";
  readonly facts: readonly AuditEntry[];
};

/** An escalation, with what it is about and what was answered. */
export type AskedQuestion = {
  /** Null: it cannot be read. */
  readonly escalation: EscalationRecord | null;
  /** Null, this or the answer: there is none, or it cannot be read. */
  readonly pattern: ConflictPattern | null;
  readonly answer: Resolution | null;
  readonly place: EscalationPlace;
};

/** Of an escalation among all of its tenant. @param at as the database writes it, to the microsecond */
export type EscalationPlace = { readonly at: string; readonly id: string };

/** An escalation that was answered, and the fact of it. */
export type ClosedEscalation = { readonly escalation: EscalationRecord; readonly fact: AuditEntry };

/** Questions of the memory, within a transaction. */
export type QuestionRows = {
  /**
   * The id of the newest escalation of the question that is open, which nobody else can decide until this transaction
   * ends. Null where there is none, or somebody is deciding it at this moment: where two runs put the same question and
   * are answered at once the escalation is the first answer's, and the second counts for its own run all the same. (Is
   * the first undone, the approval that it was for waits again, and the escalation with it.)
   */
  lockOpen(patternId: string): Promise<string | null>;
  /**
   * Answers the escalation that `lockOpen` would give.
   * @param close makes of it what it is from now on, and what the memory says of that
   * @returns null where there is none, or somebody else is answering it at this moment
   */
  closeOpen(
    patternId: string,
    close: (open: EscalationRecord) => ClosedEscalation,
  ): Promise<ClosedEscalation | null>;
  /** As {@link import("./store.ts").Store.lookUpQuestion}, for a commit of this transaction. */
  lookUp(pattern: ConflictPattern, first: string): Promise<Unanswered | null>;
  /** Of these states, newest first, after the given place. */
  list(
    statuses: readonly EscalationStatus[],
    after: EscalationPlace | null,
    limit: number,
  ): Promise<readonly AskedQuestion[]>;
  /** With which approval an answer was given first; null where that is not kept. */
  approvalOf(
    answer: Pick<Resolution, "patternId" | "resolutionId" | "resolvedAt">,
  ): Promise<ApprovalId | null>;
  /** How people have answered those about calls since then; of so many people at most. */
  counts(since: Date, limit: number): Promise<DecidingCounts>;
  /** The one escalation with its question; null where there is none. */
  find(id: string): Promise<AskedQuestion | null>;
};
