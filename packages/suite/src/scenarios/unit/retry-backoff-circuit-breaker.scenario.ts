import { PROVIDER_WARNINGS } from "../warnings.ts";
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
const OUTAGE_RUNS = 4;
const OUTAGE_MS = 4_000;
/** Of one probe nobody can say that it was alone. */
const PROBES_MIN = 2;

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
    await honourRetryAfter(context, watch);
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
    const run = await settleRun(context, client, await submitBody(context, client, body(`Jitter ${at}.`)));
    context.check("a call that failed once is repeated", run.status === "succeeded", run.status);
    const calls = watch.calls.slice(from);
    context.check("once, and by nobody in secret", calls.length === 2, calls.length);
    pauses.push(...gapsOf(calls));
  }
  context.read("provider", { pauses });
  context.check("pauses differ: some are far shorter than the bound", isAnyShort(), pauses);
  context.check(
    "and not all of them are none",
    pauses.some((ms) => ms > baseMs * 0.15),
    pauses,
  );
}

const inAMoment = (): string => new Date(Math.floor((Date.now() + 2_000) / 1_000) * 1_000).toUTCString();

// In seconds, as a date, and in milliseconds; and for every run, not only for the one that was told.
async function honourRetryAfter(context: ScenarioContext, watch: Watch): Promise<void> {
  const { body } = outageOf(context);
  const client = context.client("requester");
  const forms: readonly (readonly [name: string, ms: number, headers: () => Record<string, string>])[] = [
    ["in seconds", 1_000, () => ({ "retry-after": "1" })],
    ["in milliseconds", 700, () => ({ "retry-after-ms": "700", "retry-after": "30" })],
    [
      "as a date",
      900,
      () => ({ date: new Date(Date.now() - 1_000).toUTCString(), "retry-after": inAMoment() }),
    ],
  ];
  for (const [name, ms, headers] of forms) {
    const from = watch.calls.length;
    watch.answer((_call, index) =>
      index === from ? { fault: { kind: "status", status: 429, headers: headers() } } : { text: "Done." },
    );
    const first = await submitBody(context, client, body(`Retry-After ${name}.`));
    await awaitCalls(context, watch, from + 1);
    const second = await submitBody(context, client, body(`Retry-After ${name}, of another run.`));
    for (const id of [first, second]) {
      const run = await settleRun(context, client, id);
      context.check("a run waits and goes on", run.status === "succeeded", run.status);
    }
    const [gap = 0] = gapsOf(watch.calls.slice(from));
    context.check("nobody asks before the time that the provider named", gap >= ms - EARLY_MS, { name, gap });
  }
}

async function breakAndRecover(context: ScenarioContext, watch: Watch): Promise<void> {
  const { body, failures, openMs, openMsMax, concurrencyMax, stepCallsMax } = outageOf(context);
  const client = context.client("requester");
  const from = watch.calls.length;
  watch.answer(() => DOWN);
  const ids: string[] = [];
  for (let at = 0; at < OUTAGE_RUNS; at += 1)
    ids.push(await submitBody(context, client, body(`Outage ${context.unique("run")}.`)));
  await awaitCalls(context, watch, from + failures);
  await letPass(context, OUTAGE_MS);
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
  // Calls that were under way when the breaker opened still arrive; afterwards there is one probe at a time.
  const processes = Math.max(1, context.target.endpoints().length);
  const opening = failures + concurrencyMax * processes - 1;
  const lastedMs = (during.at(-1)?.atMs ?? 0) - (during[0]?.atMs ?? 0);
  const most = opening + Math.ceil(Math.max(OUTAGE_MS, lastedMs) / openMs) + 1;
  context.check("an open breaker lets nobody in but a probe now and then", during.length <= most, {
    calls: during.length,
    most,
  });
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
  watch.answer(() => ({ text: "Done.", fault: { kind: "slow", pauseMs: 40 } }));
  await letPass(context, openMsMax);
  ids.push(await submitBody(context, client, body("Back again.")));
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
  const perRun = Map.groupBy(watch.calls.slice(from), ({ task }) => task);
  const mostOfOne = Math.max(...[...perRun.values()].map((calls) => calls.length));
  context.check("no run has called more often than a step may", mostOfOne <= stepCallsMax, mostOfOne);
  context.read("provider", { calls: watch.calls.length - from, mostOfOne });
}
