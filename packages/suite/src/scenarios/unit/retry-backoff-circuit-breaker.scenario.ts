import { PROVIDER_WARNINGS } from "../warnings.ts";
import type { Reply } from "../../faults/script.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import {
  awaitCalls,
  type Call,
  DOWN,
  gapsOf,
  letPass,
  outageOf,
  type Watch,
  watchProvider,
} from "../outage-moves.ts";
import { settleRun, submitBody } from "../provider-moves.ts";
import { lookUntil } from "../../wait.ts";

/** A look at a clock may come a little before the time that it is set to. */
const EARLY_MS = 30;
/** From a call that may be made to its arrival: a submission, a message, a lease, on a busy machine. */
const START_MS_MAX = 20_000;
/** Runs whose pauses are looked at; where a busy machine adds to each, as many more as show a short one. */
const JITTERED_RUNS = 10;
const JITTERED_RUNS_MAX = 60;
const OUTAGE_RUNS = 8;
const OUTAGE_MS = 2_500;
/** Of one probe nobody can say that it was alone. */
const PROBES_MIN = 2;
/** A few pieces, so at least `ANSWER_MS` in all. */
const SLOW: Reply = { text: "Done.", fault: { kind: "slow", pauseMs: 50 } };
const ANSWER_MS = 150;
const GONE: Reply = { fault: { kind: "reset" } };

export const retryBackoffCircuitBreaker: Scenario = {
  id: "harness_resilience/retry_backoff_circuit_breaker",
  title: "A failing provider is asked less, not more, and by one call at first when it may be back",
  tier: 1,
  phase: "unit",
  why: "Repetitions without a bound turn a provider's bad minute into an outage, and a bill.",
  remedy:
    "Repeat outside of the breaker with full jitter and a cap, honour Retry-After for everybody, share the breaker, let one call probe, and let in few when it closes.",
  needs: ["submit", "provider", "outages"],
  invariants: [],
  warnings: PROVIDER_WARNINGS,
  implies: { spans: ["chat "], metrics: [["assent_provider_retries_total"]], events: ["run_succeeded"] },
  seed: "backend/tests/harness_resilience/test_retry_backoff_circuit_breaker.py",
  timeLimitMs: 600_000,
  run: async (context) => {
    const watch = watchProvider(outageOf(context));
    await jitter(context, watch);
    await refusedForGood(context, watch);
    await honourRetryAfter(context, watch);
    await breakOnSilence(context, watch);
    await breakAndRecover(context, watch);
  },
};

// Each run fails once and is repeated once: the pauses between are any time up to a bound.
async function jitter(context: ScenarioContext, watch: Watch): Promise<void> {
  const { baseMs, body } = outageOf(context);
  const client = context.client("requester");
  const seen = new Set<string>();
  watch.answer(({ task }) => {
    if (seen.has(task)) return { text: "Done." };
    seen.add(task);
    return DOWN;
  });
  const pauses: number[] = [];
  const isAnyShort = (): boolean => pauses.some((ms) => ms < baseMs * 0.75);
  for (let at = 0; at < JITTERED_RUNS || (at < JITTERED_RUNS_MAX && !isAnyShort()); at += 1) {
    const from = watch.calls.length;
    const run = await settleRun(
      context,
      client,
      await submitBody(context, client, body(context.unique("Question"))),
    );
    context.check("a call that failed once is repeated", run.status === "succeeded", run.status);
    const calls = watch.calls.slice(from);
    context.check("once, and by nobody in secret", calls.length === 2, calls.length);
    pauses.push(...gapsOf(calls));
  }
  context.read("provider", { pauses });
  context.check("pauses differ: some are far shorter than the bound", isAnyShort(), pauses);
  // How many, and not how long the longest is: on a busy machine one call in ten comes late by itself.
  const lasting = pauses.filter((ms) => ms > baseMs * 0.15).length;
  context.check("and not all of them are none", lasting >= pauses.length / 2, pauses);
}

/** What a provider does not take it will not take a moment later either: no repetition, and no run that hangs. */
async function refusedForGood(context: ScenarioContext, watch: Watch): Promise<void> {
  const client = context.client("requester");
  const from = watch.calls.length;
  watch.answer(() => ({ fault: { kind: "status", status: 400, word: "invalid_request_error" } }));
  const id = await submitBody(context, client, outageOf(context).body(context.unique("Question")));
  const { status } = await settleRun(context, client, id);
  context.check("a call that is refused for good ends its run", status === "failed", status);
  const calls = watch.calls.length - from;
  context.check("and is not made again", calls === 1, calls);
}

const inAMoment = (): string => new Date(Math.floor((Date.now() + 2_000) / 1_000) * 1_000).toUTCString();

// In seconds, as a date, and in milliseconds; and for every run, not only for the one that was told.
async function honourRetryAfter(context: ScenarioContext, watch: Watch): Promise<void> {
  const { body } = outageOf(context);
  const client = context.client("requester");
  const forms: readonly (readonly [
    name: string,
    status: number,
    ms: number,
    headers: () => Record<string, string>,
  ])[] = [
    ["in seconds", 503, 1_000, () => ({ "retry-after": "1" })],
    ["in milliseconds", 429, 700, () => ({ "retry-after-ms": "700", "retry-after": "30" })],
    [
      "as a date",
      429,
      900,
      () => ({ date: new Date(Date.now() - 1_000).toUTCString(), "retry-after": inAMoment() }),
    ],
  ];
  for (const [name, status, ms, headers] of forms) {
    const from = watch.calls.length;
    watch.answer((_call, index) =>
      index === from ? { fault: { kind: "status", status, headers: headers() } } : { text: "Done." },
    );
    const first = await submitBody(context, client, body(context.unique("Question")));
    await awaitCalls(context, watch, from + 1);
    const second = await submitBody(context, client, body(context.unique("Question")));
    for (const id of [first, second]) {
      const run = await settleRun(context, client, id);
      context.check("a run waits and goes on", run.status === "succeeded", run.status);
    }
    const [gap = 0] = gapsOf(watch.calls.slice(from));
    context.check("nobody asks before the time that the provider named", gap >= ms - EARLY_MS, { name, gap });
  }
}

