// Tier VI of the seed document: ids are checked before a path is made; the size is capped; links are skipped.

import { appendFileSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  AgentProvenance,
  escalationPath,
  escalationsDir,
  fakeId,
  listEscalations,
  loadEscalation,
  longId,
  recordEscalation,
  resolveEscalation,
} from "../index.ts";
import { makeRecord, utcNow } from "./fixtures.ts";
import { newRoot } from "../testing/root.ts";

const invalidId: unknown = expect.objectContaining({ code: "invalid_id" });

describe("TestSecurity", () => {
  test("test_load_traversal_rejected", () => {
    const repo = newRoot();
    expect(() => loadEscalation(repo, "../../etc/passwd")).toThrow(invalidId);
  });

  test("test_resolve_traversal_rejected", () => {
    const repo = newRoot();
    const human = AgentProvenance.human();
    expect(() => resolveEscalation(repo, "../traversal", fakeId("r"), human, utcNow())).toThrow(invalidId);
  });

  test("test_load_null_byte_rejected", () => {
    const repo = newRoot();
    expect(() => loadEscalation(repo, `${"a".repeat(63)}\u0000`)).toThrow(invalidId);
  });

  test("test_load_too_short_rejected", () => {
    const repo = newRoot();
    expect(() => loadEscalation(repo, "abc")).toThrow(invalidId);
  });

  test("test_load_uppercase_hex_rejected", () => {
    const repo = newRoot();
    expect(() => loadEscalation(repo, "A".repeat(64))).toThrow(invalidId);
  });

  test("test_list_skips_non_json_files", () => {
    const repo = newRoot();
    recordEscalation(repo, makeRecord());
    writeFileSync(`${escalationsDir(repo)}/not-a-real-file.txt`, "noise");
    expect(listEscalations(repo)).toHaveLength(1);
  });

  test("test_oversized_escalation_file_skipped", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    expect(listEscalations(repo)).toHaveLength(1);
    appendFileSync(escalationPath(repo, record.escalationId), " ".repeat(20_000));
    expect(listEscalations(repo)).toEqual([]);
  });

  test("test_symlinks_in_escalations_dir_skipped", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    const folder = escalationsDir(repo);
    symlinkSync(
      `${folder}/${longId(record.escalationId, { strip: true })}.json`,
      `${folder}/${"b".repeat(64)}.json`,
    );
    expect(listEscalations(repo)).toHaveLength(1);
  });
});
