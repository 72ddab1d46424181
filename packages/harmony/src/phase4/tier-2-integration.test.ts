// Tier II of the seed document: record, load, list, resolve.

import { existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  AgentProvenance,
  EscalationStatus,
  escalationPath,
  escalationsDir,
  fakeId,
  harmonyDir,
  listEscalations,
  loadEscalation,
  longId,
  recordEscalation,
  resolveEscalation,
} from "../index.ts";
import { makeRecord, utcNow } from "./fixtures.ts";
import { newRoot } from "../testing/root.ts";

const temporaryFiles = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name.endsWith(".tmp"));
const invalidId: unknown = expect.objectContaining({ code: "invalid_id" });

describe("TestEscalationsDir", () => {
  test("test_path_structure", () => {
    const repo = newRoot();
    expect(escalationsDir(repo)).toBe(`${harmonyDir(repo)}/escalations`);
  });

  test("test_does_not_create_dir", () => {
    const repo = newRoot();
    expect(existsSync(escalationsDir(repo))).toBe(false);
  });
});

describe("TestRecordEscalation", () => {
  test("test_creates_escalation_file", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    expect(existsSync(escalationPath(repo, record.escalationId))).toBe(true);
  });

  test("test_idempotent_second_write_no_error", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    recordEscalation(repo, record);
    expect(existsSync(escalationPath(repo, record.escalationId))).toBe(true);
  });

  test("test_idempotent_returns_false_on_second_write", () => {
    const repo = newRoot();
    const record = makeRecord();
    expect(recordEscalation(repo, record)).toBe(true);
    expect(recordEscalation(repo, record)).toBe(false);
  });

  test("test_json_contains_expected_keys", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    const data = JSON.parse(readFileSync(escalationPath(repo, record.escalationId), "utf8"));
    for (const key of ["escalation_id", "pattern_id", "reason", "escalated_at", "escalated_by", "status"]) {
      expect(data).toHaveProperty(key);
    }
  });

  test("test_status_stored_as_open", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    const data = JSON.parse(readFileSync(escalationPath(repo, record.escalationId), "utf8"));
    expect(data.status).toBe(EscalationStatus.OPEN);
  });

  test("test_atomic_write_no_temp_files", () => {
    const repo = newRoot();
    recordEscalation(repo, makeRecord());
    expect(temporaryFiles(escalationsDir(repo))).toEqual([]);
  });
});

describe("TestLoadEscalation", () => {
  test("test_returns_none_for_missing", () => {
    const repo = newRoot();
    expect(loadEscalation(repo, fakeId("missing"))).toBeNull();
  });

  test("test_round_trips_required_fields", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    const loaded = loadEscalation(repo, record.escalationId);
    expect(loaded?.escalationId).toBe(record.escalationId);
    expect(loaded?.patternId).toBe(record.patternId);
    expect(loaded?.reason).toBe(record.reason);
    expect(loaded?.status).toBe(EscalationStatus.OPEN);
  });

  test("test_escalated_by_human_round_trips", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    expect(loadEscalation(repo, record.escalationId)?.escalatedBy.type).toBe("human");
  });

  test("test_escalated_by_agent_round_trips", () => {
    const repo = newRoot();
    const record = makeRecord(fakeId("pat1"), "No match found", "claude-code");
    recordEscalation(repo, record);
    expect(loadEscalation(repo, record.escalationId)?.escalatedBy.agentId).toBe("claude-code");
  });

  test("test_validates_id_rejects_traversal", () => {
    const repo = newRoot();
    expect(() => loadEscalation(repo, "../../malicious")).toThrow(invalidId);
  });
});

