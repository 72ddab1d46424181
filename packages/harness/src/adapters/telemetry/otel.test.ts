import { afterEach, expect, test } from "vitest";
import { tracedModels } from "../../services/traced/models.ts";
import type { ModelCall, Models, OpenSpan, SpanOptions, Telemetry } from "../../ports.ts";
import { openOtel, type OtelTelemetry } from "./otel.ts";

const SECRET = "hunter2-and-more";
const redact = (text: string): string => text.replaceAll(SECRET, "[hidden]");

let open: OtelTelemetry | null = null;
afterEach(async () => {
  await open?.stop();
  open = null;
});

function start(): OtelTelemetry {
  open = openOtel({ endpoint: null, headers: {}, serviceVersion: "1", instance: "x", redact });
  return open;
}

test("a span is below the one it is begun in, across awaits, and below the one it names, if it names one", async () => {
  const telemetry = start();
  expect(telemetry.current()).toBeNull();
  const outer = telemetry.start("outer", { kind: "server" });
  await outer.run(async () => {
    await Promise.resolve();
    const inner = telemetry.start("inner", { kind: "internal" });
    expect(traceOf(inner)).toBe(traceOf(outer));
    expect(telemetry.traceparent()).toBe(outer.traceparent);
    const apart = telemetry.start("apart", { kind: "consumer", parent: null });
    expect(traceOf(apart)).not.toBe(traceOf(outer));
    const named = telemetry.start("named", { kind: "consumer", parent: inner.traceparent });
    expect(traceOf(named)).toBe(traceOf(outer));
  });
  expect(telemetry.current()).toBeNull();
});

const traceOf = (span: OpenSpan): string => span.traceparent.slice(3, 35);

test("labels of metrics are redacted; what is no metric is not counted", async () => {
  const telemetry = start();
  telemetry.count("assent.events", { kind: `key ${SECRET}` }, 2);
  telemetry.record("assent.approvals.wait", 12, { who: [SECRET] });
  const text = await telemetry.prometheus();
  expect(text).toContain('assent_events_total{kind="key [hidden]"} 2');
  expect(text).toContain("assent_approvals_wait_sum");
  expect(text).not.toContain(SECRET);
});

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
    ...start(),
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
