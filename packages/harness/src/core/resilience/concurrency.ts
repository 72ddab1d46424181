// How many calls one process has at a provider at once: one more while all is well, fewer at once when answers fail or
// become slow (AIMD, RFC 5681 in small). A spike of latency so shrinks what we ask instead of filling our queue.

export type Window = {
  /** From 1 to the most; the whole part of it is how many may be in flight. */
  readonly limit: number;
  /** What a unit of work takes in good times, in ms; null before the first answer. */
  readonly usualMs: number | null;
  /** When it last shrank: calls that were in flight by then say the same thing once more. */
  readonly shrunkAtMs: number;
};

/** Begins small: after a start, or when a provider has come back, nobody knows how much it takes. */
export const newWindow = (limitMax: number): Window => ({
  limit: Math.min(2, limitMax),
  usualMs: null,
  shrunkAtMs: Number.NEGATIVE_INFINITY,
});

export type Measured = {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Calls in flight when this one ended, itself included. */
  readonly inFlight: number;
  /** Null: it failed in a way that more calls make worse. */
  readonly outputTokens: number | null;
};

/** A long answer takes longer than a short one and is no slower: time is told by unit, so many tokens and a beginning. */
const TOKENS_AT_ONCE = 100;
const unitMs = (ms: number, outputTokens: number): number => ms / (1 + outputTokens / TOKENS_AT_ONCE);

/** So many times the usual is slow. Answers vary by two or three by themselves. */
const SLOW_FACTOR = 4;
/** Below this nobody waits for anything, whatever is usual: a local model's first answer may be a cached one. */
const SLOW_MS_MIN = 1_000;
const SHRINK = 0.5;
/** The usual follows slowly upwards, and fast downwards. What is slow moves it least, or a slow hour would become the
 * measure of itself; but it does, for a provider may become slow for good. */
const RISE = 0.02;
const RISE_OF_SLOW = 0.002;
const FALL = 0.3;

export function afterCall(window: Window, measured: Measured, limitMax: number): Window {
  const unit =
    measured.outputTokens === null
      ? null
      : unitMs(measured.endedAtMs - measured.startedAtMs, measured.outputTokens);
  const { usualMs } = window;
  const isSlow = unit !== null && usualMs !== null && unit > Math.max(usualMs * SLOW_FACTOR, SLOW_MS_MIN);
  const learnt = learn(usualMs, unit, isSlow);
  if (unit === null || isSlow) {
    // One spike is one: of the calls that it caught only the first shrinks the window.
    // It shrank in a time that is still to come where the clock was set back since: that was another spike.
    const isSame = measured.startedAtMs < window.shrunkAtMs && window.shrunkAtMs <= measured.endedAtMs;
    if (isSame) return { ...window, usualMs: learnt };
    return { limit: Math.max(1, window.limit * SHRINK), usualMs: learnt, shrunkAtMs: measured.endedAtMs };
  }
  // Only a window that is used up to its limit shows that more would go well.
  const isFull = measured.inFlight >= Math.floor(window.limit);
  const limit = isFull ? Math.min(limitMax, window.limit + 1 / window.limit) : window.limit;
  return { ...window, limit, usualMs: learnt };
}

function learn(usualMs: number | null, unit: number | null, isSlow: boolean): number | null {
  if (unit === null || usualMs === null) return unit ?? usualMs;
  const rate = isSlow ? RISE_OF_SLOW : unit > usualMs ? RISE : FALL;
  return usualMs + (unit - usualMs) * rate;
}