const processesOf = ({ target }: ScenarioContext): number => Math.max(1, target.endpoints().length);

/** Calls that were under way when the breaker opened still arrive; afterwards there is one probe at a time. */
function openingCalls(context: ScenarioContext): number {
  const { failures, concurrencyMax } = outageOf(context);
  return failures + concurrencyMax * processesOf(context) - 1;
}

function checkFew(context: ScenarioContext, calls: readonly Call[]): void {
  const lastedMs = Math.max(OUTAGE_MS, (calls.at(-1)?.atMs ?? 0) - (calls[0]?.atMs ?? 0));
  const most = openingCalls(context) + Math.ceil(lastedMs / outageOf(context).openMs) + 1;
  const found = { calls: calls.length, most };
  context.check("an open breaker lets nobody in but a probe now and then", calls.length <= most, found);
}

async function submitOutage(context: ScenarioContext): Promise<string[]> {
  const client = context.client("requester");
  const ids: string[] = [];
  for (let at = 0; at < OUTAGE_RUNS; at += 1)
    ids.push(await submitBody(context, client, outageOf(context).body(context.unique("Question"))));
  return ids;
}

/** Who does not answer at all is away as much as who says so. */
async function breakOnSilence(context: ScenarioContext, watch: Watch): Promise<void> {
  const { failures, openMs, openMsMax } = outageOf(context);
  const from = watch.calls.length;
  watch.answer(() => GONE);
  const ids = await submitOutage(context);
  await awaitCalls(context, watch, from + failures);
  await letPass(context, openMs * 0.9);
  const [calls, most] = [watch.calls.length - from, openingCalls(context)];
  context.check("connections that break open the breaker", calls <= most + 1, { calls, most });
  watch.answer(() => ({ text: "Done." }));
  await letPass(context, openMsMax);
  for (const id of ids) {
    const run = await settleRun(context, context.client("requester"), id);
    context.check("a run outlives broken connections", run.status === "succeeded", run.status);
  }
}

async function breakAndRecover(context: ScenarioContext, watch: Watch): Promise<void> {
  const { body, failures, openMs, openMsMax, stepCallsMax } = outageOf(context);
  const client = context.client("requester");
  const from = watch.calls.length;
  watch.answer(() => DOWN);
  const ids = await submitOutage(context);
  await awaitCalls(context, watch, from + failures);
  await letPass(context, OUTAGE_MS);
  checkFew(context, watch.calls.slice(from));
  // From the first call that came after a pause as long as an open breaker makes it.
  const probesOf = (calls: readonly Call[]): readonly Call[] => {
    const isFirst = (call: Call, at: number): boolean =>
      at >= failures && call.atMs - (calls[at - 1]?.atMs ?? 0) >= openMs - EARLY_MS;
    const first = calls.findIndex(isFirst);
    return first < 0 ? [] : calls.slice(first);
  };
  const { seen, satisfied } = await lookUntil(
    async () => await Promise.resolve(watch.calls.slice(from)),
    (calls) => probesOf(calls).length >= PROBES_MIN,
    { timeoutMs: context.pace.waitMsMax, signal: context.signal },
  );
  context.check("whoever is away is asked now and then whether it is back", satisfied, gapsOf(seen));
  const during = seen;
  const processes = processesOf(context);
  checkFew(context, during);
  const probes = probesOf(during);
  context.check(
    "one call probes at a time",
    gapsOf(probes).every((gap) => gap >= openMs - EARLY_MS),
    gapsOf(probes),
  );
  const last = gapsOf(during).at(-1) ?? 0;
  context.check("and waits between probes", last >= openMs - EARLY_MS, gapsOf(during));

  const backAt = performance.now();
  const before = watch.calls.length;
  watch.answer(() => SLOW);
  await letPass(context, openMsMax);
  ids.push(await submitBody(context, client, body(context.unique("Question"))));
  await awaitCalls(context, watch, before + 1);
  const delay = (watch.calls[before]?.atMs ?? 0) - backAt;
  context.check("it is asked again soon after it is back", delay <= openMsMax + START_MS_MAX, delay);
  for (const id of ids) {
    const run = await settleRun(context, client, id);
    context.check("every run that waited ends well", run.status === "succeeded", run.status);
  }
  const [first, second, third] = watch.calls.slice(before);
  context.check(
    "a success lets no herd loose",
    [first, second, third].every((call) => (call?.inFlight ?? 0) <= 2 * processes),
    {
      inFlight: watch.calls.slice(before).map(({ inFlight }) => inFlight),
    },
  );
  // Sooner than the answer to the first of them none can have come of its success.
  const wave = watch.calls.slice(before + 1).filter(({ atMs }) => atMs < (second?.atMs ?? 0) + ANSWER_MS);
  context.check("nor does the next moment", wave.length <= 2 * processes, wave.length);
  const perRun = Map.groupBy(watch.calls.slice(from), ({ task }) => task);
  const mostOfOne = Math.max(...[...perRun.values()].map((calls) => calls.length));
  context.check("no run has called more often than a step may", mostOfOne <= stepCallsMax, mostOfOne);
  context.read("provider", { calls: watch.calls.length - from, mostOfOne });
}
