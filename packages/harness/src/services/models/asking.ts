// One model step in the hands of one worker, between its calls.

import type { StepError } from "../../core/run/journal.ts";
import type { BudgetAmounts } from "../../ports.ts";
import type { Write } from "../write.ts";
import type { Held } from "../held.ts";
import type { Question } from "./question.ts";

/** Set aside, and what of it will count as spent when it is settled with the next write. */
export type Pending = { readonly id: string; readonly spent: BudgetAmounts };

/** What is known in the course of one step, by one worker. */
export type Asking = {
  readonly held: Held;
  readonly question: Question;
  /** The step as it is journaled before the first call; null once it is. */
  opening: Write | null;
  pending: Pending | null;
  /** Calls for this step, over all workers. */
  calls: number;
  readonly called: Set<string>;
  /** The newest word of each model that has not answered. */
  readonly tried: Map<string, Tried>;
};

/** `waitMs` null: asking it again is no use in this run. */
export type Tried = {
  readonly error: StepError;
  readonly waitMs: number | null;
  /** Nobody was called: it says nothing of the run. */
  readonly isShut: boolean;
  /** The provider is away, not merely busy. */
  readonly isAway: boolean;
};
