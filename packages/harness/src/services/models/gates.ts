// The way into a provider, for every call of this process: past its breaker, within its window, within its budget of
// repetitions. What the breaker says is the whole installation's; window and budget are this process's own.

import { err, ok, type Result } from "../../base/result.ts";
import {
  afterCall as afterCallOfBreaker,
  type Breaker,
  type Ending,
  type Entry,
  entryOf,
  takeProbe,
} from "../../core/resilience/breaker.ts";
import { afterCall as afterCallOfWindow, newWindow, type Window } from "../../core/resilience/concurrency.ts";
import {
  afterFirst,
  newRetryBudget,
  type RetryBudget,
  retryWaitMs,
  takeRetry,
} from "../../core/resilience/retry-budget.ts";
import { type ProviderSettings, settingsFor } from "../../core/resilience/settings.ts";
import { uuidV7 } from "../../core/uuid.ts";
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

export type Gates = {
  /**
   * Waits for a place, at most as long as a worker may be held.
   * @param beforeWait what must be done first where it has to be waited for
   */
  enter(
    provider: string,
    isRetry: boolean,
    signal: AbortSignal,
    beforeWait?: () => Promise<void>,
  ): Promise<Result<Pass, Shut>>;
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
  window: Window;
  retries: RetryBudget;
  inFlight: number;
  readonly waiting: (() => void)[];
};

export function createGates(ports: GatePorts): Gates {
  const locals = new Map<string, Local>();
  const localOf = (provider: string): Local => {
    const found = locals.get(provider);
    if (found !== undefined) return found;
    const made: Local = {
      known: null,
      window: newWindow(settingsFor(ports.settings, provider).concurrency_max),
      retries: newRetryBudget(ports.clock.now().getTime()),
      inFlight: 0,
      waiting: [],
    };
    if (locals.size >= LOCALS_MAX) forgetIdle(locals);
    locals.set(provider, made);
    return made;
  };
  return {
    enter: async (provider, isRetry, signal, beforeWait) =>
      await enter(ports, provider, localOf(provider), isRetry, signal, beforeWait),
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
          const { inFlight, window } = localOf(provider);
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
  for (const [name, { inFlight, waiting }] of locals) {
    if (!name.startsWith(OWN_BREAKERS) || inFlight > 0 || waiting.length > 0) continue;
    locals.delete(name);
    return;
  }
}

async function enter(
  ports: GatePorts,
  provider: string,
  local: Local,
  isRetry: boolean,
  signal: AbortSignal,
  beforeWait?: () => Promise<void>,
): Promise<Result<Pass, Shut>> {
  const { clock } = ports;
  // Asked before a place is waited for, and again with it: the wait may have outlasted what was known.
  const early = entryOf(await look(ports, provider, local), clock.now());
  if (early.enter === "no") return err(shutBy(provider, early));
  if (!(await takePlace(ports, local, signal, beforeWait)))
    return err({
      code: "provider_busy",
      detail: `All calls to ${provider} that it takes at once are under way.`,
      waitMs: BUSY_MS,
    });
  try {
    const entered = await pass(ports, provider, local, isRetry);
    if (!entered.ok) leavePlace(local);
    return entered;
  } catch (error) {
    leavePlace(local);
    throw error;
  }
}

async function pass(
  ports: GatePorts,
  provider: string,
  local: Local,
  isRetry: boolean,
): Promise<Result<Pass, Shut>> {
  const { clock, settings, random } = ports;
  const now = clock.now();
  const entry = entryOf(await look(ports, provider, local), now);
  if (entry.enter === "no") return err(shutBy(provider, entry));
  let probe: string | null = null;
  if (entry.enter === "probe") {
    const by = uuidV7(now, random.bytes(10));
    const { breaker, changed } = await ports.breakers.change(provider, (before) =>
      takeProbe(before, by, now, settings.call_ms_max),
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
  return ok({
    leave: async (ending, outputTokens) => {
      measure(ports, provider, local, startedAtMs, ending, outputTokens);
      leavePlace(local);
      return await report(ports, provider, local, ending, probe);
    },
  });
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
    local.window = { ...local.window, limit: 1, shrunkAtMs: now.getTime() };
  local.known = { breaker, atMs: now.getTime() };
}

async function look(ports: GatePorts, provider: string, local: Local): Promise<Breaker> {
  const now = ports.clock.now();
  if (local.known !== null && now.getTime() - local.known.atMs < KNOWN_MS_MAX) return local.known.breaker;
  const breaker = await ports.breakers.read(provider);
  know(local, breaker, now);
  return breaker;
}

// --- places ------------------------------------------------------------------------------------------------------

const isFree = ({ inFlight, window }: Local): boolean => inFlight < Math.floor(window.limit);

async function takePlace(
  { clock, settings }: GatePorts,
  local: Local,
  signal: AbortSignal,
  beforeWait?: () => Promise<void>,
): Promise<boolean> {
  const takeFree = (): boolean => {
    const isMine = isFree(local) && local.waiting.length === 0;
    if (isMine) local.inFlight += 1;
    return isMine;
  };
  if (takeFree()) return true;
  await beforeWait?.();
  if (takeFree()) return true;
  const called = new AbortController();
  const call = (): void => {
    called.abort();
  };
  local.waiting.push(call);
  await clock.sleep(settings.retries.hold_ms_max, AbortSignal.any([signal, called.signal]));
  // Who was called has been given a place already, so that nobody can take it in between.
  if (called.signal.aborted) return true;
  local.waiting.splice(local.waiting.indexOf(call), 1);
  return false;
}

// As many are called as there are places: one, as a rule. A success must not let loose a herd.
function leavePlace(local: Local): void {
  local.inFlight -= 1;
  while (isFree(local)) {
    const call = local.waiting.shift();
    if (call === undefined) return;
    local.inFlight += 1;
    call();
  }
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
  local.window = afterCallOfWindow(
    local.window,
    {
      startedAtMs,
      endedAtMs,
      inFlight: local.inFlight,
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
