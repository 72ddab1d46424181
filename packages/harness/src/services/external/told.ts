// What a driver did by itself, in the run's trace: the calls of its model that it told of, and the calls of tools that
// it was permitted and reported. They are its word, and marked so.

import type { Attributes, SpanOptions, Telemetry } from "../../ports.ts";
import { EXTERNAL_AGENT, EXTERNAL_MODEL, type ActionId, type ModelCallReport } from "@assent/contract";
import { ASSENT, ERROR_TYPE, GEN_AI } from "../../core/telemetry/names.ts";
import type { Hold } from "./drive.ts";
import { findAction } from "./state.ts";

function tell(
  { ports, committed }: Hold,
  name: string,
  {
    attributes,
    error,
    ...options
  }: Pick<SpanOptions, "kind" | "attributes"> & {
    readonly startedAt: Date;
    readonly error: string | null;
  },
): void {
  const { id, traceparent } = committed.run;
  const span = ports.telemetry.start(name, {
    ...options,
    // As in every other run: below the request that made it.
    parent: traceparent,
    attributes: { ...attributes, [GEN_AI.conversation]: id, [ASSENT.reported]: true },
  });
  if (error !== null) span.fail(error);
  span.end();
}

// A driver may call its model whatever it likes, and what went wrong with it: neither is a label.
const LABELS: Attributes = {
  [GEN_AI.operation]: "chat",
  [GEN_AI.provider]: EXTERNAL_AGENT,
  [GEN_AI.requestModel]: EXTERNAL_MODEL,
};

/** As a call of a tool that its driver says has failed is journaled. */
const REPORTED_ERROR = "reported_error";

export function tellModelCalls(hold: Hold, calls: readonly ModelCallReport[]): void {
  const { telemetry } = hold.ports;
  let endedAt = hold.now.getTime();
  // The newest came last, and one began after the other had ended.
  for (const { model, duration_ms, input_tokens, output_tokens, error = null } of calls.toReversed()) {
    const startedAt = new Date(endedAt - duration_ms);
    endedAt = startedAt.getTime();
    const failed: Attributes = error === null ? {} : { [ERROR_TYPE]: error };
    tell(hold, `chat ${model}`, {
      kind: "client",
      startedAt,
      error,
      attributes: {
        ...LABELS,
        [GEN_AI.requestModel]: model,
        ...(input_tokens === undefined ? {} : { [GEN_AI.inputTokens]: input_tokens }),
        ...(output_tokens === undefined ? {} : { [GEN_AI.outputTokens]: output_tokens }),
        ...failed,
      },
    });
    telemetry.record("gen_ai.client.operation.duration", duration_ms / 1_000, {
      ...LABELS,
      ...(error === null ? {} : { [ERROR_TYPE]: REPORTED_ERROR }),
    });
    countTokens(telemetry, "input", input_tokens);
    countTokens(telemetry, "output", output_tokens);
  }
}

function countTokens(telemetry: Telemetry, type: "input" | "output", tokens: number | undefined): void {
  if (tokens === undefined) return;
  telemetry.record("gen_ai.client.token.usage", tokens, { ...LABELS, [GEN_AI.tokenType]: type });
}

/** From the permit to the report: what lies between is the driver's. */
export function tellResult(hold: Hold, action: ActionId): void {
  const step = findAction(hold.state, action)?.tool ?? null;
  if (step === null) return;
  const error = hold.committed.journal[step.seq - 1]?.error?.code ?? null;
  const failed: Attributes = error === null ? {} : { [ERROR_TYPE]: error };
  tell(hold, `execute_tool ${step.name}`, {
    kind: "internal",
    startedAt: step.startedAt,
    error,
    attributes: {
      [GEN_AI.operation]: "execute_tool",
      [GEN_AI.tool]: step.name,
      [ASSENT.effect]: step.request.effectId,
      ...failed,
    },
  });
  const seconds = Math.max(hold.now.getTime() - step.startedAt.getTime(), 0) / 1_000;
  hold.ports.telemetry.record("gen_ai.execute_tool.duration", seconds, {
    [GEN_AI.tool]: EXTERNAL_AGENT,
    ...failed,
  });
}
