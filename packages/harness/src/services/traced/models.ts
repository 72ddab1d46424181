// Calls of models as spans and metrics. Who wraps the port sees every attempt and every substitute.

import type { Result } from "../../base/result.ts";
import { ERROR_TYPE, GEN_AI } from "../../core/telemetry/names.ts";
import type { ModelOutcome } from "../../core/run/journal.ts";
import type { Attributes, Clock, ModelCall, ModelFailure, Models, Telemetry } from "../../ports.ts";
import { inSpan } from "./span.ts";

type Ports = {
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** Whether what people and models wrote goes into spans. */
  readonly withContent: boolean;
  /** Models that the operator wrote down by their whole names. */
  readonly named: ReadonlySet<string>;
};

// Where an agent allows `provider/*` a requester names what it likes: each name would be a label that stays as long as
// the process, and a word of one tenant that all who see the metrics can read.
const labelOf = ({ named }: Ports, model: string): string =>
  named.has(model) ? model : `${providerOf(model)}/*`;

const providerOf = (model: string): string => model.split("/", 1)[0] ?? "";

export function tracedModels(models: Models, ports: Ports): Models {
  return {
    ...models,
    call: async (call, signal) => {
      const about: Attributes = {
        [GEN_AI.operation]: "chat",
        [GEN_AI.provider]: providerOf(call.model),
        [GEN_AI.requestModel]: labelOf(ports, call.model),
      };
      const attributes = {
        ...about,
        [GEN_AI.requestModel]: call.model,
        [GEN_AI.outputTokensMax]: call.outputTokensMax,
        ...contentOf(ports, call),
      };
      return await inSpan(
        ports.telemetry,
        `chat ${call.model}`,
        { kind: "client", attributes },
        async (span) => {
          const startedAt = ports.clock.now().getTime();
          const result = await models.call(call, signal);
          const seconds = (ports.clock.now().getTime() - startedAt) / 1_000;
          measure(ports, about, result, seconds);
          if (!result.ok) {
            span.set({ [ERROR_TYPE]: result.error.code });
            span.fail(result.error.code);
            return result;
          }
          const { model, usage, finishReason } = result.value;
          span.set({
            [GEN_AI.responseModel]: model,
            [GEN_AI.inputTokens]: usage.inputTokens,
            [GEN_AI.outputTokens]: usage.outputTokens,
            [GEN_AI.finishReasons]: [finishReason],
            ...answerOf(ports, result.value),
          });
          return result;
        },
      );
    },
  };
}

function measure(
  { telemetry }: Ports,
  about: Attributes,
  result: Result<ModelOutcome, ModelFailure>,
  seconds: number,
): void {
  const ended = result.ok ? about : { ...about, [ERROR_TYPE]: result.error.code };
  telemetry.record("gen_ai.client.operation.duration", seconds, ended);
  if (!result.ok) return;
  const { inputTokens, outputTokens } = result.value.usage;
  telemetry.record("gen_ai.client.token.usage", inputTokens, { ...about, [GEN_AI.tokenType]: "input" });
  telemetry.record("gen_ai.client.token.usage", outputTokens, { ...about, [GEN_AI.tokenType]: "output" });
}

const contentOf = ({ withContent }: Ports, { system, messages }: ModelCall): Attributes =>
  withContent
    ? { [GEN_AI.systemInstructions]: system, [GEN_AI.inputMessages]: JSON.stringify(messages) }
    : {};

const answerOf = ({ withContent }: Ports, { text, toolCalls }: ModelOutcome): Attributes =>
  withContent ? { [GEN_AI.outputMessages]: JSON.stringify({ text, toolCalls }) } : {};
