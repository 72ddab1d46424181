import { digestOf } from "../../base/digest.ts";
import { MODEL_CALL_SECONDS_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { budgetOf, checkBudget, type Reservation, settleUsage } from "../../core/budget/budget.ts";
import { bytesOf, estimateTokens, type InputSize, sizeOf, tokensMax } from "../../core/budget/estimate.ts";
import { assemblePrompt } from "../../core/prompt/assemble.ts";
import { guardPrompt, neutralisePrompt } from "../../core/prompt/guard.ts";
import { neutralise, neutraliseMembers } from "../../core/prompt/neutralise.ts";
import { modelsFor } from "../../core/route/route.ts";
import { type ModelOutcome, type StepError, usageOf } from "../../core/run/journal.ts";
import type { Manifest } from "../../core/tool.ts";
import type { ModelCall, ModelFailure } from "../../ports.ts";
import type { Write } from "../commit.ts";
import type { Held } from "../held.ts";

function modelCall(held: Held): ModelCall {
  const { definition, committed, ports } = held;
  const { system, messages } = neutralisePrompt(
    assemblePrompt(definition, committed.run.task, committed.journal),
  );
  const tools = definition.tools.flatMap((name): Manifest[] => {
    const tool = ports.tools.get(name);
    return tool === undefined ? [] : [neutraliseManifest(tool.manifest)];
  });
  return {
    model: committed.run.model,
    system,
    messages,
    tools,
    outputTokensMax: definition.output_tokens_max,
    temperature: definition.temperature,
    seed: definition.seed,
  };
}

// A discovered tool's words come from its server. Its digest is of the manifest as it is, not of this copy.
function neutraliseManifest(manifest: Manifest): Manifest {
  return {
    ...manifest,
    description: neutralise(manifest.description),
    inputSchema: neutraliseMembers(manifest.inputSchema),
  };
}

/** The digest pins what the model was shown without keeping a second copy of it: the journal can rebuild it. */
export function openModelStep(held: Held): Write {
  const { model, system, messages, tools } = modelCall(held);
  return {
    write: "step_opened",
    step: {
      kind: "model",
      name: model,
      state: "intended",
      effect: "idempotent",
      request: { kind: "model", promptDigest: digestOf("prompt", { model, system, messages, tools }) },
      decision: null,
      approvalId: null,
      outcome: null,
      error: null,
    },
  };
}

export type Called =
  | { readonly next: "go_on"; readonly write: Write }
  | { readonly next: "give_up"; readonly write: Write; readonly error: StepError }
  | { readonly next: "later"; readonly error: StepError; readonly delaySeconds: number | null };

/** Asks the model for the newest step of the journal, which is intended and a model's. */
export async function callModel(held: Held): Promise<Called> {
  const { ports, committed } = held;
  const seq = committed.journal.length;
  const call = modelCall(held);
  const guarded = guardPrompt(call, held.definition.system, committed.journal);
  if (!guarded.ok) return giveUp(seq, guarded.error);
  const size = sizeOf(call);
  let failed: ModelFailure | null = null;
  for (const model of modelsFor(held.definition, call.model)) {
    // Another model changes who answers and nothing else: same prompt, same tools, same checks (invariant 15).
    const asked = await askOne(held, { ...call, model }, size);
    if (asked.ok)
      return {
        next: "go_on",
        write: { write: "step_closed", seq, state: "succeeded", outcome: asked.value, error: null },
      };
    const { code, transient } = asked.error;
    ports.log("warn", "model call failed", { run_id: held.fence.run, step: seq, model, code, transient });
    // A call that was cut off because this worker stops says nothing about the provider.
    if (held.stopping.aborted) return { next: "later", error: errorOf(asked.error), delaySeconds: 0 };
    if (held.lost.aborted) return later(asked.error);
    // What the run's own model says for good is the run's end. What a substitute says is not, for the run's own may
    // yet answer; but a provider whose account cannot be true has answered, and its answer is not asked for twice.
    if (!transient && (failed === null || code === "usage_implausible"))
      return giveUp(seq, errorOf(asked.error));
    failed ??= asked.error;
  }
  if (failed !== null) return later(failed);
  return giveUp(seq, { code: "model_not_allowed", detail: "The agent may not use the run's model." });
}

const errorOf = ({ code, detail }: ModelFailure): StepError => ({ code, detail });

function giveUp(seq: number, error: StepError): Called {
  return {
    next: "give_up",
    write: { write: "step_closed", seq, state: "failed", outcome: null, error },
    error,
  };
}

function later(failure: ModelFailure): Called {
  const { retryAfterMs } = failure;
  const delaySeconds = retryAfterMs === null ? null : Math.ceil(retryAfterMs / 1000);
  return { next: "later", error: errorOf(failure), delaySeconds };
}

const forGood = (error: StepError): Result<never, ModelFailure> =>
  err({ ...error, transient: false, retryAfterMs: null });

// Sets aside, asks, settles.
async function askOne(
  held: Held,
  call: ModelCall,
  size: InputSize,
): Promise<Result<ModelOutcome, ModelFailure>> {
  const reserved = await reserve(held, call, size);
  if (!reserved.ok) return forGood(reserved.error);
  const callable = held.ports.models.check(call.model);
  if (!callable.ok) return forGood({ code: "model_unknown", detail: callable.error });
  const signal = AbortSignal.any([
    held.lost,
    held.stopping,
    AbortSignal.timeout(MODEL_CALL_SECONDS_MAX * 1000),
  ]);
  const result = await held.ports.models.call(call, signal);
  if (!result.ok) return result;
  const { text, toolCalls, usage, warnings } = result.value;
  const answerBytes = bytesOf([text, ...toolCalls.map((each) => JSON.stringify(each))]);
  const settled = settleUsage(call.model, usage, reserved.value, size, answerBytes);
  if (!settled.ok) return forGood(settled.error);
  return ok({ ...result.value, ...settled.value, warnings: [...warnings, ...settled.value.warnings] });
}

async function reserve(
  held: Held,
  call: ModelCall,
  size: InputSize,
): Promise<Result<Reservation, StepError>> {
  const budget = budgetOf(held.definition);
  const used = usageOf(held.committed.journal);
  const most: Reservation = { inputTokens: tokensMax(size), outputTokens: call.outputTokensMax };
  const fits = checkBudget(budget, used, most);
  if (fits.ok) return ok(most);
  const { loadTokenCounter } = held.ports;
  if (loadTokenCounter === undefined) return fits;
  // Only close to the budget it is worth while to look more closely.
  const inputTokens = estimateTokens(size, call.model, await loadTokenCounter());
  const closer: Reservation = { ...most, inputTokens: Math.min(inputTokens, most.inputTokens) };
  const counted = checkBudget(budget, used, closer);
  return counted.ok ? ok(closer) : counted;
}
