// The memory as it is used: asks the engine, counts experience, and leaves an audit entry for everything that it did.
// Over any store; the time is passed in. The record is written before its audit entry, and both are idempotent, so a
// call that a crash cut short can be made again.

import { newAuditEntry, type AuditEntry, type Json } from "./audit.ts";
import { explain, newEscalation, remedyFor } from "./engine/escalate.ts";
import { ranked } from "./engine/match.ts";
import { decide } from "./engine/resolve.ts";
import { HarmonyError } from "./errors.ts";
import { newPolicy } from "./policies.ts";
import { confidenceOf, Resolution } from "./resolutions.ts";
import type { AskedStore, HarmonyStore, Recorded } from "./store.ts";
import { parseTimestamp } from "./timestamps.ts";
import type {
  AgentProvenance,
  ConflictPattern,
  Decision,
  EscalationRecord,
  Policy,
  PolicyInput,
} from "./types.ts";
import { AuditEventType, EscalationStatus, PolicyAction, ReasonCode } from "./vocabulary.ts";

/** Similar patterns that are looked at for one question. */
const SIMILAR_MAX = 8;

/** When, and who: of every change. */
export type Act = { readonly at: Date | string; readonly actor: AgentProvenance };

export type Answer = {
  readonly strategy: string;
  readonly result?: string | null;
  readonly rationale?: string;
};

/** What revoking an answer touched. */
export type Revocation = {
  readonly resolution: Resolution;
  /** Audit entries of the decisions that rested on it. */
  readonly decisions: readonly AuditEntry[];
  /** Escalations that were resolved with it. */
  readonly escalations: readonly EscalationRecord[];
};

type Metadata = { readonly [key: string]: Json };

async function audit(
  store: Pick<HarmonyStore, "appendAudit">,
  eventType: AuditEventType,
  { at, actor }: Act,
  patternId: string | null,
  metadata: Metadata,
): Promise<void> {
  await store.appendAudit(newAuditEntry({ eventType, at, actor, patternId, metadata }));
}

/** Remembers that a question came up. True when it is new. */
export async function recordPattern(
  store: Pick<HarmonyStore, "recordPattern" | "appendAudit">,
  pattern: ConflictPattern,
): Promise<boolean> {
  const isNew = await store.recordPattern(pattern);
  const act = { at: pattern.recordedAt, actor: pattern.recordedBy };
  const { domain, conflictType, path } = pattern;
  if (isNew) {
    const metadata = { domain, conflict_type: conflictType, path };
    await audit(store, AuditEventType.PATTERN_RECORDED, act, pattern.patternId, metadata);
  }
  return isNew;
}

const DECISION_EVENTS = {
  applied: AuditEventType.RESOLUTION_APPLIED,
  proposed: AuditEventType.RESOLUTION_PROPOSED,
  escalated: AuditEventType.ESCALATION_RECORDED,
} as const;

function decisionMetadata(decision: Decision): Metadata {
  const base = { status: decision.status, reason: decision.reason, explanation: decision.explanation };
  if (decision.status === "applied") {
    return {
      ...base,
      strategy: decision.strategy,
      confidence: decision.confidence,
      provenance: { ...decision.provenance.toJSON() },
      resolution_id: decision.resolutionId,
      policy_id: decision.policyId,
    };
  }
  return {
    ...base,
    policy_id: decision.policyId,
    proposals: decision.proposals.map((proposal) => proposal.resolutionId),
  };
}

/**
 * Looks for similar questions only when exact ones do not answer: an exact answer costs the same in any memory.
 * @param gone answers to leave out
 */
