// Tier III of the seed document: escalate, list, resolve, audit.

import { describe, expect, test } from "vitest";
import {
  AgentProvenance,
  appendAudit,
  AuditEventType,
  computeEscalationId,
  EscalationRecord,
  EscalationStatus,
  fakeId,
  listAudit,
  listEscalations,
  recordEscalation,
  resolveEscalation,
} from "../index.ts";
import { makeRecord, utcNow } from "./fixtures.ts";
import { newRoot } from "../testing/root.ts";

describe("TestEndToEnd", () => {
  test("test_escalate_list_resolve_audit", () => {
    const repo = newRoot();
    const patternId = fakeId("track.mid:content");
    const reason = "No policy or resolution found for pattern";
    const actor = AgentProvenance.agent("claude-code");
    const record = new EscalationRecord({
      escalationId: computeEscalationId(patternId, reason),
      patternId,
      reason,
      escalatedAt: utcNow(),
      escalatedBy: actor,
    });
    recordEscalation(repo, record);
    appendAudit(repo, AuditEventType.ESCALATION_RECORDED, actor, { patternId });
    expect(listEscalations(repo, { status: EscalationStatus.OPEN })).toHaveLength(1);

    resolveEscalation(repo, record.escalationId, fakeId("resolution"), actor, utcNow());
    appendAudit(repo, AuditEventType.ESCALATION_RESOLVED, actor, {
      patternId,
      metadata: { escalation_id: record.escalationId },
    });
    expect(listEscalations(repo, { status: EscalationStatus.OPEN })).toEqual([]);
    expect(listEscalations(repo, { status: EscalationStatus.RESOLVED })).toHaveLength(1);

    const eventTypes = listAudit(repo).map(({ eventType }) => eventType);
    expect(eventTypes).toContain(AuditEventType.ESCALATION_RECORDED);
    expect(eventTypes).toContain(AuditEventType.ESCALATION_RESOLVED);
  });

  test("test_multiple_patterns_independent_escalations", () => {
    const repo = newRoot();
    const records = Array.from({ length: 5 }, (_, i) => makeRecord(fakeId(`track${i}.mid`), "no match"));
    for (const record of records) recordEscalation(repo, record);
    expect(listEscalations(repo)).toHaveLength(5);
    for (const { escalationId } of records.slice(0, 2)) {
      resolveEscalation(repo, escalationId, fakeId("res"), AgentProvenance.human(), utcNow());
    }
    expect(listEscalations(repo, { status: EscalationStatus.OPEN })).toHaveLength(3);
    expect(listEscalations(repo, { status: EscalationStatus.RESOLVED })).toHaveLength(2);
  });
});