describe("TestListEscalations", () => {
  test("test_empty_store_returns_empty", () => {
    const repo = newRoot();
    expect(listEscalations(repo)).toEqual([]);
  });

  test("test_returns_all_by_default", () => {
    const repo = newRoot();
    recordEscalation(repo, makeRecord(fakeId("p1"), "r1"));
    recordEscalation(repo, makeRecord(fakeId("p2"), "r2"));
    expect(listEscalations(repo)).toHaveLength(2);
  });

  test("test_filter_open_only", () => {
    const repo = newRoot();
    const first = makeRecord(fakeId("p1"), "r1");
    const second = makeRecord(fakeId("p2"), "r2");
    recordEscalation(repo, first);
    recordEscalation(repo, second);
    resolveEscalation(repo, second.escalationId, fakeId("res"), AgentProvenance.human(), utcNow());
    const results = listEscalations(repo, { status: EscalationStatus.OPEN });
    expect(results.map(({ escalationId }) => escalationId)).toEqual([first.escalationId]);
  });

  test("test_filter_resolved_only", () => {
    const repo = newRoot();
    const first = makeRecord(fakeId("p1"), "r1");
    const second = makeRecord(fakeId("p2"), "r2");
    recordEscalation(repo, first);
    recordEscalation(repo, second);
    resolveEscalation(repo, second.escalationId, fakeId("res"), AgentProvenance.human(), utcNow());
    const results = listEscalations(repo, { status: EscalationStatus.RESOLVED });
    expect(results.map(({ escalationId }) => escalationId)).toEqual([second.escalationId]);
  });

  test("test_sorted_newest_first", () => {
    const repo = newRoot();
    for (let i = 0; i < 3; i += 1) recordEscalation(repo, makeRecord(fakeId(`p${i}`), `reason ${i}`));
    const timestamps = listEscalations(repo).map(({ escalatedAt }) => escalatedAt);
    expect(timestamps).toHaveLength(3);
    expect(timestamps).toEqual(timestamps.toSorted().toReversed());
  });

  test("test_skips_symlinks", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    const folder = escalationsDir(repo);
    symlinkSync(
      `${folder}/${longId(record.escalationId, { strip: true })}.json`,
      `${folder}/${"a".repeat(64)}.json`,
    );
    expect(listEscalations(repo)).toHaveLength(1);
  });
});

describe("TestResolveEscalation", () => {
  test("test_returns_true_when_found", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    const human = AgentProvenance.human();
    expect(resolveEscalation(repo, record.escalationId, fakeId("res"), human, utcNow())).toBe(true);
  });

  test("test_returns_false_when_not_found", () => {
    const repo = newRoot();
    const human = AgentProvenance.human();
    expect(resolveEscalation(repo, fakeId("missing"), fakeId("res"), human, utcNow())).toBe(false);
  });

  test("test_status_updated_to_resolved", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    resolveEscalation(repo, record.escalationId, fakeId("res"), AgentProvenance.human(), utcNow());
    expect(loadEscalation(repo, record.escalationId)?.status).toBe(EscalationStatus.RESOLVED);
  });

  test("test_resolution_id_stored", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    const resolutionId = fakeId("resolution");
    resolveEscalation(repo, record.escalationId, resolutionId, AgentProvenance.human(), utcNow());
    expect(loadEscalation(repo, record.escalationId)?.resolutionId).toBe(resolutionId);
  });

  test("test_resolved_by_stored", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    const actor = AgentProvenance.agent("claude-code", "claude-sonnet-4-6");
    resolveEscalation(repo, record.escalationId, fakeId("res"), actor, utcNow());
    expect(loadEscalation(repo, record.escalationId)?.resolvedBy?.agentId).toBe("claude-code");
  });

  test("test_resolved_at_stored", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    const now = "2026-01-02T03:04:05.123456+00:00";
    resolveEscalation(repo, record.escalationId, fakeId("res"), AgentProvenance.human(), now);
    expect(loadEscalation(repo, record.escalationId)?.resolvedAt).toBe(now);
  });

  test("test_validates_escalation_id", () => {
    const repo = newRoot();
    const human = AgentProvenance.human();
    expect(() => resolveEscalation(repo, "bad-id", fakeId("res"), human, utcNow())).toThrow(invalidId);
  });

  test("test_no_temp_files_after_resolve", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    resolveEscalation(repo, record.escalationId, fakeId("res"), AgentProvenance.human(), utcNow());
    expect(temporaryFiles(escalationsDir(repo))).toEqual([]);
  });
});
