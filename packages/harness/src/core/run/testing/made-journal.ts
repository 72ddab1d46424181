// Journals made by hand, step by step.

import type { StepState } from "@assent/contract";
import type {
  GateOutcome,
  JournalStep,
  ModelOutcome,
  RollbackRequest,
  StepOutcome,
  StepRequest,
  ToolCall,
  ToolStep,
} from "../journal.ts";

const at = new Date(0);

export function step(
  seq: number,
  state: StepState,
  request: StepRequest,
  rest: Partial<JournalStep> = {},
): JournalStep {
  return {
    seq,
    kind: request.kind,
    name: request.kind,
    state,
    effect: "none",
    request,
    decision: null,
    approvalId: null,
    outcome: null,
    error: null,
    retriedBySeq: null,
    startedAt: at,
    finishedAt: state === "intended" ? null : at,
    ...rest,
  };
}

export const call = (id: string): ToolCall => ({ id, tool: "t", arguments: {} });

export function turn(seq: number, calls: readonly ToolCall[], text = ""): JournalStep {
  const outcome: ModelOutcome = {
    kind: "model",
    model: "m",
    text,
    toolCalls: calls,
    usage: { inputTokens: 0, outputTokens: 0 },
    finishReason: calls.length > 0 ? "tool_calls" : "stop",
    warnings: [],
  };
  return step(seq, "succeeded", { kind: "model", promptDigest: "sha256:0" }, { outcome });
}

export const toolStep = (
  seq: number,
  callId: string,
  state: StepState,
  rest: Partial<JournalStep> = {},
): JournalStep =>
  step(
    seq,
    state,
    {
      kind: "tool",
      callId,
      action: {
        tool: "t",
        tool_version: "",
        manifest_digest: "sha256:0",
        effect: "none",
        harm: [],
        arguments: {},
      },
      judgement: null,
      actionDigest: "sha256:0",
      effectId: "sha256:0",
      precondition: null,
    },
    rest,
  );

export const gateStep = (
  seq: number,
  callId: string,
  answer: GateOutcome["answer"] | null,
  doubtfulSeq: number | null = null,
): JournalStep => {
  const outcome: StepOutcome | null =
    answer === null ? null : { kind: "gate", answer, comment: null, editedAction: null };
  return step(
    seq,
    answer === null ? "intended" : "succeeded",
    { kind: "gate", callId, subject: doubtfulSeq === null ? "action" : "in_doubt", doubtfulSeq },
    { outcome, approvalId: "apr_0" },
  );
};

/** A run that is being taken back: `effects` in the order in which that is done. */
export const rollbackStep = (
  seq: number,
  effects: readonly number[],
  rest: { readonly state?: StepState } & Partial<RollbackRequest> = {},
): JournalStep => {
  const { state = "intended", ...request } = rest;
  const reason = { code: "x", detail: "x" };
  return step(seq, state, { kind: "rollback", ending: "failed", reason, effects, left: [], ...request });
};

/** A call that takes back what step `of` did. */
export const undoStep = (
  seq: number,
  of: number,
  state: StepState,
  rest: Partial<JournalStep> = {},
): ToolStep => {
  const made = toolStep(seq, "a", state, { effect: "once", ...rest });
  if (made.request.kind !== "tool") throw new Error("a tool step");
  return { ...made, outcome: null, request: { ...made.request, compensates: of } };
};
