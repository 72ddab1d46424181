// The way into a provider, for every call of this process: past its breaker, within its window, within its budget of
// repetitions. What the breaker says is the whole installation's; window and budget are this process's own.

import { err, ok, type Result } from "../../base/result.ts";
import {
  afterCall as afterCallOfBreaker,
  type Breaker,
  type Ending,
  type Entry,
  entryOf,
  openMsMaxOf,
  PROBE_RENEWED_MS,
  renewProbe,
  takeProbe,
} from "../../core/resilience/breaker.ts";
import { afterCall as afterCallOfWindow } from "../../core/resilience/concurrency.ts";
import {
  afterFirst,
  newRetryBudget,
  type RetryBudget,
  retryWaitMs,
  takeRetry,
} from "../../core/resilience/retry-budget.ts";
import { type ProviderSettings, settingsFor } from "../../core/resilience/settings.ts";
import { uuidV7 } from "../../core/uuid.ts";
import { leavePlace, newPlaces, type Places, takePlace } from "./provider-places.ts";
import { type Breakers, type Clock, type Log, OWN_BREAKERS, type Random } from "../../ports.ts";

/** What another process has learnt is known here after this long at most, and asked for only where a call is to be made. */
const KNOWN_MS_MAX = 500;

/** A caller that gets no place is told to come back after this long. */
const BUSY_MS = 1_000;

/** A call is under way. Whoever holds one must leave, once, however the call ends. */
export type Pass = {
  /**
   * @param outputTokens of an answer, for the measure of its time; null where there is none
   * @returns whether the breaker opened by it
   */
  leave(ending: Ending, outputTokens: number | null): Promise<boolean>;
};

export type Shut = { readonly code: ShutCode; readonly detail: string; readonly waitMs: number };
export type ShutCode = "provider_open" | "provider_paused" | "provider_busy" | "provider_retries_spent";

export type GateView = {
  readonly provider: string;
  readonly breaker: Breaker;
  /** Of this process. */
  readonly inFlight: number;
  readonly concurrencyMax: number;
};

export type Entering = {
  /** Whose call it is: those who call the same provider take turns. */
  readonly who: string;
  readonly isRetry: boolean;
  readonly signal: AbortSignal;
  /** What must be done first where it has to be waited for. */
  readonly beforeWait?: () => Promise<void>;
};

export type Gates = {
  /** Waits for a place, at most as long as a worker may be held. */
  enter(provider: string, entering: Entering): Promise<Result<Pass, Shut>>;
  /** Since when the provider has been failing, as far as this process knows; null: it is well. */
  awaySince(provider: string): Date | null;
  /** Its breaker as it was half a second ago at most; nothing is taken, and nothing has to be left. */
  look(provider: string): Promise<Breaker>;
  /** Tells a breaker what is known otherwise than by a call through this gate. Never throws. */
  tell(provider: string, change: (before: Breaker) => Breaker | null): Promise<void>;
  /** @param own also those of one tenant, by what their names begin with */
  list(own?: string): Promise<readonly GateView[]>;
};

export type GatePorts = {
  readonly breakers: Breakers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly settings: ProviderSettings;
};

/** One provider as this process knows it. */
type Local = {
  known: { readonly breaker: Breaker; readonly atMs: number } | null;
  retries: RetryBudget;
  readonly places: Places;
};

export function createGates(ports: GatePorts): Gates {
  const locals = new Map<string, Local>();
  const localOf = (provider: string): Local => {
    const found = locals.get(provider);
    if (found !== undefined) return found;
    const made: Local = {
      known: null,
      retries: newRetryBudget(ports.clock.now().getTime()),
      places: newPlaces(settingsFor(ports.settings, provider).concurrency_max),
    };
    if (locals.size >= LOCALS_MAX) forgetIdle(locals);
    locals.set(provider, made);
    return made;
  };
  return {
    enter: async (provider, entering) => await enter(ports, provider, localOf(provider), entering),
    awaySince: (provider) => localOf(provider).known?.breaker.since ?? null,
    look: async (provider) => await look(ports, provider, localOf(provider)),
    tell: async (provider, change) => {
      await tell(ports, provider, localOf(provider), change);
    },
    async list(own) {
      const stored = await ports.breakers.list(own);
      const isShown = (name: string): boolean =>
        !name.startsWith(OWN_BREAKERS) || (own !== undefined && name.startsWith(own));
      const names = new Set([...stored.keys(), ...[...locals.keys()].filter(isShown)]);
      return await Promise.all(
        [...names].toSorted().map(async (provider) => {
          const { inFlight, window } = localOf(provider).places;
          const breaker = stored.get(provider) ?? (await ports.breakers.read(provider));
          return { provider, breaker, inFlight, concurrencyMax: Math.floor(window.limit) };
        }),
      );
    },
  };
}

