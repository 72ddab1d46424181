import { PROVIDER_WARNINGS } from "../warnings.ts";
import { AMPLIFICATION_MAX } from "../../objectives.ts";
import type { Reply } from "../../faults/script.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import { fieldsOf, TERMINAL_STATES, textOf } from "../../run-reading.ts";
import { readRunOf } from "../moves.ts";
import { awaitCalls, outageOf, type Watch, watchProvider } from "../outage-moves.ts";
import { settleRun, submitBody } from "../provider-moves.ts";
import { fillQueue } from "./full-queue.ts";

const RUNS = 16;
/** Between the pieces of an answer in good times: the shortest at which this machine has several runs ask at once. */
const PAUSES_MS = [30, 60, 120] as const;
/** As many at once are several. */
const SEVERAL = 3;
/** A spike: so many times as long, in each piece. */
const SPIKE = 10;
const answerIn = (pauseMs: number, word: string): Reply => ({
  text: `Done: ${word}.`,
  fault: { kind: "slow", pauseMs },
});
const RESET: Reply = { fault: { kind: "reset" } };
/** Calls of the spike that are lost: first ones, so that what becomes of the later ones is for their slowness alone. */
const RESET_AT: readonly number[] = [1, 3];

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
    const spiked = (at: number, word: string): Reply =>
      RESET_AT.includes(at) ? RESET : answerIn(pauseMs * SPIKE, word);
    const spike = await wave(context, watch, "spike", spiked, async (ids) => {
      await goOnBeside(context, watch, ids);
    });
    const after = await wave(context, watch, "after", (_at, word) => answerIn(pauseMs, word));
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
    last = {
      before: await wave(context, watch, `before ${pauseMs}`, (_at, word) => answerIn(pauseMs, word)),
      pauseMs,
    };
    if (Math.max(...last.before.inFlight) >= SEVERAL) break;
  }
  return last;
}

const meanOf = (numbers: readonly number[]): number =>
  numbers.reduce((sum, each) => sum + each, 0) / numbers.length;

type Wave = { readonly inFlight: readonly number[] };

/** A task that asks no slow provider comes to its question while the others still wait for theirs. */
async function goOnBeside(context: ScenarioContext, watch: Watch, ids: readonly string[]): Promise<void> {
  const client = context.client("requester");
  await awaitCalls(context, watch, watch.calls.length + 1);
  const beside = await submitBody(context, client, context.target.gatedTask.body);
  await settleRun(context, client, beside);
  const states = await Promise.all(ids.map(async (id) => (await readRunOf(context, client, id)).status));
  const waiting = states.filter((status) => !TERMINAL_STATES.includes(status)).length;
  context.check("whoever asks nobody slow is not held up", waiting > 0, states);
}

const UNKNOWN = "nobody's";
/** An answer is as many pieces as it is long, and each takes its time. */
const WORD_CHARS = 10;

/** So many runs at once, to the end of each. @param meanwhile once all are in */
async function wave(
  context: ScenarioContext,
  watch: Watch,
  name: string,
  reply: (at: number, word: string) => Reply,
  meanwhile: (ids: readonly string[]) => Promise<void> = async () => undefined,
): Promise<Wave> {
  const { body } = outageOf(context);
  const client = context.client("requester");
  const from = watch.calls.length;
  const tasks = Array.from({ length: RUNS }, () => context.unique("Question"));
  const words = new Map(tasks.map((task) => [task, context.unique("word").slice(-WORD_CHARS)] as const));
  const wordOf = (task: string): string => [...words].find(([one]) => task.includes(one))?.[1] ?? UNKNOWN;
  watch.answer(({ task }, index) => reply(index - from, wordOf(task)));
  const ids = await Promise.all(tasks.map(async (task) => await submitBody(context, client, body(task))));
  await meanwhile(ids);
  for (const id of ids) {
    const run = await settleRun(context, client, id);
    context.check("every run ends well", run.status === "succeeded", { name, status: run.status });
  }
  const calls = watch.calls.slice(from);
  const unasked = tasks.filter((task) => !calls.some((call) => call.task.includes(task)));
  context.check("every run is answered by its own call", unasked.length === 0, unasked);
  await context.part("each with what it was told", ["contract"], async () => {
    for (const [at, id] of ids.entries()) {
      const { answer } = fieldsOf((await client.getRun(id)).json);
      const isOwn = textOf(answer).includes(words.get(tasks[at] ?? "") ?? UNKNOWN);
      context.check("every run's answer is the one to its own question", isOwn, { name, answer });
    }
  });
  return { inFlight: calls.map(({ inFlight }) => inFlight) };
}
