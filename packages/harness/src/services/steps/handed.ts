// Calls in which the model handed on what it does not see (`$v3`, core/label/handles.ts).

import type { Decision } from "@assent/contract";
import { ok, type Result } from "../../base/result.ts";
import { describeUse, type HandleUse, type Resolved, resolveHandles } from "../../core/label/handles.ts";
import { keptTexts } from "../../core/label/kept-texts.ts";
import { saysBack } from "../../core/label/said-back.ts";
import type { StepError, ToolStep } from "../../core/run/journal.ts";
import type { ToolResult } from "../../ports.ts";
import type { Held } from "../held.ts";

export function resolveArguments(
  { definition, committed }: Held,
  args: Readonly<Record<string, unknown>>,
): Result<Resolved, string> {
  if (definition.handles === undefined) return ok({ args, uses: [] });
  return resolveHandles(args, keptTexts(definition, committed.journal));
}

/** What a handle stands for, in words for whoever is asked. */
export const reasonOfUse = ({ committed }: Held, use: HandleUse): Decision["reasons"][number] => ({
  code: "handle",
  detail: describeUse(use, committed.journal[use.step - 1]?.name ?? ""),
});

/**
 * A refusal as the model is told it: a tool may quote what it was given, and where a handle stood for that, it would show
 * the model what is kept from it, in words that pass for ours. People find all of it among the reasons.
 */
export function asTold(
  decision: Decision,
  error: StepError,
  uses: readonly HandleUse[],
): { readonly decision: Decision; readonly error: StepError } {
  if (uses.length === 0) return { decision, error };
  return {
    decision: { ...decision, reasons: [...decision.reasons, { ...error }] },
    error: { code: error.code, detail: "What a handle of this call stands for does not fit the tool." },
  };
}

/** What the tool answered; where it says back what a handle stood for, it is as little trusted as that. */
export function answerOf(
  { committed, definition, ports }: Held,
  { request }: ToolStep,
  answer: ToolResult,
): ToolResult {
  const { action, judgement } = request;
  const uses = judgement?.handles ?? [];
  if (answer.label === "untrusted" || uses.length === 0) return answer;
  const { description = "", name = "" } = ports.tools.get(action.tool)?.manifest ?? {};
  const authored = [name, description, definition.system, committed.run.task];
  return saysBack(answer.output, action.arguments, uses, authored)
    ? { ...answer, label: "untrusted" }
    : answer;
}