/** Tenants' own ways to tools are as many as both together. */
const LOCALS_MAX = 4_096;

// The oldest that nobody is on: what it knew is in the database, but for its window and its repetitions.
function forgetIdle(locals: Map<string, Local>): void {
  for (const [name, { places }] of locals) {
    const isIdle = places.inFlight === 0 && places.waiting.length === 0;
    if (!isIdle || !name.startsWith(OWN_BREAKERS)) continue;
    locals.delete(name);
    return;
  }
}

async function enter(
  ports: GatePorts,
  provider: string,
  local: Local,
  entering: Entering,
): Promise<Result<Pass, Shut>> {
  const { clock } = ports;
  const { who, signal, beforeWait } = entering;
  // Asked before a place is waited for, and again with it: the wait may have outlasted what was known.
  const early = entryOf(await look(ports, provider, local), clock.now(), openMsMax(ports, provider));
  if (early.enter === "no") return err(shutBy(provider, early));
  const holdMsMax = ports.settings.retries.hold_ms_max;
  if (!(await takePlace(clock, local.places, { who, holdMsMax, signal, beforeWait })))
    return err({
      code: "provider_busy",
      detail: `All calls to ${provider} that it takes at once are under way.`,
      waitMs: BUSY_MS,
    });
  try {
    const entered = await pass(ports, provider, local, entering);
    if (!entered.ok) leavePlace(clock, local.places, who);
    return entered;
  } catch (error) {
    leavePlace(clock, local.places, who);
    throw error;
  }
}

async function pass(
  ports: GatePorts,
  provider: string,
  local: Local,
  { who, isRetry }: Entering,
): Promise<Result<Pass, Shut>> {
  const { clock, settings, random } = ports;
  const now = clock.now();
  const entry = entryOf(await look(ports, provider, local), now, openMsMax(ports, provider));
  if (entry.enter === "no") return err(shutBy(provider, entry));
  let probe: string | null = null;
  if (entry.enter === "probe") {
    const by = uuidV7(now, random.bytes(10));
    const { breaker, changed } = await ports.breakers.change(provider, (before) =>
      takeProbe(before, by, now, openMsMax(ports, provider)),
    );
    know(local, breaker, now);
    if (!changed) return err(shutBy(provider, { enter: "no", waitMs: BUSY_MS, why: "probing" }));
    probe = by;
  } else if (isRetry) {
    const left = takeRetry(local.retries, now.getTime());
    if (left === null)
      return err({
        code: "provider_retries_spent",
        detail: `Of the calls to ${provider} too many are repetitions already.`,
        waitMs: retryWaitMs(local.retries, now.getTime()),
      });
    local.retries = left;
  } else local.retries = afterFirst(local.retries, settings.retries.provider_ratio, now.getTime());
  const startedAtMs = now.getTime();
  const left = new AbortController();
  if (probe !== null) void keepProbe(ports, provider, probe, left.signal);
  return ok({
    leave: async (ending, outputTokens) => {
      left.abort();
      measure(ports, provider, local, startedAtMs, ending, outputTokens);
      leavePlace(clock, local.places, who);
      return await report(ports, provider, local, ending, probe);
    },
  });
}

const openMsMax = ({ settings }: GatePorts, provider: string): number =>
  openMsMaxOf(settingsFor(settings, provider).breaker);

