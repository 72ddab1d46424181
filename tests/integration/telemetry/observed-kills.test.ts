// A scenario that holds fails all the same where what the product tells of it is wrong: each way of telling it wrongly.

import { PACE } from "@assent/suite";
import { vi } from "vitest";
import type { SpanOptions } from "../../../packages/harness/src/ports.ts";
import { proveKills } from "../../support/target/kills.ts";
import { createInProcessTarget } from "../../support/target/local-target.ts";

type Break =
  | "the queue loses the trace"
  | "a span's parent is never sent"
  | "calls of tools are not measured"
  | "a metric goes by another name"
  | "requests are not measured"
  | "something goes wrong that nobody notices";

const broken = vi.hoisted(() => ({ by: "none" as Break | "none" }));

const NOBODY = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;

function placed(options: SpanOptions): SpanOptions {
  if (broken.by === "the queue loses the trace" && options.kind === "consumer")
    return { ...options, parent: null };
  if (broken.by === "a span's parent is never sent" && options.kind === "client")
    return { ...options, parent: NOBODY };
  return options;
}

vi.mock(import("../../../packages/harness/src/adapters/telemetry/otel.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    openOtel: (options) => {
      const telemetry = real.openOtel(options);
      return {
        ...telemetry,
        start: (name, given) => telemetry.start(name, placed(given)),
        count: (metric, attributes, by) => {
          const isLost = broken.by === "a metric goes by another name" && metric === "assent.events";
          telemetry.count(isLost ? "assent.redactions" : metric, attributes, by);
        },
        record: (metric, value, attributes) => {
          if (broken.by === "calls of tools are not measured" && metric === "gen_ai.execute_tool.duration")
            return;
          if (broken.by === "requests are not measured" && metric === "http.server.request.duration") return;
          telemetry.record(metric, value, attributes);
        },
      };
    },
  };
});

vi.mock(import("../../../packages/harness/src/services/steps/finalise.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    finaliseRun: async (held, ...rest) => {
      if (broken.by === "something goes wrong that nobody notices")
        held.ports.log("error", "a cache could not be written");
      return await real.finaliseRun(held, ...rest);
    },
  };
});

const SCENARIO = "retrieval_prompt_assembly_tenant_isolation";

proveKills<Break>(
  createInProcessTarget(),
  broken,
  [
    [SCENARIO, "the queue loses the trace", "every hold of a run is below the request that made it"],
    [SCENARIO, "a span's parent is never sent", "every span's parent was sent as well"],
    [SCENARIO, "calls of tools are not measured", "metrics and spans tell of the same calls"],
    [SCENARIO, "a metric goes by another name", "metrics count at least what the trial itself saw happen"],
    [SCENARIO, "requests are not measured", "metrics count at least what the trial itself saw happen"],
    [
      SCENARIO,
      "something goes wrong that nobody notices",
      "no error is logged but those that the scenario provokes",
    ],
  ],
  { pace: { ...PACE, settleMsMax: 5_000 } },
);
