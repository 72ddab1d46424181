// What the product tells of a run, received by a collector outside of it: one trace from the request to the tool.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Run, runSchema, runSummarySchema } from "@assent/contract";
import {
  type OtlpReceiver,
  type ReceivedSpan,
  startOtlpReceiver,
  startToolSink,
  type ToolSink,
} from "@assent/suite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCredentials } from "../../../packages/harness/src/home.ts";
import { createInstallation, type Installation } from "../../support/target/installation.ts";
import { type ServerProcess, startServerProcess } from "../../support/target/server-process.ts";
import { until } from "../../support/until.ts";

const OUTSIDE = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };

let receiver: OtlpReceiver;
let sink: ToolSink;
let installation: Installation;
let server: ServerProcess;
let key = "";
let run: Run;
let metrics = "";

const ask = async (
  path: string,
  init: Omit<RequestInit, "headers"> & { readonly headers?: Record<string, string> } = {},
): Promise<Response> =>
  await fetch(`${server.url}${path}`, {
    ...init,
    headers: {
      authorization: `Bearer ${key}`,
      "content-type": "application/json",
      ...init.headers,
      traceparent: `00-${OUTSIDE.traceId}-${OUTSIDE.spanId}-01`,
    },
  });

const readRun = async (id: string): Promise<Run> =>
  runSchema.parse(await (await ask(`/api/harness/runs/${id}`)).json());

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  sink = await startToolSink();
  installation = createInstallation(sink.url, {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_HEADERS: "x-collector-key=collector-secret-4711",
  });
  server = await startServerProcess(installation);
  key = readCredentials(installation.home)?.key ?? "";
  const submitted = await ask("/api/harness/run", {
    method: "POST",
    headers: { "idempotency-key": "the-run" },
    body: JSON.stringify(installation.gatedTask.body),
  });
  const { id } = runSummarySchema.parse(await submitted.json());
  run = await until("the run ends", async () => {
    const now = await readRun(id);
    const open = now.approvals.find(({ status }) => status === "open");
    if (open !== undefined)
      await ask("/api/harness/approve", {
        method: "POST",
        body: JSON.stringify({
          approval_id: open.id,
          decision: "approve",
          action_digest: open.action_digest,
        }),
      });
    return now.finished_at === null ? undefined : now;
  });
  metrics = await (await ask("/metrics")).text();
  // A clean end sends what is left.
  await server.stop();
});

afterAll(async () => {
  await server.stop();
  await sink.stop();
  await receiver.stop();
  installation.remove();
});

const named = (name: string): readonly ReceivedSpan[] => receiver.spans.filter((span) => span.name === name);

test("one trace leads from the request over the queue and each worker's hold to the model and the tools", () => {
  expect(run.status).toBe("succeeded");
  const [request] = named("POST /api/harness/run");
  expect(request?.parentSpanId).toBe("");
  const holds = named("invoke_agent clerk");
  // It was parked twice, so it was held three times.
  expect(holds.map(({ parentSpanId }) => parentSpanId)).toEqual(Array(3).fill(request?.spanId));
  expect(holds.map(({ attributes }) => attributes["gen_ai.conversation.id"])).toEqual(Array(3).fill(run.id));
  const ids = holds.map(({ spanId }) => spanId);
  const calls = [
    ...named("chat scripted/note"),
    ...named("execute_tool write_file"),
    ...named("execute_tool tell_sink"),
  ];
  expect(calls.map(({ name }) => name)).toEqual([
    ...Array<string>(3).fill("chat scripted/note"),
    "execute_tool write_file",
    "execute_tool tell_sink",
  ]);
  for (const call of calls) {
    expect(ids).toContain(call.parentSpanId);
    expect(call.attributes["gen_ai.conversation.id"]).toBe(run.id);
  }
  expect(new Set([...holds, ...calls].map(({ traceId }) => traceId))).toEqual(new Set([request?.traceId]));
  expect(named("chat scripted/note")[0]?.attributes).toMatchObject({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "scripted",
    "gen_ai.request.model": "scripted/note",
    "gen_ai.response.model": "scripted/note",
  });
});

test("a caller's own trace is linked and not continued", () => {
  const [request] = named("POST /api/harness/run");
  expect(request?.traceId).not.toBe(OUTSIDE.traceId);
  expect(request?.links).toEqual([OUTSIDE]);
  expect(receiver.spans.filter(({ traceId }) => traceId === OUTSIDE.traceId)).toEqual([]);
});

test("no span holds what people and models wrote, nor any secret", () => {
  const sent = receiver.bodies.join("\n");
  expect(sent).toContain("execute_tool");
  for (const text of [
    "Written under assent",
    "the note is written",
    "Write the note",
    key,
    "collector-secret-4711",
  ])
    expect(sent).not.toContain(text);
});

test("metrics count what happened, under labels that name nobody", () => {
  expect(metrics).toContain('assent_events_total{assent_event_kind="run_succeeded"} 1');
  expect(metrics).toContain('assent_events_total{assent_event_kind="approval_approved"} 2');
  expect(metrics).toMatch(/assent_approvals_wait_count\{assent_policy_verdict="approved"\} 2/);
  expect(metrics).toMatch(
    /gen_ai_client_operation_duration_count\{[^}]*gen_ai_request_model="scripted\/note"[^}]*\} 3/,
  );
  expect(metrics).toMatch(/gen_ai_execute_tool_duration_count\{gen_ai_tool_name="tell_sink"\} 1/);
  expect(metrics).toMatch(
    /assent_policy_decisions_total\{[^}]*assent_policy_verdict="needs_approval"[^}]*\} 2/,
  );
  expect(metrics).toMatch(
    /http_server_request_duration_count\{[^}]*http_route="\/api\/harness\/run"[^}]*\} 1/,
  );
  expect(metrics).not.toMatch(/run_[0-9a-f]{32}|ten_[0-9a-f]{32}|prn_[0-9a-f]{32}|apr_[0-9a-f]{32}/);
  expect([...receiver.metrics]).toEqual(
    expect.arrayContaining(["assent.events", "gen_ai.client.token.usage"]),
  );
});

test("a run that goes well leaves no warning and no error in the log", () => {
  const records = readFileSync(join(installation.home, "assent.log"), "utf8")
    .trim()
    .split("\n")
    .map((line): Record<string, unknown> => JSON.parse(line));
  expect(records.filter(({ level }) => level !== "info")).toEqual([]);
});
