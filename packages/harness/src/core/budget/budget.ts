// What one call may use, and what it is charged. The sums are the ledgers' (invariant 13, budget before spend).

import { RUN_INPUT_TOKENS_MAX, RUN_OUTPUT_TOKENS_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { AgentDefinition } from "../agent.ts";
import type { StepError, Usage } from "../run/journal.ts";
import { type InputSize, tokensMax } from "./estimate.ts";
import type { Limits } from "./settings.ts";

/** What one call may cost at most. It is set aside before the call and replaced by what the call did cost. */
export type Reservation = { readonly inputTokens: number; readonly outputTokens: number };

const MICRODOLLARS_A_DOLLAR = 1_000_000;

/** What an agent's author lets a run of it use. */
export function agentLimits({ budget }: AgentDefinition): Limits {
  const usd = budget?.cost_usd_max;
  return {
    inputTokens: budget?.input_tokens_max ?? RUN_INPUT_TOKENS_MAX,
    outputTokens: budget?.output_tokens_max ?? RUN_OUTPUT_TOKENS_MAX,
    microdollars: usd === undefined ? null : Math.round(usd * MICRODOLLARS_A_DOLLAR),
  };
}

/** One token is hardly ever longer. Less than this was not read, or is not said. */
const BYTES_PER_TOKEN_MAX = 8;

// OpenAI's and Anthropic's own wires report both counts with every answer. Of compatible servers some never do.
const ALWAYS_REPORT: ReadonlySet<string> = new Set(["anthropic", "openai"]);

/**
 * An answer may hold so many times what was reported for it, and so much beside, before the report is a lie: a token
 * of white space or of a rare vocabulary can be longer than any of ours.
 */
const UNDERSTATED_FACTOR = 2;
const UNDERSTATED_TOKENS = 64;

export type Settled = { readonly usage: Usage; readonly warnings: readonly string[] };

/**
 * What a call is charged, from what its provider reported. A report that cannot be true is an error
 * (`usage_implausible`): the account it keeps of us cannot be trusted, so the run ends. One that says too little is
 * raised to what the texts show, unless the answer is far longer than it says; one that says nothing to what was set aside, unless
 * the answer is far longer than that; each with a warning.
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
  const shown = Math.ceil(answerBytes / BYTES_PER_TOKEN_MAX);
  if (inputTokens === 0) {
    if (ALWAYS_REPORT.has(model.slice(0, model.indexOf("/")))) return lie("there is none");
    const charged = {
      inputTokens: reserved.inputTokens,
      outputTokens: Math.max(outputTokens, Math.min(answerBytes, reserved.outputTokens)),
    };
    if (outputTokens > 0 && isUnderstated(outputTokens, shown)) return lie("less output than was received");
    // A server that counts nothing is held to what it was allowed: all of its answer is worked on in one piece.
    if (isUnderstated(reserved.outputTokens, shown)) return lie("more output than it was allowed");
    return ok({
      usage: charged,
      warnings: ["The provider reported no usage; what was set aside is charged."],
    });
  }
  if (isUnderstated(outputTokens, shown)) return lie("less output than was received");
  const usage = {
    inputTokens: Math.max(inputTokens, Math.ceil(size.spokenBytes / BYTES_PER_TOKEN_MAX)),
    outputTokens: Math.max(outputTokens, Math.min(shown, reserved.outputTokens)),
  };
  const isRaised = usage.inputTokens > inputTokens || usage.outputTokens > outputTokens;
  const warning = `The provider reported ${inputTokens} and ${outputTokens} tokens, less than the texts can be; more is charged.`;
  return ok({ usage, warnings: isRaised ? [warning] : [] });
}

const isUnderstated = (reported: number, shown: number): boolean =>
  shown > reported * UNDERSTATED_FACTOR + UNDERSTATED_TOKENS;

const lie = (what: string): Result<never, StepError> =>
  err({ code: "usage_implausible", detail: `The provider's account of its tokens cannot be true: ${what}.` });
