// When nobody asks a provider any more, and who asks first again. Pure: the state lies in the database, so that a fleet
// shares it and a restart remembers it. A library's breaker lives in one process and reads one clock (spec/libraries.md).

import type { ProviderSettings } from "./settings.ts";

export type Breaker = {
  readonly state: "closed" | "open" | "half_open";
  /** Failures beyond successes since it was last closed. */
  readonly failures: number;
  /** Times in a row that it has opened. */
  readonly openings: number;
  readonly openUntil: Date | null;
  /** Who probes, and until when it is waited for: a prober may die. */
  readonly probe: { readonly by: string; readonly until: Date } | null;
  /** The provider itself asked for a pause (Retry-After): until then nobody calls, whatever the state. */
  readonly pausedUntil: Date | null;
  /** When the failures began that it has not recovered from; null while it is well. */
  readonly since: Date | null;
  /** The code of the newest failure; null after a recovery. */
  readonly reason: string | null;
  /** Of a breaker for all tenants: whose word it has heard; null where there is none, and of every other breaker. */
  readonly voice: string | null;
};

export const CLOSED: Breaker = {
  state: "closed",
  failures: 0,
  openings: 0,
  openUntil: null,
  probe: null,
  pausedUntil: null,
  since: null,
  reason: null,
  voice: null,
};

export type BreakerSettings = ProviderSettings["breaker"];

const after = (now: Date, ms: number): Date => new Date(now.getTime() + ms);

/** How long a caller has to wait, in ms; `probe`: the caller may be the one that probes. */
export type Entry =
  | { readonly enter: "yes" }
  | { readonly enter: "probe" }
  | { readonly enter: "no"; readonly waitMs: number; readonly why: "paused" | "open" | "probing" };

export function entryOf(breaker: Breaker, now: Date, openMsMax: number = DAY_MS): Entry {
  const pausedMs = leftMs(breaker.pausedUntil, now, PAUSED_MS_MAX);
  if (pausedMs > 0) return { enter: "no", waitMs: pausedMs, why: "paused" };
  if (breaker.state === "closed") return { enter: "yes" };
  if (breaker.state === "half_open" && leftMs(breaker.probe?.until ?? null, now, PROBE_MS) > 0)
    return { enter: "no", waitMs: PROBED_MS, why: "probing" };
  const openMs = leftMs(breaker.openUntil, now, openMsMax);
  if (breaker.state === "open" && openMs > 0) return { enter: "no", waitMs: openMs, why: "open" };
  return { enter: "probe" };
}

const DAY_MS = 86_400_000;
/** No pause that is asked for is heard for longer (adapters/models/limits.ts, core/resilience/passing.ts). */
const PAUSED_MS_MAX = 3_600_000;
/** Processes that share a database may be as far apart. */
const CLOCKS_MS_MAX = 5_000;

/** The longest that a breaker is open. */
export const openMsMaxOf = ({
  open_ms,
  open_ms_max,
}: Pick<BreakerSettings, "open_ms" | "open_ms_max">): number => Math.max(open_ms, open_ms_max);

/**
 * How long until then; 0 where it is over, or further ahead than it was ever set: then the clock was set back since, and
 * nobody waits until it is there again.
 */
export function leftMs(until: Date | null, now: Date, most: number): number {
  const ms = until === null ? 0 : until.getTime() - now.getTime();
  return ms > most + CLOCKS_MS_MAX ? 0 : Math.max(ms, 0);
}

/** While somebody probes nobody knows how long it takes; looked at again after this. */
const PROBED_MS = 250;

/**
 * A prober says again and again that it lives, for as long as its call takes: one that was killed keeps nobody from the
 * provider for longer than this. Clocks may be 5 s apart.
 */
export const PROBE_MS = 20_000;
export const PROBE_RENEWED_MS = 5_000;

/** Makes the caller the one prober, or null: somebody else was first. */
export function takeProbe(breaker: Breaker, by: string, now: Date, openMsMax?: number): Breaker | null {
  if (entryOf(breaker, now, openMsMax).enter !== "probe") return null;
  return { ...breaker, state: "half_open", probe: { by, until: after(now, PROBE_MS) } };
}

/** The prober lives. Null: it is not the prober any more. */
export function renewProbe(breaker: Breaker, by: string, now: Date): Breaker | null {
  if (breaker.state !== "half_open" || breaker.probe?.by !== by) return null;
  return { ...breaker, probe: { by, until: after(now, PROBE_MS) } };
}

/** `failed`: with what, and the pause that was asked for, in ms. `unknown`: given up by ourselves, which says nothing. */
export type Ending =
  | { readonly ended: "answered" }
  | { readonly ended: "failed"; readonly code: string; readonly retryAfterMs: number | null }
  | { readonly ended: "unknown" };

/**
 * After a call. `probe`: by whom, where it was one. What a call says that began before the breaker opened decides
 * nothing any more: only the prober closes it, or opens it again.
 */
export function afterCall(
  breaker: Breaker,
  ending: Ending,
  probe: string | null,
  now: Date,
  settings: BreakerSettings,
): Breaker {
  const own = breaker.state === "half_open" && probe !== null && breaker.probe?.by === probe;
  if (ending.ended === "unknown")
    // The next caller may probe at once.
    return own ? { ...breaker, state: "open", probe: null, openUntil: now } : breaker;
  if (ending.ended === "answered") {
    if (own) return CLOSED;
    if (breaker.state !== "closed" || breaker.failures === 0) return breaker;
    // The last of them made good: it is well, whatever pause is still to be kept.
    const { pausedUntil } = breaker;
    return breaker.failures === 1
      ? { ...CLOSED, pausedUntil }
      : { ...breaker, failures: breaker.failures - 1 };
  }
  const paused = pause(breaker, ending.retryAfterMs, now);
  const since = breaker.since ?? now;
  const failed: Breaker = { ...breaker, pausedUntil: paused, since, reason: ending.code };
  if (own) return open(failed, now, settings);
  if (breaker.state !== "closed") return { ...breaker, pausedUntil: paused };
  const failures = breaker.failures + 1;
  return failures >= settings.failures
    ? open({ ...failed, failures }, now, settings)
    : { ...failed, failures };
}

function pause(breaker: Breaker, retryAfterMs: number | null, now: Date): Date | null {
  if (retryAfterMs === null || retryAfterMs === 0) return breaker.pausedUntil;
  const until = after(now, retryAfterMs);
  return leftMs(breaker.pausedUntil, now, PAUSED_MS_MAX) > until.getTime() - now.getTime()
    ? breaker.pausedUntil
    : until;
}

/** Opened once more, for longer than the last time. */
export function open(breaker: Breaker, now: Date, { open_ms, open_ms_max }: BreakerSettings): Breaker {
  const openMs = Math.min(
    open_ms * 2 ** Math.min(breaker.openings, 30),
    openMsMaxOf({ open_ms, open_ms_max }),
  );
  return {
    ...breaker,
    state: "open",
    probe: null,
    openings: breaker.openings + 1,
    openUntil: after(now, openMs),
  };
}
