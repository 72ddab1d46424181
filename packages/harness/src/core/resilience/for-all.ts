// A tool's breaker for all tenants. What a tool answers may depend on who asks and with what, so one tenant can make it
// fail for itself, and that must shut it for nobody else. Each tenant has a breaker of its own; this one opens when those
// of two have opened, one soon after the other, and nobody had an answer in between. It has no probe: when its time is
// over each tenant's own breaker decides again, so that nobody can hold it open by failing first.

import { type Breaker, type BreakerSettings, CLOSED, leftMs, open, openMsMaxOf } from "./breaker.ts";

/** A word that nobody has confirmed for so long says nothing any more; who keeps failing says it again each minute. */
const WORD_MS_MAX = 120_000;

/** How long it is shut for everybody, in ms; 0: it is not. */
export const shutForAllMs = (
  { state, openUntil }: Breaker,
  now: Date,
  settings: Pick<BreakerSettings, "open_ms" | "open_ms_max">,
): number => (state === "open" ? leftMs(openUntil, now, openMsMaxOf(settings)) : 0);

/** @param voice whose own breaker has just opened */
export function afterWord(breaker: Breaker, voice: string, now: Date, settings: BreakerSettings): Breaker {
  if (shutForAllMs(breaker, now, settings) > 0) return breaker;
  const { since } = breaker;
  const isFresh = since !== null && Math.abs(now.getTime() - since.getTime()) <= WORD_MS_MAX;
  const heard: Breaker = {
    ...breaker,
    state: "closed",
    openUntil: null,
    failures: 1,
    reason: "tool_failing",
  };
  if (!isFresh || breaker.voice === null || breaker.voice === voice) return { ...heard, voice, since: now };
  return open({ ...heard, failures: 2, voice: null }, now, settings);
}

/** Somebody had an answer: it is well, whoever said otherwise. Null: nothing was said. */
export const afterAnswerToAny = (breaker: Breaker): Breaker | null =>
  breaker.state === "closed" && breaker.failures === 0 ? null : CLOSED;
