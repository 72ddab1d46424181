import { expect, test } from "vitest";
import type { ActionRequest } from "./action-request.ts";
import { decisionRecordSchema, questionOfRecord, recordDecision } from "./decision-record.ts";
import { diffDecisions } from "./policy-diff.ts";
import type { Policies } from "./policy-point.ts";
import type { PolicyVerdict } from "./policy-verdict.ts";

const VERSION = `sha256:${"b".repeat(64)}` as const;

const request = (tool: string): ActionRequest => ({
  tenant: `ten_${"0".repeat(32)}`,
  run: `run_${"0".repeat(32)}`,
  requester: { id: `prn_${"1".repeat(32)}`, kind: "human", name: "anna" },
  agent: { name: "agent", version: "1" },
  action: {
    tool,
    tool_version: "1",
    manifest_digest: `sha256:${"a".repeat(64)}`,
    effect: "once",
    harm: ["money"],
    arguments: { to: "bob", amount: 12.5 },
  },
  controlArguments: ["to"],
  labels: { "/to": { origin: "untrusted", sources: [{ source: "step:2", start: 3, end: 6 }] } },
  tainted: true,
  askable: false,
  planned: true,
});

const verdict = (outcome: PolicyVerdict["verdict"], policy: string): PolicyVerdict => ({
  verdict: outcome,
  reasons: [{ code: outcome, policy, detail: "Because." }],
  assent: null,
});

const record = (tool: string, found: PolicyVerdict): ReturnType<typeof recordDecision> =>
  recordDecision({
    at: new Date("2026-11-20T10:00:00Z"),
    step: 4,
    request: request(tool),
    budget: { tokensLeft: 7 },
    version: VERSION,
    verdict: found,
  });

test("a record holds the whole question: written, read and asked again it is the same", () => {
  const text = JSON.stringify(record("pay", verdict("permit", "a")));
  const read = decisionRecordSchema.parse(JSON.parse(text));
  expect(questionOfRecord(read)).toEqual({ request: request("pay"), budget: { tokensLeft: 7 } });
  expect(read).toMatchObject({ step: 4, policy_version: VERSION, decision: { verdict: "permit" } });
});

test("another verdict, another reason and no change are told apart", () => {
  const asked: unknown[] = [];
  const policies: Policies = {
    version: VERSION,
    rules: [],
    decide: (question, budget) => {
      asked.push([question, budget]);
      return verdict("permit", question.action.tool === "same" ? "old" : "new");
    },
  };
  const diff = diffDecisions(
    [
      record("same", verdict("permit", "old")),
      record("reason", verdict("permit", "old")),
      record("pay", verdict("deny", "old")),
    ],
    policies,
  );
  expect(asked[2]).toEqual([request("pay"), { tokensLeft: 7 }]);
  expect(diff).toEqual({
    version: VERSION,
    judged: 3,
    unchanged: 1,
    otherReasons: 1,
    changes: [
      {
        at: "2026-11-20T10:00:00.000Z",
        run: `run_${"0".repeat(32)}`,
        step: 4,
        tool: "pay",
        before: { verdict: "deny", policies: ["old"] },
        after: { verdict: "permit", policies: ["new"] },
      },
    ],
  });
});
