// What a target can offer of its database: faults in it, and a look at it that the target cannot talk round.

/**
 * What happens to a statement with which the target writes what belongs to a run.
 * - `broken`: it fails, for a reason that does not go away by itself (an I/O error)
 * - `full`: it fails, for a reason that may pass (no space left)
 * - `cut`: its connection ends in the middle of it
 * - `conflict`: the database undoes the transaction because of another one (serialisation failure)
 * - `late`: a lock was waited for in vain
 * - `deadlock`: a real one, with another client of the database
 * - `held`: it waits until `disarm`, or until its connection ends
 */
export const STATEMENT_FAULTS = ["broken", "full", "cut", "conflict", "late", "deadlock", "held"] as const;
export type StatementFault = (typeof STATEMENT_FAULTS)[number];

export type ArmedFault = {
  readonly fault: StatementFault;
  /** Which statements from now on meet it, counted from 1, both included: of any process of the target. */
  readonly from: number;
  readonly to: number;
};

export type DatabaseBench = {
  /** Begins to count anew; null only counts. */
  arm(armed: ArmedFault | null): Promise<void>;
  /** Nothing is met any more, and nothing is held. */
  disarm(): Promise<void>;
  /** Statements since `arm`, also those that were undone. */
  count(): Promise<number>;
  /** Of these, how many met the fault. */
  fired(): Promise<number>;
  /** Statements that are held now. */
  held(): Promise<number>;
  /** What is stored without what it belongs to, one sentence each: no moment of a run's life may show any. */
  contradictions(): Promise<readonly string[]>;
  /** Another client of the database lets nobody write a run while `work` goes on. */
  whileLocked(work: () => Promise<void>): Promise<void>;
  /** The database stops at once, without a word to anybody, and starts again after `whileDown`. */
  restart(whileDown: () => Promise<void>): Promise<void>;
};
