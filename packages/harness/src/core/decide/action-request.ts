// Everything a rule may rest on when it judges one call. All of it is computed by the harness from what it saw; none of
// it is asked of a model (DESIGN.md section 5, spec/security.md section 3).

import type { Action, Actor, RunId, TenantId } from "@assent/contract";

/**
 * Who chose a value. `trusted`: it stands in what the requester or the agent's author wrote. `untrusted`: it stands in
 * something that anybody may have written. `model`: neither; the model made it, after reading what it read.
 */
export type Origin = "trusted" | "untrusted" | "model";

export type SourceRef = {
  /** `task`, `system`, or `step:<seq>` for what a tool returned, `document:<id>#<place>` for a passage of a document. */
  readonly source: string;
  /** Half-open range of UTF-16 code units in that source's text where the value (or its first part) stands. */
  readonly start: number;
  readonly end: number;
};

/** Of one leaf of a call's arguments, by JSON pointer (RFC 6901). */
export type ArgumentLabel = {
  readonly origin: Origin;
  readonly sources: readonly SourceRef[];
};

export type ArgumentLabels = Readonly<Record<string, ArgumentLabel>>;

export type Circumstances = {
  /**
   * Not only untrusted text can have chosen the tool: the requester's words name it, or the run used it before it had
   * read anything untrusted.
   */
  readonly named: boolean;
  /** The run made the very same call before, and it did not fail. */
  readonly repeated: boolean;
  /** Values of the requester's own that they did not put together: another's amount for this recipient. Not in old journals. */
  readonly pieced?: boolean;
  /** How overtly something that the run has read speaks to the model, 0 to 1: see core/prompt/guard.ts. */
  readonly alarm: number;
};

/** What was recorded before there was any of this counts as the worst that is known of it. */
export const UNKNOWN_CIRCUMSTANCES: Circumstances = {
  named: false,
  repeated: false,
  pieced: false,
  alarm: 0,
};

export type ActionRequest = {
  readonly tenant: TenantId;
  readonly run: RunId;
  readonly requester: Actor;
  readonly agent: { readonly name: string; readonly version: string };
  readonly action: Action;
  /** Names of the arguments that choose whom, where, how much, which (from the manifest). */
  readonly controlArguments: readonly string[];
  readonly labels: ArgumentLabels;
  /** The run has read something untrusted before this call. */
  readonly tainted: boolean;
  /** Somebody can be asked. Where nobody can, what would need approval is a deny. */
  readonly askable: boolean;
  /** The call matches a call of a plan that a person approved, its late-bound slots included. */
  readonly planned: boolean;
  /** Absent in what was recorded before these were known: then nothing speaks for the call. */
  readonly circumstances?: Circumstances;
};
