import { expect, test } from "vitest";
import type { ModelCall, Models, OpenSpan, SpanOptions, Telemetry } from "../../ports.ts";
import { tracedModels } from "./models.ts";
import { silentTelemetry } from "./silent.ts";

const CALL: ModelCall = {
  model: "openai/gpt-x",
  system: "Be kind.",
  messages: [{ role: "user", text: "What was written.", label: "trusted" }],
  tools: [],
  outputTokensMax: 10,
  temperature: null,
  seed: null,
};

test.each([
  ["not", false],
  ["opted for", true],
])("content is in spans only where it is %s", async (_, withContent) => {
  const seen: unknown[] = [];
  const span: OpenSpan = {
    traceparent: "",
    set: (attributes) => {
      seen.push(attributes);
    },
    fail: () => undefined,
    run: (work) => work(),
    end: () => undefined,
  };
  const telemetry: Telemetry = {
    ...silentTelemetry,
    start: (name: string, options: SpanOptions) => {
      seen.push(name, options);
      return span;
    },
  };
  const models: Models = {
    check: () => ({ ok: true, value: null }),
    call: async () =>
      await Promise.resolve({
        ok: true,
        value: {
          kind: "model",
          model: "openai/gpt-x",
          text: "What was answered.",
          toolCalls: [],
          usage: { inputTokens: 3, outputTokens: 4 },
          finishReason: "stop",
          warnings: [],
        },
      }),
  };
  const clock = { now: () => new Date(0), sleep: async () => await Promise.resolve() };
  await tracedModels(models, { telemetry, clock, withContent }).call(CALL, AbortSignal.timeout(60_000));
  const text = JSON.stringify(seen);
  for (const content of ["Be kind.", "What was written.", "What was answered."])
    expect(text.includes(content)).toBe(withContent);
  expect(text).toContain('"gen_ai.usage.output_tokens":4');
});
