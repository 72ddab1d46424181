import fc from "fast-check";
import { expect, test } from "vitest";
import { fakeId } from "../../ids.ts";
import { AgentProvenance } from "../../provenance.ts";
import { parseTimestamp } from "../../timestamps.ts";
import type { ConflictReport } from "./answer-file.ts";
import type { RankedCandidate } from "./candidate.ts";
import { describeMerge, mergeJson } from "./report.ts";
import { visible } from "../../visible.ts";

const AT = parseTimestamp("2026-01-02T03:04:05Z");

const candidate = (text: string, confidence: number): RankedCandidate => ({
  text,
  makers: ["template"],
  reasons: ["decided so before"],
  confidence,
  resolutionId: null,
  provenance: null,
  resolvedAt: null,
});

function conflict(changes: Partial<ConflictReport>): ConflictReport {
  return {
    patternId: fakeId("p"),
    line: 7,
    status: "escalated",
    reason: "no_precedent",
    explanation: "nothing is known",
    text: null,
    strategy: null,
    confidence: null,
    provenance: null,
    decidedAt: null,
    resolutionId: null,
    policyId: null,
    escalationId: null,
    candidates: [],
    dropped: [],
    ...changes,
  };
}

test("a person reads status, reason, who decided and when, what is dropped, and three candidates with reasons", () => {
  const applied = conflict({
    status: "applied",
    explanation: "alice answered exactly this",
    confidence: 0.833,
    provenance: AgentProvenance.human("alice"),
    decidedAt: AT,
    dropped: [{ side: "theirs", text: "lost line\r\n" }],
  });
  const proposed = conflict({
    status: "proposed",
    line: 12,
    candidates: [candidate("one\n", 0.7), candidate("", 0.2), candidate("1\n2\n3\n4\n5\n6\n", 0.1)],
  });
  const lines = describeMerge({
    files: [{ path: "a.txt", status: "conflicted", conflicts: [applied, proposed] }],
    learned: [],
  });
  expect(lines).toEqual([
    "a.txt: 1 of 2 resolved",
    "  LINE  STATUS    CONFIDENCE  DECIDED BY         REASON",
    "  7     applied   83%         alice, 2026-01-02  alice answered exactly this",
    "        drops their line: lost line",
    "  12    proposed                                 nothing is known",
    "        1. 70%  decided so before",
    "           | one",
    "        2. 20%  decided so before",
    "           (no lines)",
    "        3. 10%  decided so before",
    "           | 1",
    "           | 2",
    "           | 3",
    "           | 4",
    "           … 2 more",
  ]);
});

test("no text of a file, a path or a name can send a control character to the terminal", () => {
  const anyText = fc
    .array(
      fc.constantFrom(
        "a",
        "\u001b[2J",
        "\r",
        "\u0007",
        "\u009b",
        "\u202e",
        "\n",
        "\u200b",
        "\u2028",
        "\u{e0041}",
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join(""));
  const control = /[\p{Cc}\p{Cf}\p{Zl}\p{Default_Ignorable_Code_Point}]/u;
  fc.assert(
    fc.property(anyText, (text) => {
      expect(visible(text)).not.toMatch(control);
      const files = [
        {
          path: `p${text}`,
          status: "conflicted" as const,
          conflicts: [
            conflict({
              explanation: text,
              provenance: AgentProvenance.agent(text),
              candidates: [{ ...candidate(text, 0.5), reasons: [text] }],
              dropped: [{ side: "ours", text }],
            }),
          ],
        },
      ];
      for (const line of describeMerge({
        files,
        learned: [{ path: text, refusal: { reason: "not_found" } }],
      })) {
        expect(line).not.toMatch(control);
      }
    }),
    { seed: 42, numRuns: 300 },
  );
});

test("the JSON has every key whatever happened", () => {
  const json: unknown = JSON.parse(
    JSON.stringify(
      mergeJson({
        merged: { files: [{ path: "a", status: "conflicted", conflicts: [conflict({})] }], learned: [] },
      }),
    ),
  );
  expect(json).toEqual({
    schema: "assent.harmony/merge/v1",
    files: [
      {
        path: "a",
        status: "conflicted",
        refusal: null,
        conflicts: [
          {
            line: 7,
            pattern_id: fakeId("p"),
            status: "escalated",
            reason: "no_precedent",
            explanation: "nothing is known",
            strategy: null,
            text: null,
            confidence: null,
            provenance: null,
            decided_at: null,
            resolution_id: null,
            policy_id: null,
            escalation_id: null,
            dropped: [],
            candidates: [],
          },
        ],
      },
    ],
    learned: [],
    undone: [],
    imported: null,
  });
});
