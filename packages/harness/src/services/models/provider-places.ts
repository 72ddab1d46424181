// Calls of this process to one provider at the same time, and whose turn it is when a place comes free. A call can take
// minutes, so a tenant with many would hold every place for as long as it likes: whoever was turned away is remembered for
// a moment, and until it has come back nobody who holds as much as it or more takes a place before it.

import { newWindow, type Window } from "../../core/resilience/concurrency.ts";
import type { Clock } from "../../ports.ts";

/** Whoever was turned away looks again after a second or two, from the queue of runs. */
const WANTED_MS = 5_000;

type Waiter = { readonly who: string; readonly call: () => void };

export type Places = {
  window: Window;
  inFlight: number;
  readonly heldBy: Map<string, number>;
  readonly waiting: Waiter[];
  /** Who left a place last, and who was turned away. */
  last: string | null;
  wanted: { readonly by: string; readonly untilMs: number } | null;
};

export const newPlaces = (limitMax: number): Places => ({
  window: newWindow(limitMax),
  inFlight: 0,
  heldBy: new Map(),
  waiting: [],
  last: null,
  wanted: null,
});

const held = (places: Places, who: string): number => places.heldBy.get(who) ?? 0;

/** Also where the clock was set back since. */
const isOver = ({ untilMs }: NonNullable<Places["wanted"]>, nowMs: number): boolean =>
  untilMs <= nowMs || untilMs > nowMs + WANTED_MS;

function isFreeFor(places: Places, who: string, nowMs: number): boolean {
  if (places.inFlight >= Math.floor(places.window.limit)) return false;
  const { wanted, last } = places;
  if (wanted === null || wanted.by === who || isOver(wanted, nowMs)) return true;
  const holdsLess = held(places, who) < held(places, wanted.by);
  return holdsLess || (held(places, who) === 0 && last !== who);
}

function take(places: Places, who: string): void {
  places.inFlight += 1;
  places.heldBy.set(who, held(places, who) + 1);
  if (places.wanted?.by === who) places.wanted = null;
}

export type Taking = {
  readonly who: string;
  readonly holdMsMax: number;
  readonly signal: AbortSignal;
  /** What must be done first where it has to be waited for. */
  readonly beforeWait?: (() => Promise<void>) | undefined;
};

/** @returns false: there was none for so long as a worker may be held */
export async function takePlace(
  clock: Clock,
  places: Places,
  { who, holdMsMax, signal, beforeWait }: Taking,
): Promise<boolean> {
  const takeFree = (): boolean => {
    const nowMs = clock.now().getTime();
    const isMine =
      isFreeFor(places, who, nowMs) && !places.waiting.some((other) => isFreeFor(places, other.who, nowMs));
    if (isMine) take(places, who);
    return isMine;
  };
  if (takeFree()) return true;
  await beforeWait?.();
  if (takeFree()) return true;
  const called = new AbortController();
  const waiter: Waiter = { who, call: () => called.abort() };
  places.waiting.push(waiter);
  await clock.sleep(holdMsMax, AbortSignal.any([signal, called.signal]));
  // Who was called has been given a place already, so that nobody can take it in between.
  if (called.signal.aborted) return true;
  places.waiting.splice(places.waiting.indexOf(waiter), 1);
  if (!signal.aborted) remember(places, who, clock.now().getTime());
  return false;
}

// Of two that were turned away, the one that holds less.
function remember(places: Places, who: string, nowMs: number): void {
  const { wanted } = places;
  if (
    wanted === null ||
    isOver(wanted, nowMs) ||
    wanted.by === who ||
    held(places, who) < held(places, wanted.by)
  )
    places.wanted = { by: who, untilMs: nowMs + WANTED_MS };
}

// As many are called as there are places: one, as a rule. A success must not let loose a herd.
export function leavePlace(clock: Clock, places: Places, who: string): void {
  places.inFlight -= 1;
  const left = held(places, who) - 1;
  if (left > 0) places.heldBy.set(who, left);
  else places.heldBy.delete(who);
  places.last = who;
  for (;;) {
    const nowMs = clock.now().getTime();
    const next = places.waiting.findIndex((waiter) => isFreeFor(places, waiter.who, nowMs));
    const [waiter] = next === -1 ? [] : places.waiting.splice(next, 1);
    if (waiter === undefined) return;
    take(places, waiter.who);
    waiter.call();
  }
}
