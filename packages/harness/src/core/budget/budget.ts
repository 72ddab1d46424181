// What a run may spend on tokens, all its calls together. Nothing is kept beside the journal: what a run has used is
// the sum of its steps, so every worker that takes it over finds the same (invariant 13, budget before spend).

import { RUN_INPUT_TOKENS_MAX, RUN_OUTPUT_TOKENS_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { AgentDefinition } from "../agent.ts";
import type { StepError, Usage } from "../run/journal.ts";
import { type InputSize, tokensMax } from "./estimate.ts";

export type Budget = { readonly inputTokensMax: number; readonly outputTokensMax: number };

/** What one call may cost at most. It is set aside before the call and replaced by what the call did cost. */
export type Reservation = { readonly inputTokens: number; readonly outputTokens: number };

export function budgetOf({ budget }: AgentDefinition): Budget {
  return {
    inputTokensMax: budget?.input_tokens_max ?? RUN_INPUT_TOKENS_MAX,
    outputTokensMax: budget?.output_tokens_max ?? RUN_OUTPUT_TOKENS_MAX,
  };
}

/** Whether the call fits into what is left. An error is `budget_exhausted`: the provider is not asked. */
export function checkBudget(budget: Budget, used: Usage, next: Reservation): Result<null, StepError> {
  // Written so that a number that is none fits nowhere.
  if (!(used.inputTokens + next.inputTokens <= budget.inputTokensMax))
    return exhausted("input", used.inputTokens, next.inputTokens, budget.inputTokensMax);
  if (!(used.outputTokens + next.outputTokens <= budget.outputTokensMax))
    return exhausted("output", used.outputTokens, next.outputTokens, budget.outputTokensMax);
  return ok(null);
}

function exhausted(kind: string, used: number, next: number, max: number): Result<never, StepError> {
  const detail = `The run has used ${used} of ${max} ${kind} tokens; the next call may take ${next}.`;
  return err({ code: "budget_exhausted", detail });
}

/** One token is hardly ever longer. Less than this was not read, or is not said. */
const BYTES_PER_TOKEN_MAX = 8;

// OpenAI's and Anthropic's own wires report both counts with every answer. Of compatible servers some never do.
const ALWAYS_REPORT: ReadonlySet<string> = new Set(["anthropic", "openai"]);

export type Settled = { readonly usage: Usage; readonly warnings: readonly string[] };

/**
 * What a call is charged, from what its provider reported. A report that cannot be true is an error
 * (`usage_implausible`): the account it keeps of us cannot be trusted, so the run ends. One that says too little is
 * raised to what the texts show, one that says nothing to what was set aside, each with a warning.
 * @param model the model that was asked, `<provider>/<model>`
 * @param answerBytes UTF-8 bytes of the answer's text and calls
 */
export function settleUsage(
  model: string,
  reported: Usage,
  reserved: Reservation,
  size: InputSize,
  answerBytes: number,
): Result<Settled, StepError> {
  const { inputTokens, outputTokens } = reported;
  for (const count of [inputTokens, outputTokens]) {
    if (!Number.isSafeInteger(count) || count < 0) return lie("a count is not one");
  }
  if (inputTokens > tokensMax(size)) return lie("more input than was sent");
  if (outputTokens > reserved.outputTokens) return lie("more output than it was allowed");
  if (inputTokens === 0) {
    if (ALWAYS_REPORT.has(model.slice(0, model.indexOf("/")))) return lie("there is none");
    const charged = {
      inputTokens: reserved.inputTokens,
      outputTokens: Math.max(outputTokens, Math.min(answerBytes, reserved.outputTokens)),
    };
    return ok({
      usage: charged,
      warnings: ["The provider reported no usage; what was set aside is charged."],
    });
  }
  const usage = {
    inputTokens: Math.max(inputTokens, Math.ceil(size.spokenBytes / BYTES_PER_TOKEN_MAX)),
    outputTokens: Math.max(outputTokens, Math.ceil(answerBytes / BYTES_PER_TOKEN_MAX)),
  };
  const isRaised = usage.inputTokens > inputTokens || usage.outputTokens > outputTokens;
  const warning = `The provider reported ${inputTokens} and ${outputTokens} tokens, less than the texts can be; more is charged.`;
  return ok({ usage, warnings: isRaised ? [warning] : [] });
}

const lie = (what: string): Result<never, StepError> =>
  err({ code: "usage_implausible", detail: `The provider's account of its tokens cannot be true: ${what}.` });
