// A driver reports what a permitted call brought: once, and from then on its text is known to every label.

import type { ActionId, ResultAnswer, ResultRequest } from "@assent/contract";
import { err, ok, type Result } from "../../base/result.ts";
import { saysBack } from "../../core/label/said-back.ts";
import type { StepError, ToolOutcome, ToolStep } from "../../core/run/journal.ts";
import type { Refusal } from "../harness.ts";
import { ACTION_NOT_FOUND, commitDriven, type Hold } from "./drive.ts";
import { outcomeText } from "./json-text.ts";
import { keptAnswer } from "./kept.ts";
import { findAction, toolOf } from "./state.ts";

/** Of an error that a driver reports, as the journal's short reason; the whole text stands in the outcome. */
const ERROR_DETAIL_CHARS_MAX = 1_000;

export async function reportResult(
  hold: Hold,
  id: ActionId,
  body: ResultRequest,
): Promise<Result<ResultAnswer, Refusal>> {
  const found = findAction(hold.state, id);
  if (found === null) return err(ACTION_NOT_FOUND);
  const { tool: step } = found;
  if (step === null || step.state === "refused")
    return err({
      code: "action_not_permitted",
      detail: "There is no permit for this action that was handed out.",
    });
  if (step.state !== "intended")
    return err({ code: "result_already_reported", detail: `The call was reported as ${step.state} before.` });
  // An error's text comes from where the output would have come from, so it is trusted as little.
  const outcome = believed(hold, step, outcomeOf(body, hold.state.reports + 1));
  const error: StepError | null =
    body.error === undefined
      ? null
      : { code: "reported_error", detail: body.error.slice(0, ERROR_DETAIL_CHARS_MAX).toWellFormed() };
  const state = error === null ? ("succeeded" as const) : ("failed" as const);
  await commitDriven(hold, [{ write: "step_closed", seq: step.seq, state, outcome, error }]);
  const closed = { ...step, state, outcome };
  return ok({ label: outcome.label, ...keptAnswer(hold.state.definition, closed) });
}

type Reported = Pick<ToolOutcome, "kind" | "output" | "reported">;

function outcomeOf({ output, error }: ResultRequest, order: number): Reported {
  const value = error ?? output;
  return typeof value === "string"
    ? { kind: "tool", output: value, reported: { order, form: "text" } }
    : { kind: "tool", output: JSON.stringify(value), reported: { order, form: "json" } };
}

/** As its manifest says, but that what says back what a handle stood for is as little trusted as that. */
function believed({ state, committed }: Hold, { name, request }: ToolStep, told: Reported): ToolOutcome {
  const tool = toolOf(state, name);
  const authored = [name, tool.description, state.definition.system ?? "", committed.run.task];
  const uses = request.judgement?.handles ?? [];
  const isSaidBack = saysBack(outcomeText(told), request.action.arguments, uses, authored);
  return { ...told, label: isSaidBack ? "untrusted" : tool.returns };
}
