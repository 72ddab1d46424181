import type { Action, ApprovalId, Decision } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import { TOOL_CALL_SECONDS_MAX } from "../../base/limits.ts";
import type { Result } from "../../base/result.ts";
import { actionDigest, effectId } from "../../core/decide/action-digest.ts";
import { isToolStep, type StepError, type ToolCall, type ToolStep } from "../../core/run/journal.ts";
import { manifestDigest } from "../../core/tool.ts";
import type { Tool, ToolContext, ToolResult } from "../../ports.ts";
import type { Write } from "../commit.ts";
import { commitHeld, type Held, scopeOfNextStep } from "../held.ts";
import { openGate } from "./gate.ts";

export function actionOf(tool: Tool, args: Readonly<Record<string, unknown>>): Action {
  const { manifest } = tool;
  return {
    tool: manifest.name,
    tool_version: manifest.version,
    manifest_digest: manifestDigest(manifest),
    effect: manifest.effect,
    harm: [...manifest.harm],
    arguments: { ...args },
  };
}

type ToolStepParts = {
  readonly callId: string;
  readonly action: Action;
  readonly precondition: string | null;
  readonly decision: Decision | null;
  readonly approvalId: ApprovalId | null;
  /** Set: the call is refused here and now, and the error is what the model is told. */
  readonly error: StepError | null;
};

export function openToolStep(held: Held, parts: ToolStepParts): Write {
  const { callId, action, precondition, decision, approvalId, error } = parts;
  const scope = scopeOfNextStep(held);
  return {
    write: "step_opened",
    step: {
      kind: "tool",
      name: action.tool,
      state: error === null ? "intended" : "refused",
      effect: action.effect,
      request: {
        kind: "tool",
        callId,
        action,
        actionDigest: actionDigest(action, precondition, scope),
        effectId: effectId(action, scope),
        precondition,
      },
      decision,
      approvalId,
      outcome: null,
      error,
    },
  };
}

/**
 * The gate stands here, in the dispatcher: there is no other way from a model's call to a tool, so no tool object,
 * wrapper or discovery can lose it (spec/peers.md, 3).
 */
export async function judgeCall(held: Held, call: ToolCall): Promise<boolean> {
  const tool = held.definition.tools.includes(call.tool) ? held.ports.tools.get(call.tool) : undefined;
  if (tool === undefined) {
    await refuseUnknown(held, call);
    return true;
  }
  const action = actionOf(tool, call.arguments ?? {});
  const refuse = async (decision: Decision | null, error: StepError): Promise<boolean> => {
    const parts = { callId: call.id, action, precondition: null, decision, approvalId: null, error };
    await commitHeld(held, [openToolStep(held, parts)]);
    return true;
  };
  if (call.arguments === null)
    return await refuse(null, { code: "invalid_arguments", detail: "The arguments are not a JSON object." });
  const decision = held.ports.decide(action);
  if (decision.verdict === "deny")
    return await refuse(decision, {
      code: "denied",
      detail: decision.reasons.map((reason) => reason.detail).join(" "),
    });
  const plan = await tool.plan(call.arguments, contextOf(held, effectId(action, scopeOfNextStep(held))));
  if (!plan.ok) return await refuse(decision, plan.error);
  if (decision.verdict === "needs_approval") return await openGate(held, call, action, plan.value, decision);
  const { precondition } = plan.value;
  const parts = { callId: call.id, action, precondition, decision, approvalId: null, error: null };
  await commitHeld(held, [openToolStep(held, parts)]);
  return await executeNewest(held);
}

async function refuseUnknown(held: Held, call: ToolCall): Promise<void> {
  // Not a tool of this agent: taken at its worst, and refused before anything looks at its arguments.
  const action: Action = {
    tool: call.tool,
    tool_version: "",
    manifest_digest: `sha256:${"0".repeat(64)}`,
    effect: "once",
    harm: ["write", "egress", "money", "destructive"],
    arguments: {},
  };
  const error: StepError = {
    code: "unknown_tool",
    detail: `There is no tool of this name. There are: ${held.definition.tools.join(", ")}.`,
  };
  const parts = { callId: call.id, action, precondition: null, decision: null, approvalId: null, error };
  await commitHeld(held, [openToolStep(held, parts)]);
}

