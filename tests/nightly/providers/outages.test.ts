// The scenarios of outages: each passes on the product, in one process and over two, and each fails when what it is
// there for is taken out of the product. What is taken out is named by the break.

import { PACE, runTrial, type Scenario, SCENARIOS } from "@assent/suite";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { createInProcessTarget, createProcessesTarget } from "../../support/target/local-target.ts";
import { prove } from "../../support/target/prove.ts";

type Break =
  | "none"
  | "no breaker is looked at"
  | "everybody probes"
  | "pauses are always as long as they may be"
  | "Retry-After is not read"
  | "a step is never repeated"
  | "what came of half an answer is used"
  | "an outage has no end"
  | "the window never shrinks"
  | "the queue has no bound"
  | "a full queue says any time"
  | "a queue that was full stays so";

const broken = vi.hoisted(() => ({ by: "none" as Break }));

vi.mock(import("../../../packages/harness/src/core/resilience/breaker.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    entryOf: (breaker, now) => {
      const entry = real.entryOf(breaker, now);
      if (broken.by === "no breaker is looked at") return { enter: "yes" };
      if (broken.by === "everybody probes" && breaker.state === "half_open") return { enter: "probe" };
      return entry;
    },
    takeProbe: (breaker, by, now) =>
      broken.by === "everybody probes"
        ? { ...breaker, state: "half_open", probe: { by, until: new Date(now.getTime() + real.PROBE_MS) } }
        : real.takeProbe(breaker, by, now),
  };
});

vi.mock(import("../../../packages/harness/src/core/resilience/pause.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    pauseMs: (calls, chance, asked, settings) =>
      real.pauseMs(
        calls,
        broken.by === "pauses are always as long as they may be" ? 0.999 : chance,
        asked,
        settings,
      ),
  };
});

vi.mock(import("../../../packages/harness/src/core/resilience/concurrency.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    afterCall: (window, measured, most) =>
      broken.by === "the window never shrinks"
        ? { ...window, limit: most }
        : real.afterCall(window, measured, most),
  };
});

vi.mock(import("../../../packages/harness/src/services/models/gates.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    createGates: (ports) => {
      const gates = real.createGates(ports);
      const awaySince: typeof gates.awaySince = (provider) =>
        broken.by === "an outage has no end" ? null : gates.awaySince(provider);
      return { ...gates, awaySince };
    },
  };
});

vi.mock(import("../../../packages/harness/src/adapters/postgres/held-writes.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    beginCall: async (query, fence, version, settled, reservation, writes) => {
      const unbounded = { ...reservation, stepCallsMax: 100_000, retriesMax: 100_000 };
      const asked = broken.by === "an outage has no end" ? unbounded : reservation;
      return await real.beginCall(query, fence, version, settled, asked, writes);
    },
  };
});

vi.mock(import("../../../packages/harness/src/adapters/models/models.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    openModels: (config) => {
      const models = real.openModels(config);
      const call: typeof models.call = async (asked, signal) => {
        const result = await models.call(asked, signal);
        if (result.ok) return result;
        const { error } = result;
        if (broken.by === "Retry-After is not read")
          return { ok: false, error: { ...error, retryAfterMs: null } };
        if (broken.by === "a step is never repeated")
          return { ok: false, error: { ...error, transient: false } };
        if (broken.by !== "what came of half an answer is used" || error.code !== "answer_incomplete")
          return result;
        return {
          ok: true,
          value: {
            kind: "model",
            model: asked.model,
            text: "",
            toolCalls: [{ id: "partial", tool: "read_file", arguments: { path: "README.md" } }],
            usage: { inputTokens: 400, outputTokens: 20 },
            finishReason: "tool_calls",
            warnings: [],
          },
        };
      };
      return { ...models, call };
    },
  };
});

vi.mock(import("../../../packages/harness/src/services/capacity.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    createCapacity: (...given) => {
      const capacity = real.createCapacity(...given);
      const full = new Map<string, Awaited<ReturnType<typeof capacity.takeRoom>>>();
      return {
        takeRoom: async (tenant) => {
          const refusal = await capacity.takeRoom(tenant);
          if (refusal !== null) full.set(tenant, refusal);
          if (broken.by === "the queue has no bound") return null;
          if (broken.by === "a queue that was full stays so") return full.get(tenant) ?? null;
          if (refusal === null || broken.by !== "a full queue says any time") return refusal;
          // Then the edge names the shortest.
          return { code: refusal.code, detail: refusal.detail };
        },
      };
    },
  };
});

const OUTAGES = SCENARIOS.filter(({ needs }) => needs.includes("outages"));

const SMALL_QUEUE = { queuedRunsMax: 40 };

beforeEach(() => {
  broken.by = "none";
});

test("there are scenarios of outages", () => {
  expect(OUTAGES).toHaveLength(3);
});

prove(OUTAGES, createInProcessTarget(SMALL_QUEUE), PACE);
prove(OUTAGES, createProcessesTarget(SMALL_QUEUE), PACE);

const named = (part: string): Scenario => {
  const found = OUTAGES.find(({ id }) => id.endsWith(part));
  if (found === undefined) throw new Error(`no scenario ${part}`);
  return found;
};

const RETRY = "retry_backoff_circuit_breaker";
const OUTAGE = "dependency_outage_graceful_degradation";
const SPIKE = "provider_latency_spike_backpressure";

const KILLS: readonly (readonly [scenario: string, by: Break, claim: string])[] = [
  [RETRY, "pauses are always as long as they may be", "pauses differ"],
  [RETRY, "Retry-After is not read", "nobody asks before the time that the provider named"],
  [RETRY, "no breaker is looked at", "whoever is away is asked now and then"],
  [RETRY, "everybody probes", "one call probes at a time"],
  [RETRY, "a step is never repeated", "a call that failed once is repeated"],
  [OUTAGE, "a step is never repeated", "a run outlives a broken connection"],
  [OUTAGE, "what came of half an answer is used", "and nothing of it was used"],
  [OUTAGE, "an outage has no end", "an outage without an end ends the run by its deadline"],
  [SPIKE, "the window never shrinks", "a spike makes fewer of them"],
  [SPIKE, "the queue has no bound", "past its bound the queue takes no more"],
  [SPIKE, "a full queue says any time", "whoever waited as told is let in"],
  [SPIKE, "a queue that was full stays so", "whoever waited as told is let in"],
];

describe("the product broken", () => {
  // A target of its own for each: what a broken product leaves undone would be heard in the next trial.
  test.each(KILLS)("%s fails where %s", { timeout: 600_000 }, async (part, by, claim) => {
    const target = createInProcessTarget(SMALL_QUEUE);
    await target.start();
    try {
      broken.by = by;
      const trial = await runTrial(named(part), target, { seed: 42, pace: { ...PACE, waitMsMax: 60_000 } });
      expect([trial.verdict, trial.reason]).toEqual(["FAIL", expect.stringContaining(claim)]);
    } finally {
      broken.by = "none";
      await target.stop();
    }
  });
});
