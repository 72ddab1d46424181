import { expect, test } from "vitest";
import type { JournalStep } from "../run/journal.ts";
import { budgetLeft } from "./budget-left.ts";

const AT = new Date("2026-01-01T00:00:00Z");
const CATALOGUE = {
  "a/one": { tools: true, streaming: true, price: { input_usd_per_million: 2, output_usd_per_million: 10 } },
  "a/free": { tools: true, streaming: true },
} as const;

const answered = (seq: number, model: string, inputTokens: number, outputTokens: number): JournalStep => ({
  seq,
  kind: "model",
  name: model,
  state: "succeeded",
  effect: "idempotent",
  request: { kind: "model", promptDigest: `sha256:${"0".repeat(64)}` },
  decision: null,
  approvalId: null,
  outcome: {
    kind: "model",
    model,
    text: "",
    toolCalls: [],
    usage: { inputTokens, outputTokens },
    finishReason: "stop",
    warnings: [],
  },
  error: null,
  retriedBySeq: null,
  startedAt: AT,
  finishedAt: AT,
});

const LIMITS = { inputTokens: 1_000, outputTokens: 100, microdollars: 5_000 };

test("what is left is what the limits allow without what the answers cost", () => {
  const journal = [answered(1, "a/one", 300, 40), answered(2, "a/one", 100, 10)];
  expect(budgetLeft(LIMITS, CATALOGUE, [])).toEqual({ tokensLeft: 1_100, microdollarsLeft: 5_000 });
  expect(budgetLeft(LIMITS, CATALOGUE, journal)).toEqual({ tokensLeft: 650, microdollarsLeft: 3_700 });
  expect(budgetLeft(LIMITS, CATALOGUE, [...journal, answered(3, "a/one", 5_000, 500)])).toEqual({
    tokensLeft: 0,
    microdollarsLeft: 0,
  });
});

test("what has no limit, or no price, is not told: a rule has to say what then", () => {
  const journal = [answered(1, "a/free", 300, 40)];
  expect(budgetLeft(LIMITS, CATALOGUE, journal)).toEqual({ tokensLeft: 760 });
  const none = { inputTokens: null, outputTokens: 100, microdollars: null };
  expect(budgetLeft(none, CATALOGUE, journal)).toEqual({});
});
