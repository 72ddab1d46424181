// Tier V of the seed document: what is written is what is read; records are frozen.

import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  AgentProvenance,
  EscalationRecord,
  EscalationStatus,
  escalationsDir,
  fakeId,
  loadEscalation,
  recordEscalation,
  resolveEscalation,
} from "../index.ts";
import { makeRecord } from "./fixtures.ts";
import { newRoot } from "../testing/root.ts";

describe("TestDataIntegrity", () => {
  test("test_json_round_trip_open", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    const loaded = loadEscalation(repo, record.escalationId);
    expect(loaded).toEqual(record);
    expect(loaded?.status).toBe(EscalationStatus.OPEN);
    expect(loaded?.resolvedAt).toBeNull();
    expect(loaded?.resolvedBy).toBeNull();
    expect(loaded?.resolutionId).toBeNull();
  });

  test("test_json_round_trip_resolved", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    const resolutionId = fakeId("res");
    const actor = AgentProvenance.agent("claude-code", "claude-sonnet-4-6");
    const now = "2026-01-02T03:04:05.000001+00:00";
    resolveEscalation(repo, record.escalationId, resolutionId, actor, now);
    const loaded = loadEscalation(repo, record.escalationId);
    expect(loaded?.status).toBe(EscalationStatus.RESOLVED);
    expect(loaded?.resolutionId).toBe(resolutionId);
    expect(loaded?.resolvedBy?.agentId).toBe("claude-code");
    expect(loaded?.resolvedBy?.modelId).toBe("claude-sonnet-4-6");
    expect(loaded?.resolvedAt).toBe(now);
  });

  test("test_escalation_record_is_frozen", () => {
    const record = makeRecord();
    expect(record).toBeInstanceOf(EscalationRecord);
    expect(() => Object.assign(record, { reason: "mutated" })).toThrow(TypeError);
    expect(() => Object.assign(record.escalatedBy, { type: "agent" })).toThrow(TypeError);
    expect(record.reason).toBe("No match found");
    expect(record.escalatedBy.type).toBe("human");
  });

  test("test_no_temp_files_in_escalations_dir", () => {
    const repo = newRoot();
    for (let i = 0; i < 5; i += 1) recordEscalation(repo, makeRecord(fakeId(`p${i}`), "r"));
    const names = readdirSync(escalationsDir(repo));
    expect(names).toHaveLength(5);
    expect(names.filter((name) => !/^[0-9a-f]{64}\.json$/.test(name))).toEqual([]);
  });

  test("test_escalated_at_is_utc_aware", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    expect(loadEscalation(repo, record.escalationId)?.escalatedAt).toMatch(/T.*\+00:00$/);
  });
});
