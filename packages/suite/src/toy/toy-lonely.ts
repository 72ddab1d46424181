// The toy before a provider that fails: who may ask it when, shared by all its runs.

import { setTimeout as pause } from "node:timers/promises";
import { askOver, type Outcome, type Said, type Wire } from "./toy-wire.ts";
import type { Breaks } from "./toy-run.ts";

/** Short enough to see the end of it, and long against what a busy machine adds. */
export const OUTAGE = {
  failures: 3,
  openMs: 800,
  openMsMax: 1_600,
  baseMs: 800,
  pauseMsMax: 1_600,
  stepCallsMax: 8,
  concurrencyMax: 6,
  silenceMsMax: 1_500,
  outageMsMax: 20_000,
} as const;

/** What is known of the provider. */
export type Gate = {
  failed: number;
  /** Null: closed. */
  openUntilMs: number | null;
  openMs: number;
  probing: boolean;
  /** Before it nobody asks: it was said so. */
  notBeforeMs: number;
  inFlight: number;
  /** How many may be in flight. */
  limit: number;
  /** The shortest answer so far. */
  bestMs: number;
  /** The newest answer, where it took long; and how often it has been given since. */
  late: Said | null;
  given: number;
};

export const createGate = (): Gate => ({
  failed: 0,
  openUntilMs: null,
  openMs: OUTAGE.openMs,
  probing: false,
  notBeforeMs: 0,
  inFlight: 0,
  limit: OUTAGE.concurrencyMax,
  bestMs: Number.POSITIVE_INFINITY,
  late: null,
  given: 0,
});

const LOOK_MS = 10;
/** Of answers that take so many times as long as the best, fewer are asked for at once. */
const SLOW = 4;
const AGAIN: readonly number[] = [408, 409, 425, 429];

const isForGood = (outcome: Outcome): boolean =>
  outcome.kind === "refused" && outcome.status < 500 && !AGAIN.includes(outcome.status);

export type Step =
  | { readonly kind: "said"; readonly said: Said }
  | { readonly kind: "failed"; readonly code: "provider_refused" | "provider_away" };

export type Asking = {
  readonly gate: Gate;
  readonly wire: Wire;
  readonly breaks: Breaks;
  /** Told of each repetition. */
  readonly tellRetry: () => void;
  /** Told that it waits for a provider that is away, and that it does not any more. */
  readonly tellAway: (isAway: boolean) => void;
  /** Aborted when the toy stops. */
  readonly signal: AbortSignal;
};

/** One step: asks until there is an answer, or there is none to be had. */
export async function askPatiently(asking: Asking, body: unknown): Promise<Step> {
  const { gate: shared, breaks, wire, tellRetry, tellAway, signal } = asking;
  const gate = breaks.has("breaker.own") ? createGate() : shared;
  const startMs = performance.now();
  const isOver = (): boolean => performance.now() - startMs > OUTAGE.outageMsMax && !breaks.has("away.ever");
  const callsMax =
    breaks.has("retry.storm") || breaks.has("away.ever") ? Number.POSITIVE_INFINITY : callsOfStep(breaks);
  for (let calls = 1; calls <= callsMax; calls += 1) {
    const isProbe = await enter(gate, breaks, isOver, signal);
    if (isProbe === null) break;
    if (gate.late !== null && breaks.has("limit.stale") && gate.given < GIVEN_MAX) {
      gate.given += 1;
      return { kind: "said", said: gate.late };
    }
    const askedMs = performance.now();
    gate.inFlight += 1;
    const outcome = await askInTime(gate, wire, body, breaks);
    gate.inFlight -= 1;
    if (outcome.kind === "said") {
      noteSuccess(gate, breaks, isProbe, performance.now() - askedMs);
      const isLate = performance.now() - askedMs > SLOW * gate.bestMs;
      if (isLate && gate.late === null) gate.given = 0;
      gate.late = isLate ? outcome.said : null;
      tellAway(false);
      return outcome;
    }
    noteFailure(gate, breaks, isProbe, outcome);
    tellAway(true);
    if (isForGood(outcome) && !breaks.has("retry.refused"))
      return { kind: "failed", code: "provider_refused" };
    if (outcome.kind === "broken" && breaks.has("half.used")) return { kind: "said", said: outcome.half };
    if (outcome.kind === "broken" && breaks.has("half.ends")) break;
    const ownMs = breaks.has("after.own") ? (afterMs(outcome, breaks) ?? 0) : 0;
    if (calls < callsMax) await pause(Math.max(pauseMs(calls, breaks), ownMs), undefined, { signal });
    tellRetry();
  }
  return { kind: "failed", code: "provider_away" };
}

/** As often the toy that answers by itself does so before it asks again. */
const GIVEN_MAX = 3;
const HEDGED_LEAST_MS = 150;

