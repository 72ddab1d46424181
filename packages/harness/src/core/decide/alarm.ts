// What the text guard may do to a decision: make it a question, and nothing else. It misses whatever is meant to pass it,
// so no low score relaxes anything; and anybody who can write a mail could set it off, so it never denies: where nobody
// can be asked the rules alone decide.

import { APPROVAL_LIFETIME_HOURS } from "../../base/limits.ts";
import { verdictAfter } from "../prompt/guard.ts";
import type { ActionRequest } from "./action-request.ts";
import type { PolicyVerdict } from "./policy-verdict.ts";

export function afterAlarm(request: ActionRequest, verdict: PolicyVerdict): PolicyVerdict {
  const raised = verdictAfter(verdict.verdict, request.circumstances?.alarm ?? 0);
  if (raised === verdict.verdict || request.planned || !request.askable) return verdict;
  const { effect, harm } = request.action;
  if (effect === "none" && harm.length === 0) return verdict;
  return {
    verdict: raised,
    reasons: [
      {
        code: "text_guard",
        detail: "Something that the run has read gives orders to the model: look twice.",
      },
    ],
    assent: {
      quorum: 1,
      separateDuties: false,
      timeoutMs: APPROVAL_LIFETIME_HOURS * 3_600_000,
      onTimeout: "deny",
    },
  };
}