function contextOf(held: Held, effect: ToolStep["request"]["effectId"]): ToolContext {
  return {
    workspace: held.workspace,
    effectId: effect,
    signal: AbortSignal.any([held.lost, AbortSignal.timeout(TOOL_CALL_SECONDS_MAX * 1000)]),
  };
}

/** Carries out the call that was just journaled as intended. */
export async function executeNewest(held: Held): Promise<boolean> {
  const step = held.committed.journal.at(-1);
  assert(step !== undefined && isToolStep(step), "the newest step is the tool call that was just intended");
  return await executeTool(held, step);
}

/** Carries out an intended step: the first time, or again under the same key where that does no harm. */
export async function executeTool(held: Held, step: ToolStep): Promise<boolean> {
  const { action, precondition, effectId: id } = step.request;
  const tool = held.ports.tools.get(action.tool);
  if (tool === undefined || manifestDigest(tool.manifest) !== action.manifest_digest) {
    await closeStep(held, step, {
      ok: false,
      error: { code: "tool_changed", detail: "The tool is not the one that this call was made for." },
    });
    return true;
  }
  const result = await runTool(held, tool, action, precondition, contextOf(held, id));
  await closeStep(held, step, result);
  return true;
}

// A tool that throws has a bug. For what must happen once only that leaves the outcome open, like a crash.
async function runTool(
  held: Held,
  tool: Tool,
  action: Action,
  precondition: string | null,
  context: ToolContext,
): Promise<Result<ToolResult, StepError>> {
  try {
    return await tool.execute(action.arguments, precondition, context);
  } catch (error) {
    const message = error instanceof Error ? error.message : "unknown";
    held.ports.log("error", "a tool broke off", {
      run_id: held.fence.run,
      tool: action.tool,
      error: message,
    });
    return { ok: false, error: { code: OUTCOME_UNKNOWN, detail: "The tool broke off without a result." } };
  }
}

/** A tool gives this error when it cannot tell whether its effect happened. */
export const OUTCOME_UNKNOWN = "outcome_unknown";

async function closeStep(held: Held, step: ToolStep, result: Result<ToolResult, StepError>): Promise<void> {
  if (result.ok) {
    const outcome = { kind: "tool", ...result.value } as const;
    await commitHeld(held, [
      { write: "step_closed", seq: step.seq, state: "succeeded", outcome, error: null },
    ]);
    return;
  }
  const doubtful = step.effect === "once" && result.error.code === OUTCOME_UNKNOWN;
  const state = doubtful ? "in_doubt" : "failed";
  await commitHeld(held, [
    { write: "step_closed", seq: step.seq, state, outcome: null, error: result.error },
  ]);
}

/**
 * A `once` step was intended, and its worker died. The tool itself is asked where it can tell; where it cannot,
 * nobody guesses (invariant 2, at-most-once).
 */
export async function checkDoubt(held: Held, step: ToolStep): Promise<boolean> {
  const { action, effectId: id } = step.request;
  const tool = held.ports.tools.get(action.tool);
  const known = (await tool?.check?.(id, contextOf(held, id))) ?? null;
  if (known?.ok === true) {
    await closeStep(held, step, known);
    return true;
  }
  const detail = "The worker stopped between the intent and its outcome.";
  const error: StepError = known?.ok === false ? known.error : { code: OUTCOME_UNKNOWN, detail };
  const didNotHappen = known?.ok === false && known.error.code === "did_not_happen";
  if (didNotHappen) return await executeTool(held, step);
  await commitHeld(held, [{ write: "step_closed", seq: step.seq, state: "in_doubt", outcome: null, error }]);
  return true;
}
