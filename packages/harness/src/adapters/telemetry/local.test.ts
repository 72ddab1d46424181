import { expect, test } from "vitest";
import type { OpenSpan } from "../../ports.ts";
import { openLocal } from "./local.ts";
import type { OtelTelemetry } from "./otel.ts";

const SECRET = "hunter2-and-more";
const redact = (text: string): string => text.replaceAll(SECRET, "[hidden]");

// Chance that is none: every id is another, and no two runs of the test differ.
function start(): OtelTelemetry {
  let drawn = 0;
  return openLocal({ redact, random: { bytes: (count) => new Uint8Array(count).fill((drawn += 1)) } });
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

test("a trace that came from outside goes on, with what it said of being kept", async () => {
  const telemetry = start();
  const outside = `00-${"a".repeat(32)}-${"b".repeat(16)}-00`;
  const span = telemetry.start("request", { kind: "server", parent: outside });
  expect(span.traceparent).toMatch(new RegExp(`^00-${"a".repeat(32)}-[0-9a-f]{16}-00$`));
  expect(span.traceparent).not.toContain("b".repeat(16));
  const odd = telemetry.start("request", { kind: "server", parent: "00-none" });
  expect(odd.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  await span.run(async () => {
    await Promise.resolve();
    expect(telemetry.current()?.trace_id).toBe("a".repeat(32));
  });
});

test("labels without end are counted together, and nothing is lost", async () => {
  const telemetry = start();
  for (let at = 0; at < 2_100; at += 1) telemetry.count("assent.events", { kind: `k${at}` });
  const lines = (await telemetry.prometheus())
    .split("\n")
    .filter((line) => line.startsWith("assent_events_total"));
  expect(lines).toHaveLength(2_000);
  expect(lines).toContain('assent_events_total{otel_metric_overflow="true"} 101');
});
