import type { Trial } from "../evidence.ts";
import type { Scenario } from "../scenario.ts";

/** What a report is of. */
export type Reported = {
  readonly trials: readonly Trial[];
  /** Those that were chosen; what the trials are named after is among them. */
  readonly scenarios: readonly Scenario[];
  readonly startedAt: Date;
  readonly endedAt: Date;
};
