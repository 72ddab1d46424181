// Tier IV of the seed document. Its twenty threads are twenty processes here: JavaScript's synchronous calls never
// overlap within one.

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { escalationPath, fakeId, listEscalations, recordEscalation } from "../index.ts";
import { raceRecorders } from "../testing/racing.ts";
import { makeRecord } from "./fixtures.ts";
import { newRoot } from "../testing/root.ts";

describe("TestStress", () => {
  test("test_list_200_escalations", () => {
    const repo = newRoot();
    for (let i = 0; i < 200; i += 1) recordEscalation(repo, makeRecord(fakeId(`stress-${i}`), "stress"));
    expect(listEscalations(repo)).toHaveLength(200);
  });

  test("test_concurrent_record_same_id_idempotent", async () => {
    const repo = newRoot();
    const record = makeRecord();
    const results = await raceRecorders(repo, [record], { processes: 20, calls: 1 });
    const path = escalationPath(repo, record.escalationId);
    expect(existsSync(path)).toBe(true);
    expect(JSON.parse(readFileSync(path, "utf8")).escalation_id).toBe(record.escalationId);
    expect(results.flat()).toHaveLength(20);
    // The seed asks for one at least; link(2) gives exactly one.
    expect(results.flat().filter((opened) => opened)).toHaveLength(1);
  });
});
