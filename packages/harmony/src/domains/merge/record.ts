// What happened to a conflict, written into the memory: the pattern, the escalation, the use of an answer, the audit.

import { newAuditEntry, type Json } from "../../audit.ts";
import type { ContentId } from "../../ids.ts";
import { escalate, recordPattern } from "../../memory.ts";
import { AuditEventType, EscalationStatus } from "../../vocabulary.ts";
import type { Conflict } from "./conflict.ts";
import type { Answer } from "./decide.ts";
import { patternOf, type MergeSetting } from "./memory.ts";

export async function audit(
  eventType: string,
  patternId: ContentId,
  metadata: { readonly [key: string]: Json },
  { store, actor, now }: MergeSetting,
): Promise<void> {
  await store.appendAudit(newAuditEntry({ eventType, at: now(), actor, patternId, metadata }));
}

/** Records one answer that was given or withheld; returns the escalation that now waits, if any. */
export async function recordAnswer(
  answer: Answer,
  conflict: Conflict,
  path: string,
  setting: MergeSetting,
): Promise<ContentId | null> {
  const { store, workspace, actor, now } = setting;
  const { patternId, reason, explanation } = answer;
  await recordPattern(store, patternOf(conflict, path, setting));
  const act = { at: now(), actor };
  workspace.saveTexts(patternId, conflict);
  const why = { status: answer.status, reason, explanation, path, line: conflict.line };
  if (answer.status === "escalated") {
    return (await escalate(store, patternId, explanation, act, why)).record.escalationId;
  }
  if (answer.status === "proposed") {
    const proposals = answer.candidates.flatMap(({ resolutionId }) => resolutionId ?? []);
    await audit(AuditEventType.RESOLUTION_PROPOSED, patternId, { ...why, proposals }, setting);
    return null;
  }
  const { resolutionId, policyId, provenance, strategy, confidence } = answer;
  if (resolutionId !== null) await store.addExperience(patternId, resolutionId, "applied", actor, act.at);
  const event = resolutionId === null ? AuditEventType.POLICY_APPLIED : AuditEventType.RESOLUTION_APPLIED;
  const metadata = {
    ...why,
    strategy,
    confidence,
    provenance: provenance === null ? null : { ...provenance.toJSON() },
    resolution_id: resolutionId,
    policy_id: policyId,
    dropped_lines: answer.dropped.length,
  };
  await audit(event, patternId, metadata, setting);
  return null;
}

/** Resolves every open escalation of a pattern with the answer that was learned. */
export async function resolveEscalations(
  patternId: ContentId,
  resolutionId: ContentId,
  setting: MergeSetting,
): Promise<readonly ContentId[]> {
  const { store, actor, now } = setting;
  const resolved: ContentId[] = [];
  for (const { escalationId } of await store.listEscalations({ status: EscalationStatus.OPEN, patternId })) {
    if (!(await store.resolveEscalation(escalationId, resolutionId, actor, now()))) continue;
    const metadata = { escalation_id: escalationId, resolution_id: resolutionId };
    await audit(AuditEventType.ESCALATION_RESOLVED, patternId, metadata, setting);
    resolved.push(escalationId);
  }
  return resolved;
}
