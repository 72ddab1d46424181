import { PROVIDER_WARNINGS } from "../warnings.ts";
import { AMPLIFICATION_MAX } from "../../objectives.ts";
import type { Reply } from "../../faults/script.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import { outageOf, type Watch, watchProvider } from "../outage-moves.ts";
import { settleRun, submitBody } from "../provider-moves.ts";
import { fillQueue } from "./full-queue.ts";

const RUNS = 16;
/** Between the pieces of an answer in good times: the shortest at which this machine has several runs ask at once. */
const PAUSES_MS = [30, 60, 120] as const;
/** As many at once are several. */
const SEVERAL = 3;
/** A spike: so many times as long, in each piece. */
const SPIKE = 10;
const answerIn = (pauseMs: number): Reply => ({
  text: "Done in good time.",
  fault: { kind: "slow", pauseMs },
});
const RESET: Reply = { fault: { kind: "reset" } };
/** One in so many calls of the spike is lost. */
const RESET_EVERY = 8;

export const providerLatencySpikeBackpressure: Scenario = {
  id: "harness_stress/provider_latency_spike_backpressure",
  title: "A provider that becomes slow is asked less at once, and nothing is lost",
  tier: 2,
  phase: "stress",
  why: "Whoever keeps asking a slow provider at the old pace makes it slower, and holds every worker with it.",
  remedy:
    "Let the calls in flight follow how the answers come: one more while all is well, half of them when not. Bound what is queued over all servers; past it refuse with 429 or 503 and a Retry-After that is true, before anything is written.",
  needs: ["submit", "provider", "outages"],
  invariants: ["refuse-early"],
  warnings: PROVIDER_WARNINGS,
  implies: {
    spans: ["chat "],
    metrics: [["gen_ai_client_operation_duration_count"]],
    events: ["run_succeeded"],
  },
  seed: "backend/tests/harness_stress/test_provider_latency_spike_backpressure.py",
  timeLimitMs: 600_000,
  run: async (context) => {
    const watch = watchProvider(outageOf(context));
    const { before, pauseMs } = await goodTimes(context, watch);
    const spike = await wave(context, watch, "spike", (at) =>
      at % RESET_EVERY === RESET_EVERY - 1 ? RESET : answerIn(pauseMs * SPIKE),
    );
    const after = await wave(context, watch, "after", () => answerIn(pauseMs));
    context.read("provider", { pauseMs, before, spike, after });
    const { concurrencyMax } = outageOf(context);
    const processes = Math.max(1, context.target.endpoints().length);
    for (const { inFlight } of [before, spike, after])
      context.check(
        "never more at once than the limit",
        Math.max(...inFlight) <= concurrencyMax * processes,
        inFlight,
      );
    const usual = Math.max(...before.inFlight);
    context.check("in good times several are asked at once", usual >= SEVERAL, before.inFlight);
    const late = spike.inFlight.slice(Math.ceil(spike.inFlight.length / 2));
    context.check(
      "a spike makes fewer of them",
      // On the whole: one more is tried after each that came in good time, also by those who found it slow before.
      meanOf(late) <= Math.max(processes, usual / 2),
      spike.inFlight,
    );
    context.check(
      "trouble multiplies no calls",
      spike.inFlight.length <= RUNS * AMPLIFICATION_MAX,
      spike.inFlight.length,
    );
    context.check(
      "afterwards there are more again",
      Math.max(...after.inFlight) > meanOf(late),
      after.inFlight,
    );
    await context.part("a queue that is full", ["full_queue"], async () => {
      await fillQueue(context, watch);
    });
  },
};

/** A machine may be so slow that runs come one by one, each after the answer to the one before: then answers take longer. */
async function goodTimes(
  context: ScenarioContext,
  watch: Watch,
): Promise<{ readonly before: Wave; readonly pauseMs: number }> {
  let last: { readonly before: Wave; readonly pauseMs: number } = { before: { inFlight: [] }, pauseMs: 0 };
  for (const pauseMs of PAUSES_MS) {
    last = { before: await wave(context, watch, `before ${pauseMs}`, () => answerIn(pauseMs)), pauseMs };
    if (Math.max(...last.before.inFlight) >= SEVERAL) break;
  }
  return last;
}

const meanOf = (numbers: readonly number[]): number =>
  numbers.reduce((sum, each) => sum + each, 0) / numbers.length;

type Wave = { readonly inFlight: readonly number[] };

/** So many runs at once, to the end of each. */
async function wave(
  context: ScenarioContext,
  watch: Watch,
  name: string,
  reply: (at: number) => Reply,
): Promise<Wave> {
  const { body } = outageOf(context);
  const client = context.client("requester");
  const from = watch.calls.length;
  watch.answer((_call, index) => reply(index - from));
  const ids = await Promise.all(
    Array.from(
      { length: RUNS },
      async () => await submitBody(context, client, body(context.unique("Question"))),
    ),
  );
  for (const id of ids) {
    const run = await settleRun(context, client, id);
    context.check("every run ends well", run.status === "succeeded", { name, status: run.status });
  }
  return { inFlight: watch.calls.slice(from).map(({ inFlight }) => inFlight) };
}
