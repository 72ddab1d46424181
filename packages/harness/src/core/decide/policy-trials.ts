// Rules that are tried, as services see them. The adapter that tries is adapters/cedar/trial.ts.

import type { Result } from "../../base/result.ts";
import type { DecisionRecord } from "./decision-record.ts";
import type { PolicyDiff } from "./policy-diff.ts";
import type { PolicyRefusal } from "./policy-point.ts";

/** A set of rules that decides nothing: it is asked what it would have said. */
export type OpenedTrial = AsyncDisposable & {
  readonly version: string;
  /** So many. */
  readonly rules: number;
  /** Rejects with an `AbortError` once the signal it was opened with is aborted, or where it has died. */
  judge(records: readonly DecisionRecord[]): Promise<PolicyDiff>;
};

/** Reads the text of a whole set apart from all other rules. Rejects as {@link OpenedTrial.judge} does. */
export type PolicyTrials = (text: string, signal: AbortSignal) => Promise<Result<OpenedTrial, PolicyRefusal>>;
