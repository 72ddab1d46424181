import type { Action } from "@assent/contract";
import { AgentProvenance, approvalPattern } from "@assent/harmony";
import { expect, test } from "vitest";
import { newRun } from "../core/run/new-run.ts";
import { digestOf } from "../base/digest.ts";
import { destinationOf } from "../core/tool.ts";
import { type AskedAction, patternOf } from "./precedents.ts";

const AT = new Date(Date.UTC(2026, 0, 1));
const sha256 = (digit: string): `sha256:${string}` => `sha256:${digit.repeat(64)}`;

/** What is asked where a run over this workspace makes the call. */
function askedOver(
  workspace: string | null,
  precondition: string | null,
  commit = "c".repeat(40),
): AskedAction {
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
  return { run, action, judgement, precondition };
}

const questionOf = (asked: AskedAction): string =>
  patternOf(asked, AgentProvenance.agent("worker", "scripted/test"), AT).patternId;

const questionOver = (...over: Parameters<typeof askedOver>): string => questionOf(askedOver(...over));

/**
 * The same as programs before 0039 file it: they note no place of a call whose approval they opened, and beside the place
 * that a newer one noted they put the workspace.
 */
function olderQuestionOf({ run, action, precondition }: AskedAction): string {
  const digest = (value: unknown): string => digestOf("argument", value);
  const noted = precondition === null || run.workspace === null ? {} : { workspace: run.workspace.name };
  const asked = {
    scope: `${run.tenant}/${run.agent}`,
    tool: action.tool,
    toolVersion: action.tool_version,
    manifestDigest: action.manifest_digest,
    argumentsDigest: digest({ arguments: action.arguments, precondition, ...noted }),
    argumentDigests: {},
    labels: [],
  };
  return approvalPattern(asked, AgentProvenance.agent("worker", "scripted/test"), AT).patternId;
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

test("what a program before 0039 remembers of a call that goes somewhere answers that call for no other place", () => {
  const [here, there] = ["https://here.example", "https://there.example"].map((url) =>
    destinationOf({ url }),
  );
  for (const workspace of ["sandbox", null]) {
    const [now, moved] = [askedOver(workspace, here ?? null), askedOver(workspace, there ?? null)];
    // It opened the approval, and noted nothing of the place; or a newer one had, and it was decided at the older.
    for (const older of [askedOver(workspace, null), now]) {
      expect(questionOf(moved)).not.toBe(olderQuestionOf(older));
      if (older.precondition === null) expect(questionOf(now)).not.toBe(olderQuestionOf(older));
    }
    // What is compared is what those programs file: of what goes nowhere they put the very same question.
    const file = askedOver(workspace, "absent");
    expect(questionOf(file)).toBe(olderQuestionOf(file));
  }
});