async function decideFrom(
  store: AskedStore,
  pattern: ConflictPattern,
  gone: ReadonlySet<string>,
): Promise<Decision> {
  const [policies, stored] = await Promise.all([
    store.listPolicies(),
    store.listResolutions(pattern.patternId),
  ]);
  const exact = stored.filter(({ resolutionId }) => !gone.has(resolutionId));
  // Where nothing can be read a person is asked anyway.
  const unreadable = exact.length === 0 ? [] : await store.unreadableResolutions(pattern.patternId);
  const asked = { pattern, policies, exact, unreadable };
  const decision = decide({ ...asked, similar: [] });
  if (decision.status === "applied") return decision;
  return decide({ ...asked, similar: await store.findSimilar(pattern, SIMILAR_MAX) });
}

/**
 * Decides, and counts an applied precedent. That is where applying and taking back meet: whichever is first, the other
 * sees it, so an answer whose revocation was confirmed is never applied.
 */
async function decideAndCount(store: AskedStore, pattern: ConflictPattern, act: Act): Promise<Decision> {
  const gone = new Set<string>();
  for (;;) {
    const decision = await decideFrom(store, pattern, gone);
    if (decision.status !== "applied" || decision.resolutionId === null) return decision;
    const { resolutionId } = decision;
    const { actor, at } = act;
    const applied = await store.addExperience(pattern.patternId, resolutionId, "applied", actor, at);
    if (applied !== null && applied.revokedAt === null) return decision;
    // Taken back or forgotten since it was read.
    gone.add(resolutionId);
  }
}

/**
 * Remembers the question, asks the engine, and does what follows: an applied precedent is counted, an unanswered question
 * becomes an escalation (or one more sighting of it). Every outcome leaves an audit entry.
 */
export async function ask(store: AskedStore, pattern: ConflictPattern, act: Act): Promise<Decision> {
  await recordPattern(store, pattern);
  const decision = await decideAndCount(store, pattern, act);
  if (decision.status === "escalated") {
    await escalate(store, pattern.patternId, decision.explanation, act, decisionMetadata(decision));
    return decision;
  }
  const byPolicy = decision.status === "applied" && decision.resolutionId === null;
  const eventType = byPolicy ? AuditEventType.POLICY_APPLIED : DECISION_EVENTS[decision.status];
  await audit(store, eventType, act, pattern.patternId, decisionMetadata(decision));
  return decision;
}

/** Puts a question before a person. `opened` is false when it was waiting already; the sighting is counted. */
export async function escalate(
  store: Pick<HarmonyStore, "recordEscalation" | "appendAudit">,
  patternId: string,
  reason: string,
  act: Act,
  metadata: Metadata = {},
): Promise<Recorded> {
  const recorded = await store.recordEscalation(newEscalation(patternId, reason, act.actor, act.at));
  const { escalationId, occurrence } = recorded.record;
  await audit(store, AuditEventType.ESCALATION_RECORDED, act, patternId, {
    explanation: reason,
    ...metadata,
    escalation_id: escalationId,
    occurrence,
    opened: recorded.opened,
  });
  return recorded;
}

/**
 * Stores an answer. Given again by a person, it is confirmed and verified; a different answer than those in force
 * overrides them, and from then on they disagree until a person revokes one. Throws HarmonyError `revoked`.
 */
export async function answer(
  store: HarmonyStore,
  patternId: string,
  given: Answer,
  act: Act,
): Promise<Resolution> {
  const resolution = new Resolution({ patternId, ...given, resolvedAt: act.at, resolvedBy: act.actor });
  const { resolutionId } = resolution;
  const metadata = {
    resolution_id: resolutionId,
    strategy: resolution.strategy,
    rationale: resolution.rationale,
  };
  await refuseRevoked(store, patternId, resolutionId);
  const isNew = await store.saveResolution(resolution);
  // As with overriding: what a program says again makes nothing of what people said worth more.
  if (!isNew && act.actor.type === "human")
    await store.addExperience(patternId, resolutionId, "confirmed", act.actor, act.at);
  const event = isNew ? AuditEventType.RESOLUTION_SAVED : AuditEventType.RESOLUTION_CONFIRMED;
  await audit(store, event, act, patternId, metadata);
  await overrideOthers(store, resolution, act);
  return (await store.loadResolution(patternId, resolutionId)) ?? resolution;
}

