// Tier I of the seed document: constants, fields, ids.

import { describe, expect, test } from "vitest";
import {
  AgentProvenance,
  AuditEventType,
  computeEscalationId,
  EscalationRecord,
  EscalationStatus,
  fakeId,
  splitId,
} from "../index.ts";
import { makeRecord, utcNow } from "./fixtures.ts";

describe("TestEscalationStatusConstants", () => {
  test("test_open_value", () => {
    expect(EscalationStatus.OPEN).toBe("open");
  });

  test("test_resolved_value", () => {
    expect(EscalationStatus.RESOLVED).toBe("resolved");
  });

  test("test_constants_are_strings", () => {
    expect(typeof EscalationStatus.OPEN).toBe("string");
    expect(typeof EscalationStatus.RESOLVED).toBe("string");
  });
});

describe("TestAuditEventTypeEscalationResolved", () => {
  test("test_escalation_resolved_constant", () => {
    expect(AuditEventType.ESCALATION_RESOLVED).toBe("escalation_resolved");
  });

  test("test_escalation_recorded_still_present", () => {
    expect(AuditEventType.ESCALATION_RECORDED).toBe("escalation_recorded");
  });
});

describe("TestEscalationRecordFields", () => {
  test("test_required_fields_present", () => {
    const patternId = fakeId("p");
    const escalationId = computeEscalationId(patternId, "reason");
    const record = new EscalationRecord({
      escalationId,
      patternId,
      reason: "test reason",
      escalatedAt: utcNow(),
      escalatedBy: AgentProvenance.human(),
    });
    expect(record.escalationId).toBe(escalationId);
    expect(record.patternId).toBe(patternId);
    expect(record.reason).toBe("test reason");
    expect(record.status).toBe(EscalationStatus.OPEN);
  });

  test("test_status_defaults_to_open", () => {
    expect(makeRecord().status).toBe(EscalationStatus.OPEN);
  });

  test("test_optional_fields_default_none", () => {
    const record = makeRecord();
    expect(record.resolvedAt).toBeNull();
    expect(record.resolvedBy).toBeNull();
    expect(record.resolutionId).toBeNull();
  });

  test("test_frozen", () => {
    const record = makeRecord();
    expect(() => Object.assign(record, { status: EscalationStatus.RESOLVED })).toThrow(TypeError);
    expect(record.status).toBe(EscalationStatus.OPEN);
  });

  test("test_is_dataclass", () => {
    // A dataclass is a class whose instances are their declared fields, equal when those are.
    const record = makeRecord();
    const json = JSON.parse(JSON.stringify(record));
    expect(record).toBeInstanceOf(EscalationRecord);
    expect(EscalationRecord.fromJSON(json)).toEqual(record);
  });
});

describe("TestComputeEscalationId", () => {
  test("test_deterministic_same_inputs", () => {
    const patternId = fakeId("p");
    expect(computeEscalationId(patternId, "reason")).toBe(computeEscalationId(patternId, "reason"));
  });

  test("test_different_pattern_ids_differ", () => {
    expect(computeEscalationId(fakeId("p1"), "reason")).not.toBe(computeEscalationId(fakeId("p2"), "reason"));
  });

  test("test_different_reasons_differ", () => {
    const patternId = fakeId("p");
    expect(computeEscalationId(patternId, "reason A")).not.toBe(computeEscalationId(patternId, "reason B"));
  });

  test("test_returns_sha256_id", () => {
    const escalationId = computeEscalationId(fakeId("p"), "reason");
    expect(escalationId.startsWith("sha256:")).toBe(true);
    expect(escalationId).toHaveLength(71);
    expect(splitId(escalationId)[1]).toMatch(/^[0-9a-f]+$/);
  });
});
