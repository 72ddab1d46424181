// The words that are stored and sent. Open sets: a reader keeps a word it does not know, for a newer writer may have
// more of them; only what a decision depends on is closed.

export const EscalationStatus = { OPEN: "open", RESOLVED: "resolved" } as const;
export type EscalationStatus = (typeof EscalationStatus)[keyof typeof EscalationStatus];

export const AuditEventType = {
  PATTERN_RECORDED: "pattern_recorded",
  PATTERN_FORGOTTEN: "pattern_forgotten",
  RESOLUTION_SAVED: "resolution_saved",
  RESOLUTION_APPLIED: "resolution_applied",
  RESOLUTION_PROPOSED: "resolution_proposed",
  RESOLUTION_CONFIRMED: "resolution_confirmed",
  RESOLUTION_OVERRIDDEN: "resolution_overridden",
  RESOLUTION_REVOKED: "resolution_revoked",
  /** What a revoked resolution had decided: one entry for each decision, naming it. */
  DECISION_MARKED: "decision_marked",
  POLICY_SET: "policy_set",
  POLICY_REMOVED: "policy_removed",
  POLICY_APPLIED: "policy_applied",
  ESCALATION_RECORDED: "escalation_recorded",
  ESCALATION_RESOLVED: "escalation_resolved",
  MEMORY_CLEARED: "memory_cleared",
} as const;
export type AuditEventType = (typeof AuditEventType)[keyof typeof AuditEventType];

/** How a question was answered. `text` replays `result`; the others say what to do with the sides at hand. */
export const ResolutionStrategy = {
  TEXT: "text",
  OURS: "ours",
  THEIRS: "theirs",
  BASE: "base",
  UNION: "union",
  SORTED_UNION: "sorted_union",
  MANUAL: "manual",
  APPROVE: "approve",
  DENY: "deny",
} as const;
export type ResolutionStrategy = (typeof ResolutionStrategy)[keyof typeof ResolutionStrategy];

export const ConflictType = {
  BOTH_MODIFIED: "both_modified",
  BOTH_ADDED: "both_added",
  MODIFY_DELETE: "modify_delete",
  RENAME: "rename",
  BINARY: "binary",
  APPROVAL: "approval",
} as const;
export type ConflictType = (typeof ConflictType)[keyof typeof ConflictType];

/** What a policy says: a strategy to apply; `auto`, ask the memory; `manual`, ask a person whatever is remembered. */
export const PolicyAction = {
  AUTO: "auto",
  OURS: "ours",
  THEIRS: "theirs",
  BASE: "base",
  UNION: "union",
  SORTED_UNION: "sorted_union",
  MANUAL: "manual",
  APPROVE: "approve",
  DENY: "deny",
} as const;
export type PolicyAction = (typeof PolicyAction)[keyof typeof PolicyAction];

/** In the order in which they are tried. */
export const PolicyScope = { WORKSPACE: "workspace", REPO: "repo", DOMAIN: "domain", FILE: "file" } as const;
export type PolicyScope = (typeof PolicyScope)[keyof typeof PolicyScope];

/** Why the engine decided as it did. */
export const ReasonCode = {
  POLICY_STRATEGY: "policy_strategy", // applied: a policy names the strategy
  POLICY_MANUAL: "policy_manual", // escalated: a policy wants a person
  EXACT_VERIFIED: "exact_verified", // applied: a person has answered exactly this, and nobody otherwise
  EXACT_UNVERIFIED: "exact_unverified", // proposed: answered before, never by a person
  EXACT_LOW_CONFIDENCE: "exact_low_confidence", // proposed: too often overridden, or too seldom used
  EXACT_DISAGREEMENT: "exact_disagreement", // proposed: past answers differ
  EXACT_UNREADABLE: "exact_unreadable", // proposed: a past answer cannot be read, and may differ
  SIMILAR: "similar", // proposed: a question like this one was answered
  NO_PRECEDENT: "no_precedent", // escalated: nothing is known
} as const;
export type ReasonCode = (typeof ReasonCode)[keyof typeof ReasonCode];
