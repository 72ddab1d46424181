// What is told of a run that a loop outside drives, and what is read when somebody looks: through the real exporter.

import { EXTERNAL_AGENT, problemSchema, runSummarySchema, actionAnswerSchema } from "@assent/contract";
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from "@assent/suite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openOtel, type OtelTelemetry } from "../../../packages/harness/src/adapters/telemetry/otel.ts";
import { type ApiServer, createServer } from "../../../packages/harness/src/api/server.ts";
import { CLOSED } from "../../../packages/harness/src/core/resilience/breaker.ts";
import { watchGauges } from "../../../packages/harness/src/services/traced/gauges.ts";
import { type Engine, openEngine } from "../../support/engine.ts";
import { until } from "../../support/until.ts";

let receiver: OtlpReceiver;
let telemetry: OtelTelemetry;
let engine: Engine;
let server: ApiServer;
let url = "";
let key = "";

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  telemetry = openOtel({
    endpoint: receiver.url,
    headers: {},
    serviceVersion: "0",
    instance: "test",
    redact: (text) => text.replaceAll("hunter2", "[redacted]"),
    exportIntervalMs: 50,
  });
  engine = await openEngine({ telemetry });
  server = await createServer(engine.harness, { log: () => undefined, telemetry });
  ({ url } = await server.listen("127.0.0.1", 0));
  key = await engine.newKey("driver");
});
afterAll(async () => {
  await server.close();
  await telemetry.stop();
  await receiver.stop();
  await engine[Symbol.asyncDispose]();
});

async function post(path: string, body: unknown, idempotencyKey: string): Promise<unknown> {
  const answer = await fetch(`${url}/api/harness/${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${key}`,
      "content-type": "application/json",
      "idempotency-key": idempotencyKey,
    },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

const MODEL_CALLS = [
  { model: "openai/gpt-hunter2", duration_ms: 1_500, input_tokens: 20, output_tokens: 7 },
  { model: "local", duration_ms: 10, error: "word_of_a_driver" },
];

const READ = { name: "read_inbox", version: "1", input_schema: { type: "object" }, effect: "none", harm: [] };

test("a driven run's own calls are in its trace, once, marked as its driver's word", async () => {
  const submitted = await post(
    "run",
    { driver: "external", task: "Read.", tools: [READ], approver: "none" },
    "run",
  );
  const { id } = runSummarySchema.parse(submitted);
  const propose = { tool: "read_inbox", arguments: {}, model_calls: MODEL_CALLS };
  const { action_id } = actionAnswerSchema.parse(await post(`runs/${id}/actions`, propose, "act"));
  // Who repeats a request has called nobody again.
  await post(`runs/${id}/actions`, propose, "act");
  await post(`runs/${id}/actions/${action_id}/result`, { output: "Nothing new." }, "report");
  await post(
    `runs/${id}/finish`,
    { output: "Read.", model_calls: [{ model: "local", duration_ms: 5 }] },
    "finish",
  );
  const own = (): readonly ReceivedSpan[] =>
    receiver.spans.filter(({ attributes }) => attributes["gen_ai.conversation.id"] === id);
  const spans = await until("all of it has arrived", () => (own().length >= 4 ? own() : undefined));
  const [request] = receiver.spans.filter(({ name }) => name === "POST /api/harness/run");
  for (const { traceId, parentSpanId, attributes } of spans) {
    expect([traceId, parentSpanId]).toEqual([request?.traceId, request?.spanId]);
    expect(attributes["assent.reported"]).toBe(true);
  }
  expect(spans.map(({ name, isError }) => `${name}${isError ? " failed" : ""}`).toSorted()).toEqual([
    "chat local",
    "chat local failed",
    "chat openai/gpt-[redacted]",
    "execute_tool read_inbox",
  ]);
  const metrics = await telemetry.prometheus();
  expect(metrics).toMatch(
    new RegExp(`gen_ai_client_operation_duration_sum\\{[^}]*"${EXTERNAL_AGENT}"[^}]*\\} 1\\.505`),
  );
  expect(metrics).toMatch(/gen_ai_client_token_usage_sum\{[^}]*gen_ai_token_type="input"[^}]*\} 20/);
  // A driver calls its tools and models what it likes: no label does.
  expect(metrics).not.toMatch(/gpt-|local|read_inbox|word_of_a_driver/);
  expect(metrics).toMatch(
    /gen_ai_client_operation_duration_sum\{[^}]*error_type="reported_error"[^}]*\} 0\.01/,
  );
});

test("depth and age of the queue, and the state of each breaker, are the database's when somebody looks", async () => {
  watchGauges(telemetry, engine.ports);
  const value = async (series: string): Promise<number> => {
    const line = (await telemetry.prometheus()).split("\n").find((each) => each.startsWith(`${series} `));
    return Number(line?.split(" ")[1] ?? Number.NaN);
  };
  expect([await value("assent_queue_depth"), await value("assent_queue_oldest_age")]).toEqual([0, 0]);
  await engine.submit("One.");
  await engine.submit("Another.");
  engine.clock.advance(90_000);
  expect(await value("assent_queue_depth")).toBe(2);
  expect(await value("assent_queue_oldest_age")).toBeGreaterThanOrEqual(90);
  const request = { url: "https://hooks.example.org/", events: ["run.ended" as const], description: "" };
  const webhook = await engine.harness.webhooks.create(engine.caller, request);
  expect(await value("assent_webhooks_oldest_age")).toBe(0);
  if (webhook.ok) await engine.harness.webhooks.ping(engine.caller, webhook.value.id);
  engine.clock.advance(60_000);
  expect(await value("assent_webhooks_oldest_age")).toBeGreaterThanOrEqual(60);
  await engine.store.breakers.change("anthropic", () => ({
    ...CLOSED,
    state: "open",
    openUntil: new Date(engine.clock.now().getTime() + 1_000),
  }));
  const states = ["closed", "half_open", "open"].map(
    async (state) =>
      await value(`assent_breaker_state{gen_ai_provider_name="anthropic",assent_breaker_state="${state}"}`),
  );
  expect(await Promise.all(states)).toEqual([0, 0, 1]);
});

test("a refusal names the trace that it is in, whoever asked and however far it came", async () => {
  const authorization = `Bearer ${key}`;
  const json = { authorization, "content-type": "application/json" };
  const refused: readonly (readonly [span: string, path: string, init: RequestInit])[] = [
    ["GET /api/harness/runs/:id", `runs/run_${"0".repeat(32)}`, { headers: { authorization } }],
    ["GET /api/harness/precedents", "precedents", {}],
    ["GET unrouted", "nothing", { headers: { authorization } }],
    ["POST /api/harness/approve", "approve", { method: "POST", headers: json, body: "{" }],
  ];
  for (const [name, path, init] of refused) {
    const answer = await fetch(`${url}/api/harness/${path}`, init);
    const { trace_id } = problemSchema.parse(await answer.json());
    expect(trace_id).toMatch(/^[0-9a-f]{32}$/);
    const span = await until(`the span of ${name} has arrived`, () =>
      receiver.spans.find(({ traceId }) => traceId === trace_id),
    );
    expect(span.name).toBe(name);
  }
});
