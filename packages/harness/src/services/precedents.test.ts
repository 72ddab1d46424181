import type { Action } from "@assent/contract";
import { AgentProvenance } from "@assent/harmony";
import { expect, test } from "vitest";
import { newRun } from "../core/run/new-run.ts";
import { patternOf } from "./precedents.ts";

const AT = new Date(Date.UTC(2026, 0, 1));
const sha256 = (digit: string): `sha256:${string}` => `sha256:${digit.repeat(64)}`;

/** The question that a run over this workspace puts. */
function questionOver(
  workspace: string | null,
  precondition: string | null,
  commit = "c".repeat(40),
): string {
  const run = {
    ...newRun({
      id: `run_${"1".repeat(32)}` as const,
      driver: "assent" as const,
      agent: "worker",
      agentVersion: sha256("a"),
      task: "Work.",
      workspace: workspace === null ? null : { name: workspace, commit },
      model: "scripted/test",
      labels: {},
      requestedBy: { id: `prn_${"2".repeat(32)}` as const, name: "ann", kind: "human" as const },
      createdAt: AT,
      traceparent: null,
    }),
    tenant: `ten_${"3".repeat(32)}` as const,
  };
  const action: Action = {
    tool: "write_file",
    tool_version: "1",
    manifest_digest: sha256("b"),
    effect: "idempotent",
    harm: ["write"],
    arguments: { path: "deploy.sh", content: "rm -rf build\n" },
  };
  const judgement = {
    labels: {},
    controlArguments: ["path"],
    tainted: false,
    askable: true,
    planned: false,
    policyVersion: sha256("d"),
  };
  const asked = { run, action, judgement, precondition };
  return patternOf(asked, AgentProvenance.agent("worker", "scripted/test"), AT).patternId;
}

test("the same new file in another workspace is another question, in another commit of the same it is not", () => {
  const found = `absent->${sha256("e")}`;
  const there = questionOver("sandbox", found);
  expect(questionOver("production", found)).not.toBe(there);
  expect(questionOver("sandbox", found, "d".repeat(40))).toBe(there);
});

test("what changes no workspace is the same question whichever the run works on", () => {
  expect(questionOver("production", null)).toBe(questionOver("sandbox", null));
  expect(questionOver(null, null)).toBe(questionOver("sandbox", null));
});
