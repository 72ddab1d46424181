// Tier VII of the seed document, which itself sets these times.

import { performance } from "node:perf_hooks";
import { describe, expect, test } from "vitest";
import {
  AgentProvenance,
  computeEscalationId,
  fakeId,
  listEscalations,
  loadEscalation,
  recordEscalation,
  resolveEscalation,
} from "../index.ts";
import { makeRecord, utcNow } from "./fixtures.ts";
import { newRoot } from "../testing/root.ts";

function elapsedMs(action: () => unknown): number {
  const startMs = performance.now();
  action();
  return performance.now() - startMs;
}

describe("TestPerformance", () => {
  test("test_record_escalation_under_50ms", () => {
    const repo = newRoot();
    const record = makeRecord();
    expect(elapsedMs(() => recordEscalation(repo, record))).toBeLessThan(50);
  });

  test("test_load_escalation_under_50ms", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    expect(elapsedMs(() => loadEscalation(repo, record.escalationId))).toBeLessThan(50);
  });

  test("test_resolve_escalation_under_50ms", () => {
    const repo = newRoot();
    const record = makeRecord();
    recordEscalation(repo, record);
    const resolve = (): boolean =>
      resolveEscalation(repo, record.escalationId, fakeId("r"), AgentProvenance.human(), utcNow());
    expect(elapsedMs(resolve)).toBeLessThan(50);
  });

  test("test_list_100_escalations_under_50ms", () => {
    const repo = newRoot();
    for (let i = 0; i < 100; i += 1) recordEscalation(repo, makeRecord(fakeId(`p${i}`), "r"));
    expect(elapsedMs(() => listEscalations(repo))).toBeLessThan(50);
  });

  test("test_compute_escalation_id_under_1ms", () => {
    const patternId = fakeId("p");
    expect(elapsedMs(() => computeEscalationId(patternId, "reason"))).toBeLessThan(1);
  });
});
