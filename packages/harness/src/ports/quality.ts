// How people decide, counted.

import type { Actor } from "@assent/contract";

export type ApproverCounts = {
  readonly approver: Actor;
  readonly answered: number;
  readonly approved: number;
  readonly medianSeconds: number;
  /** Of these, answers given for good that were taken back since, or that a person answered otherwise. */
  readonly reversed: number;
};

export type DecidingCounts = {
  /** Who answered most comes first. */
  readonly approvers: readonly ApproverCounts[];
  readonly unanswered: number;
  /** All runs that could have asked were looked at. */
  readonly isWhole: boolean;
};