async function refuseRevoked(store: HarmonyStore, patternId: string, resolutionId: string): Promise<void> {
  const known = await store.loadResolution(patternId, resolutionId);
  if (known === null || known.revokedAt === null) return;
  throw new HarmonyError("revoked", `resolution ${resolutionId} was revoked; it is not given again`, {
    resolutionId,
  });
}

async function overrideOthers(store: HarmonyStore, given: Resolution, act: Act): Promise<void> {
  // Only what a person says weighs against an answer; an agent's other answer is a mere alternative.
  if (act.actor.type !== "human") return;
  for (const other of ranked(await store.listResolutions(given.patternId))) {
    if (other.resolutionId === given.resolutionId) continue;
    await store.addExperience(given.patternId, other.resolutionId, "overridden", act.actor, act.at);
    await audit(store, AuditEventType.RESOLUTION_OVERRIDDEN, act, given.patternId, {
      resolution_id: other.resolutionId,
      overridden_by: given.resolutionId,
    });
  }
}

/**
 * Answers an escalation: stores the answer and resolves the record with it. Null when there is no such escalation.
 * Throws HarmonyError `already_resolved`, and `revoked`, after which it waits as before; then the answer given here is not
 * stored.
 */
export async function resolve(
  store: HarmonyStore,
  escalationId: string,
  given: Answer,
  act: Act,
): Promise<Resolution | null> {
  const escalation = await store.loadEscalation(escalationId);
  if (escalation === null) return null;
  const { patternId } = escalation;
  const { resolutionId } = new Resolution({ patternId, ...given, resolvedAt: act.at, resolvedBy: act.actor });
  if (escalation.status === EscalationStatus.RESOLVED) {
    // Decided with this very answer, which a crash then kept from being stored: the rest is made up for.
    const isCutShort =
      escalation.resolutionId === resolutionId &&
      (await store.loadResolution(patternId, resolutionId)) === null;
    if (!isCutShort) {
      throw new HarmonyError(
        "already_resolved",
        `escalation ${escalation.escalationId} is already resolved`,
        {
          record: escalation,
        },
      );
    }
  } else {
    // Before it is resolved: what cannot be given must not use the question up.
    await refuseRevoked(store, patternId, resolutionId);
    // The escalation first: of two people who answer at the same time, only one teaches the memory.
    await store.resolveEscalation(escalationId, resolutionId, act.actor, act.at);
  }
  await audit(store, AuditEventType.ESCALATION_RESOLVED, act, patternId, {
    escalation_id: escalation.escalationId,
    resolution_id: resolutionId,
  });
  return await answer(store, patternId, given, act);
}

/**
 * The best answer in force, with its confidence; null when there is none. Throws HarmonyError `invalid_record` where an
 * answer beside it cannot be read: that one may be the better.
 */
export async function best(
  store: HarmonyStore,
  patternId: string,
): Promise<{ resolution: Resolution; confidence: number } | null> {
  const [resolution] = ranked(await store.listResolutions(patternId));
  const unreadable = resolution === undefined ? [] : await store.unreadableResolutions(patternId);
  if (unreadable.length > 0)
    throw new HarmonyError(
      "invalid_record",
      `${explain(ReasonCode.EXACT_UNREADABLE)}: ${remedyFor(unreadable)}`,
    );
  return resolution === undefined ? null : { resolution, confidence: confidenceOf(resolution) };
}

/**
 * Takes an answer out of force and marks what it decided: every decision in the audit that rested on it, every
 * escalation that was resolved with it. Cut short, it can be called again and completes the marks. Null when unknown.
 */
