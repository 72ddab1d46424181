import { afterEach, expect, test } from "vitest";
import type { OpenSpan } from "../../ports.ts";
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
