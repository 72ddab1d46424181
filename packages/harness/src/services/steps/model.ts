import { digestOf } from "../../base/digest.ts";
import { MODEL_CALL_SECONDS_MAX } from "../../base/limits.ts";
import { assemblePrompt } from "../../core/prompt/assemble.ts";
import { guardPrompt, neutralisePrompt } from "../../core/prompt/guard.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { Manifest } from "../../core/tool.ts";
import type { ModelCall } from "../../ports.ts";
import type { Write } from "../commit.ts";
import type { Held } from "../held.ts";

function modelCall(held: Held): ModelCall {
  const { definition, committed, ports } = held;
  const { system, messages } = neutralisePrompt(
    assemblePrompt(definition, committed.run.task, committed.journal),
  );
  const tools = definition.tools.flatMap((name): Manifest[] => {
    const tool = ports.tools.get(name);
    return tool === undefined ? [] : [tool.manifest];
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
  const signal = AbortSignal.any([
    held.lost,
    held.stopping,
    AbortSignal.timeout(MODEL_CALL_SECONDS_MAX * 1000),
  ]);
  const call = modelCall(held);
  const guarded = guardPrompt(call, held.definition.system, committed.journal);
  if (!guarded.ok)
    return {
      next: "give_up",
      write: { write: "step_closed", seq, state: "failed", outcome: null, error: guarded.error },
      error: guarded.error,
    };
  const result = await ports.models.call(call, signal);
  if (result.ok)
    return {
      next: "go_on",
      write: { write: "step_closed", seq, state: "succeeded", outcome: result.value, error: null },
    };
  const { code, detail, transient, retryAfterMs } = result.error;
  const error: StepError = { code, detail };
  ports.log("warn", "model call failed", { run_id: held.fence.run, step: seq, code, transient });
  // A call that was cut off because this worker stops says nothing about the provider.
  if (held.stopping.aborted) return { next: "later", error, delaySeconds: 0 };
  if (transient)
    return {
      next: "later",
      error,
      delaySeconds: retryAfterMs === null ? null : Math.ceil(retryAfterMs / 1000),
    };
  return {
    next: "give_up",
    write: { write: "step_closed", seq, state: "failed", outcome: null, error },
    error,
  };
}