/** For as long as the call may take: one that was forgotten is no prober for ever. */
async function keepProbe(ports: GatePorts, provider: string, by: string, left: AbortSignal): Promise<void> {
  const { breakers, clock, settings } = ports;
  const untilMs = clock.now().getTime() + settings.call_ms_max;
  for (;;) {
    await clock.sleep(PROBE_RENEWED_MS, left);
    const now = clock.now();
    if (left.aborted || now.getTime() >= untilMs) return;
    try {
      const { changed } = await breakers.change(provider, (before) => renewProbe(before, by, now));
      if (!changed) return;
    } catch (error) {
      ports.log("warn", "a breaker could not be told", {
        provider,
        error: error instanceof Error ? error.message : "unknown",
      });
    }
  }
}

const WORDS = {
  open: ["provider_open", "failed too often and is left alone for a while"],
  probing: ["provider_open", "is being tried by another call"],
  paused: ["provider_paused", "asked for a pause"],
} as const satisfies Record<string, readonly [ShutCode, string]>;

function shutBy(provider: string, { why, waitMs }: Extract<Entry, { enter: "no" }>): Shut {
  const [code, what] = WORDS[why];
  return { code, detail: `The provider ${provider} ${what}.`, waitMs };
}

function know(local: Local, breaker: Breaker, now: Date): void {
  const was = local.known?.breaker.state ?? "closed";
  // Back again: what it can take is found out anew, or all who waited would fall upon it at once.
  if (was !== "closed" && breaker.state === "closed")
    local.places.window = { ...local.places.window, limit: 1, shrunkAtMs: now.getTime() };
  local.known = { breaker, atMs: now.getTime() };
}

async function look(ports: GatePorts, provider: string, local: Local): Promise<Breaker> {
  const now = ports.clock.now();
  const ageMs = local.known === null ? null : Math.abs(now.getTime() - local.known.atMs);
  if (local.known !== null && ageMs !== null && ageMs < KNOWN_MS_MAX) return local.known.breaker;
  const breaker = await ports.breakers.read(provider);
  know(local, breaker, now);
  return breaker;
}

function measure(
  { clock, settings }: GatePorts,
  provider: string,
  local: Local,
  startedAtMs: number,
  ending: Ending,
  outputTokens: number | null,
): void {
  // Given up by ourselves, or refused at once: neither says how much the provider can take.
  if (ending.ended === "unknown" || (ending.ended === "answered" && outputTokens === null)) return;
  const endedAtMs = clock.now().getTime();
  local.places.window = afterCallOfWindow(
    local.places.window,
    {
      startedAtMs,
      endedAtMs,
      inFlight: local.places.inFlight,
      outputTokens: ending.ended === "failed" ? null : outputTokens,
    },
    settingsFor(settings, provider).concurrency_max,
  );
}

// Never throws: the answer that the call brought is worth more than what the breaker would learn from it.
async function report(
  ports: GatePorts,
  provider: string,
  local: Local,
  ending: Ending,
  probe: string | null,
): Promise<boolean> {
  const isNews =
    probe !== null ||
    ending.ended === "failed" ||
    (ending.ended === "answered" && (local.known?.breaker.failures ?? 0) > 0);
  if (!isNews) return false;
  const now = ports.clock.now();
  return await tell(ports, provider, local, (before) =>
    afterCallOfBreaker(before, ending, probe, now, settingsFor(ports.settings, provider).breaker),
  );
}

// Never throws, as above. @returns whether it opened by it
async function tell(
  { breakers, clock, log }: GatePorts,
  provider: string,
  local: Local,
  change: (before: Breaker) => Breaker | null,
): Promise<boolean> {
  try {
    const was: Breaker["state"][] = [];
    const { breaker, changed } = await breakers.change(provider, (before) => {
      was.push(before.state);
      return change(before);
    });
    const { state, reason } = breaker;
    know(local, breaker, clock.now());
    if (!changed || was.at(-1) === state) return false;
    log(state === "closed" ? "info" : "warn", "a provider's breaker changed", { provider, state, reason });
    return state === "open";
  } catch (error) {
    log("warn", "a breaker could not be told", {
      provider,
      error: error instanceof Error ? error.message : "unknown",
    });
    return false;
  }
}
