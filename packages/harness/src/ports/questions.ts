// A question to the decision memory that nobody has answered: read before the commit it belongs to, and written with it.

import type { AuditEntry, ConflictPattern, EscalationRecord } from "@assent/harmony";

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
