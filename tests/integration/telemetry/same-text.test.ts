// Whoever scrapes reads the same, whether a process also sends what it measures or only adds it up.

import { type OtlpReceiver, startOtlpReceiver } from "@assent/suite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openLocal } from "../../../packages/harness/src/adapters/telemetry/local.ts";
import { openOtel, type OtelTelemetry } from "../../../packages/harness/src/adapters/telemetry/otel.ts";
import { METRICS } from "../../../packages/harness/src/core/telemetry/names.ts";

const redact = (text: string): string => text.replaceAll("hunter2", "[redacted]");

let receiver: OtlpReceiver;
let sending: OtelTelemetry;
beforeAll(async () => {
  receiver = await startOtlpReceiver();
  sending = openOtel({ endpoint: receiver.url, headers: {}, serviceVersion: "0", instance: "test", redact });
});
afterAll(async () => {
  await sending.stop();
  await receiver.stop();
});

function measure(telemetry: OtelTelemetry): void {
  telemetry.count("assent.events", { kind: 'a "b"\n\\c', n: 3 });
  telemetry.count("assent.events", { kind: "hunter2" }, 4);
  // The same labels in another order are the same series.
  telemetry.count("assent.policy.decisions", { a: "1", b: "2" });
  telemetry.count("assent.policy.decisions", { b: "2", a: "1" }, 2);
  telemetry.count("assent.turns", {});
  for (const value of [0, 1, 1.5, 12, 259_200, 1e9])
    telemetry.record("assent.approvals.wait", value, { who: ["hunter2", "y"], by: true });
  telemetry.record("gen_ai.client.token.usage", 0.25, {});
  telemetry.record("gen_ai.client.operation.duration", 0.02, { model: "m" });
  telemetry.watch(
    "assent.queue.depth",
    async () => await Promise.resolve([{ value: 4, attributes: { of: "x" } }]),
  );
  telemetry.watch("assent.queue.oldest_age", async () => await Promise.reject(new Error("away")));
}

test("what a process adds up itself reads as the vendor's code would have it", async () => {
  const local = openLocal({ redact, random: { bytes: (count) => new Uint8Array(count) } });
  measure(sending);
  measure(local);
  const [sent, own] = [await blocksOf(sending), await blocksOf(local)];
  expect(own).toEqual(sent);
  expect(own).toHaveLength(7);
  expect(Object.keys(METRICS).length).toBeGreaterThan(own.length);
});

/** One metric's lines each, in any order of metrics. */
async function blocksOf(telemetry: OtelTelemetry): Promise<string[]> {
  const text = await telemetry.prometheus();
  return text
    .trim()
    .split(/\n(?=# HELP)/)
    .toSorted();
}