/** Asks once; and a toy that cannot wait once more. */
async function askInTime(gate: Gate, wire: Wire, body: unknown, breaks: Breaks): Promise<Outcome> {
  const silenceMs = breaks.has("half.waits") ? null : wire.silenceMs;
  const first = askOver(wire, body, silenceMs);
  if (!breaks.has("limit.hedged")) return await first;
  const longMs = Math.max(HEDGED_LEAST_MS, 2 * Math.min(gate.bestMs, wire.silenceMs));
  const late = pause(longMs).then(() => null);
  const outcome = await Promise.race([first, late]);
  if (outcome !== null) return outcome;
  return await Promise.race([first, askOver(wire, body, silenceMs)]);
}

const callsOfStep = (breaks: Breaks): number => (breaks.has("turn.first") ? 1 : OUTAGE.stepCallsMax);

function pauseMs(calls: number, breaks: Breaks): number {
  if (breaks.has("retry.now") || breaks.has("retry.storm")) return 0;
  const most = Math.min(OUTAGE.baseMs * 2 ** (calls - 1), OUTAGE.pauseMsMax);
  return breaks.has("retry.fixed") ? most : Math.random() * most;
}

/** @returns whether it is a probe; null where the time is over before it may ask */
async function enter(
  gate: Gate,
  breaks: Breaks,
  isOver: () => boolean,
  signal: AbortSignal,
): Promise<boolean | null> {
  for (;;) {
    const now = performance.now();
    const isFull = gate.inFlight >= gate.limit && !breaks.has("limit.none");
    if (now >= gate.notBeforeMs && !isFull && gate.openUntilMs === null) return false;
    const isDue = gate.openUntilMs !== null && now >= gate.openUntilMs;
    if (isDue && (!gate.probing || breaks.has("breaker.all"))) {
      gate.probing = true;
      return true;
    }
    if (isOver()) return null;
    await pause(LOOK_MS, undefined, { signal });
  }
}

function noteSuccess(gate: Gate, breaks: Breaks, isProbe: boolean, tookMs: number): void {
  gate.failed = 0;
  gate.bestMs = Math.min(gate.bestMs, tookMs);
  if (isProbe) {
    Object.assign(gate, { openUntilMs: null, openMs: OUTAGE.openMs, probing: false, limit: 1 });
    if (breaks.has("breaker.herd")) gate.limit = OUTAGE.concurrencyMax;
    return;
  }
  if (breaks.has("limit.fixed")) return;
  const isSlow = tookMs > SLOW * gate.bestMs && !breaks.has("limit.errors");
  if (isSlow) gate.limit = Math.max(1, Math.floor(gate.limit / 2));
  else if (!breaks.has("limit.stuck")) gate.limit = Math.min(OUTAGE.concurrencyMax, gate.limit + 1);
}

function noteFailure(
  gate: Gate,
  breaks: Breaks,
  isProbe: boolean,
  outcome: Exclude<Outcome, { kind: "said" }>,
): void {
  const waitMs = breaks.has("after.own") ? null : afterMs(outcome, breaks);
  if (waitMs !== null) gate.notBeforeMs = Math.max(gate.notBeforeMs, performance.now() + waitMs);
  // Whoever asks the wrong thing, or too often, has found somebody there.
  const isSaid = outcome.kind === "refused" && outcome.status >= 500 && !breaks.has("breaker.silence");
  if (breaks.has("limit.errors")) gate.limit = Math.max(1, Math.floor(gate.limit / 2));
  const isAway = isSaid || (outcome.kind === "broken" && !breaks.has("breaker.answers"));
  if (isProbe) gate.probing = false;
  if (!isAway && !isProbe) return;
  gate.failed += 1;
  if (breaks.has("breaker.none")) return;
  if (isProbe) gate.openMs = Math.min(gate.openMs * 2, OUTAGE.openMsMax);
  if (isProbe || (gate.failed >= OUTAGE.failures && gate.openUntilMs === null))
    gate.openUntilMs = performance.now() + gate.openMs;
}

/** As long as the provider asks to be left alone; null where it does not. */
function afterMs(outcome: Outcome, breaks: Breaks): number | null {
  if (outcome.kind !== "refused" || breaks.has("after.none")) return null;
  if (breaks.has("after.limits") && outcome.status !== 429) return null;
  const { "retry-after": after, "retry-after-ms": millis, date } = outcome.headers;
  if (typeof millis === "string" && !breaks.has("after.millis")) return Number(millis);
  if (after === undefined) return null;
  if (/^\d+$/u.test(after)) return Number(after) * 1_000;
  const sinceMs = date === undefined ? Date.now() : Date.parse(date);
  return breaks.has("after.dates") ? null : Math.max(0, Date.parse(after) - sinceMs);
}
