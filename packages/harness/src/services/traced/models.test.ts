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
  await tracedModels(models, { telemetry, clock, withContent, named: new Set() }).call(
    CALL,
    AbortSignal.timeout(60_000),
  );
  const text = JSON.stringify(seen);
  for (const content of ["Be kind.", "What was written.", "What was answered."])
    expect(text.includes(content)).toBe(withContent);
  expect(text).toContain('"gen_ai.usage.output_tokens":4');
});

test("only what the operator named is a label: a requester's word for a model is in its span alone", async () => {
  const labels: unknown[] = [];
  const spans: string[] = [];
  const telemetry: Telemetry = {
    ...silentTelemetry,
    start: (name, options) => {
      spans.push(`${name} ${String(options.attributes?.["gen_ai.request.model"])}`);
      return silentTelemetry.start(name, options);
    },
    record: (metric, _value, attributes) => labels.push(metric, attributes),
  };
  const models: Models = {
    check: () => ({ ok: true, value: null }),
    call: async () =>
      await Promise.resolve({
        ok: false,
        error: { code: "provider_refused", detail: "", transient: false, retryAfterMs: null },
      }),
  };
  const clock = { now: () => new Date(0), sleep: async () => await Promise.resolve() };
  const named = new Set(["openai/gpt-x", "openai/*"]);
  const traced = tracedModels(models, { telemetry, clock, withContent: false, named });
  for (const model of ["openai/gpt-x", "openai/word-of-a-tenant", "openai/another-one"])
    await traced.call({ ...CALL, model }, AbortSignal.timeout(60_000));
  expect(spans).toContain("chat openai/word-of-a-tenant openai/word-of-a-tenant");
  expect(JSON.stringify(labels)).not.toMatch(/word-of-a-tenant|another-one/);
  expect(labels.filter((each) => JSON.stringify(each).includes('"openai/*"'))).toHaveLength(2);
  expect(labels.filter((each) => JSON.stringify(each).includes('"openai/gpt-x"'))).toHaveLength(1);
});
