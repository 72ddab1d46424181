// The life of an approval. A decided approval is never decided again; an approved one is spent once.

import type { ApprovalState } from "@assent/contract";
import { err, ok, type Result } from "../../base/result.ts";

export const APPROVAL_EVENTS = ["approved", "denied", "expired", "cancelled", "spent"] as const;
export type ApprovalEvent = (typeof APPROVAL_EVENTS)[number];

type Row = { readonly [E in ApprovalEvent]?: ApprovalState };

export const APPROVAL_TRANSITIONS: { readonly [S in ApprovalState]: Row } = {
  open: { approved: "approved", denied: "denied", expired: "expired", cancelled: "cancelled" },
  approved: { spent: "spent", cancelled: "cancelled" },
  denied: {},
  expired: {},
  cancelled: {},
  spent: {},
};

export type ApprovalRefusal = {
  readonly reason: "no_such_transition";
  readonly from: ApprovalState;
  readonly event: ApprovalEvent;
};

export function approvalTransition(
  from: ApprovalState,
  event: ApprovalEvent,
): Result<ApprovalState, ApprovalRefusal> {
  const to = APPROVAL_TRANSITIONS[from][event];
  if (to === undefined) return err({ reason: "no_such_transition", from, event });
  return ok(to);
}