export async function revoke(
  store: HarmonyStore,
  patternId: string,
  resolutionId: string,
  act: Act,
  reason: string,
): Promise<Revocation | null> {
  const resolution = await store.revokeResolution(patternId, resolutionId, act.actor, act.at, reason);
  if (resolution === null || resolution.revokedAt === null) return null;
  // The time of the revocation that stands, so that marking again writes the same entries again.
  const marking = { actor: resolution.revokedBy ?? act.actor, at: resolution.revokedAt };
  await audit(store, AuditEventType.RESOLUTION_REVOKED, marking, patternId, {
    resolution_id: resolutionId,
    reason: resolution.revokedReason,
  });
  const applied = await store.listAudit({ patternId, eventType: AuditEventType.RESOLUTION_APPLIED });
  const decisions = applied.filter((entry) => entry.metadata["resolution_id"] === resolutionId);
  for (const decision of decisions) {
    await audit(store, AuditEventType.DECISION_MARKED, marking, patternId, {
      resolution_id: resolutionId,
      decision: decision.auditId,
    });
  }
  const escalations = await store.markEscalations(resolutionId, resolution.revokedAt);
  return { resolution, decisions, escalations };
}

/** Throws HarmonyError `not_a_person` for a program's rule that would do more than ask for a person. */
export async function addPolicy(store: HarmonyStore, input: PolicyInput): Promise<Policy> {
  const policy = newPolicy(input);
  if (policy.createdBy.type !== "human" && policy.action !== PolicyAction.MANUAL)
    throw new HarmonyError("not_a_person", "only a person writes a policy; a program's can only be `manual`");
  await store.savePolicy(policy);
  const act = { at: policy.createdAt, actor: policy.createdBy };
  await audit(store, AuditEventType.POLICY_SET, act, null, {
    policy_id: policy.policyId,
    scope: policy.scope,
    action: policy.action,
  });
  return policy;
}

/** False when unknown. Throws HarmonyError `not_a_person` where a program would take a person's rule away. */
export async function removePolicy(store: HarmonyStore, policyId: string, act: Act): Promise<boolean> {
  const policy = act.actor.type === "human" ? null : await store.loadPolicy(policyId);
  if (policy !== null && policy.createdBy.type === "human")
    throw new HarmonyError("not_a_person", "only a person removes a policy that a person wrote");
  const removed = await store.removePolicy(policyId);
  if (removed) await audit(store, AuditEventType.POLICY_REMOVED, act, null, { policy_id: policyId });
  return removed;
}

/** Forgets a question with all its answers; escalations and audit stay. False when unknown. */
export async function forget(store: HarmonyStore, patternId: string, act: Act): Promise<boolean> {
  const forgotten = await store.forgetPattern(patternId);
  if (forgotten) await audit(store, AuditEventType.PATTERN_FORGOTTEN, act, patternId, {});
  return forgotten;
}

/** Forgets patterns not seen since then that were never answered and wait for nobody. Returns their ids. */
export async function collect(
  store: HarmonyStore,
  unseenSince: Date | string,
  act: Act,
): Promise<readonly string[]> {
  const before = parseTimestamp(unseenSince);
  const waiting = new Set(
    (await store.listEscalations({ status: EscalationStatus.OPEN })).map((e) => e.patternId),
  );
  const gone: string[] = [];
  for (const pattern of await store.listPatterns()) {
    if (pattern.lastSeenAt >= before || waiting.has(pattern.patternId)) continue;
    if ((await store.listResolutions(pattern.patternId)).length > 0) continue;
    // Forgotten, it would take along what a person may yet restore.
    if ((await store.unreadableResolutions(pattern.patternId)).length > 0) continue;
    if (await forget(store, pattern.patternId, act)) gone.push(pattern.patternId);
  }
  return gone;
}

/** Forgets everything but the audit. Returns how many records. */
export async function clear(store: HarmonyStore, act: Act): Promise<number> {
  const removed = await store.clear();
  await audit(store, AuditEventType.MEMORY_CLEARED, act, null, { removed });
  return removed;
}
