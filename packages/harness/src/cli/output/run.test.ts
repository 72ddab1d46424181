import type { Run } from "@assent/contract";
import { expect, test } from "vitest";
import { runLines } from "./run.ts";

const at = "2026-01-01T00:00:00.000Z";
const run: Run = {
  id: "run_0190a000-0000-7000-8000-000000000001",
  status: "failed",
  agent: "clerk",
  agent_version: "sha256:0",
  task: "Book it.",
  workspace: null,
  model: "scripted/test",
  labels: {},
  requested_by: { id: "prn_0190a000-0000-7000-8000-000000000002", kind: "human", name: "ana" },
  reason: { code: "provider_refused", detail: "No." },
  attempt: 0,
  version: 9,
  created_at: at,
  updated_at: at,
  finished_at: at,
  answer: null,
  usage: { input_tokens: 1, output_tokens: 1 },
  steps: [],
  approvals: [],
  artifacts: [],
};

const identity = (_style: string, text: string): string => text;

test("a run that was taken back shows what was, and what was not, with hostile words made visible", () => {
  const lines = runLines(
    {
      ...run,
      rollback: {
        ending: "failed",
        ended: true,
        taken_back: [7, 3],
        left: [{ step: 5, tool: "send_mail", code: "http_refused", detail: "no\u001b[2J" }],
      },
    },
    new Date(at),
    identity,
  ).join("\n");
  expect(lines).toContain("Taken back\n  step 7, step 3\n  NOT step 5 (send_mail): no");
  expect(lines).not.toContain("\u001b");
  const due = [{ step: 3, tool: "book\u001b", by: "driver" } as const];
  const open = { ending: "cancelled", ended: false, taken_back: [7], left: [], due } as const;
  const under = runLines(
    { ...run, rollback: { ...open, taken_back: [7], left: [] } },
    new Date(at),
    identity,
  );
  expect(under.join("\n")).toContain("step 7\n  still under way\n  due: step 3 (book");
  expect(under.join("\n")).toContain("), by its driver");
  expect(under.join("\n")).not.toContain("\u001b");
  expect(runLines(run, new Date(at), identity).join("\n")).not.toContain("Taken back");
});
