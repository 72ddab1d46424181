// Whose turn it is at a provider: a call can take minutes, and a tenant with many must not keep others from their first.

import { expect, test } from "vitest";
import { type Breaker, CLOSED } from "../../core/resilience/breaker.ts";
import { providerSettingsSchema } from "../../core/resilience/settings.ts";
import type { Clock } from "../../ports.ts";
import { createGates, type Gates, type Pass } from "./gates.ts";

const ANSWERED = { ended: "answered" } as const;
const HOLD_MS = 2_000;

/** Time stands still but for who waits, and for what a test lets pass. */
function gatesOf(places: number): {
  readonly gates: Gates;
  /** What another process has: only the rows are shared. */
  readonly again: (process?: { killed: boolean }) => Gates;
  readonly advance: (ms: number) => Promise<void>;
} {
  let nowMs = Date.UTC(2026, 0, 1);
  const sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();
  const wait: Clock["sleep"] = async (ms, signal) => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const sleeper = { untilMs: nowMs + ms, wake: () => resolve(undefined) };
    sleepers.add(sleeper);
    signal.addEventListener("abort", sleeper.wake);
    if (signal.aborted) sleeper.wake();
    await promise;
    sleepers.delete(sleeper);
  };
  // Of a killed process no sleep ends.
  const clockOf = (process: { killed: boolean }): Clock => ({
    now: () => new Date(nowMs),
    sleep: async (ms, signal) => {
      await wait(ms, signal);
      if (process.killed) await new Promise(() => undefined);
    },
  });
  const rows = new Map<string, Breaker>();
  let ids = 0;
  const open = (process = { killed: false }): Gates =>
    createGates({
      breakers: {
        read: async (name) => await Promise.resolve(rows.get(name) ?? CLOSED),
        list: async () => await Promise.resolve(rows),
        change: async (name, change) => {
          const before = rows.get(name) ?? CLOSED;
          const after = change(before) ?? before;
          rows.set(name, after);
          return await Promise.resolve({ breaker: after, changed: after !== before });
        },
      },
      clock: clockOf(process),
      random: {
        bytes: (count) => {
          ids += 1;
          return new Uint8Array(count).fill(ids);
        },
      },
      log: () => undefined,
      settings: providerSettingsSchema.parse({ concurrency_max: places, retries: { hold_ms_max: HOLD_MS } }),
    });
  return {
    gates: open(),
    again: open,
    advance: async (ms) => {
      nowMs += ms;
      for (const { untilMs, wake } of sleepers) if (untilMs <= nowMs) wake();
      await settled();
    },
  };
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

const never = new AbortController().signal;

/** A call that is under way, waits, or was turned away. */
function call(gates: Gates, who: string): { readonly state: () => string; end(): Promise<void> } {
  let state = "waits";
  let pass: Pass | null = null;
  void (async () => {
    const entered = await gates.enter("openai", { who, isRetry: false, signal: never });
    state = entered.ok ? "called" : entered.error.code;
    pass = entered.ok ? entered.value : null;
  })();
  return {
    state: () => state,
    async end() {
      await pass?.leave(ANSWERED, 1);
      await settled();
    },
  };
}

test.each([1, 2])(
  "of %i places one comes free for who was turned away, and not for who holds the others",
  async (places) => {
    const { gates, advance } = gatesOf(places);
    const busy = Array.from({ length: places }, () => call(gates, "busy"));
    await settled();
    const turnedAway = call(gates, "other");
    await settled();
    await advance(HOLD_MS);
    expect(turnedAway.state()).toBe("provider_busy");
    // Now that it is gone a place comes free, and whoever has the most calls is there first.
    await busy[0]?.end();
    const greedy = call(gates, "busy");
    await settled();
    expect(greedy.state()).toBe("waits");
    const back = call(gates, "other");
    await settled();
    expect(back.state()).toBe("called");
    await back.end();
    // It was served: what is free is anybody's again.
    expect(greedy.state()).toBe("called");
  },
);

test("a place is not kept free for one that does not come back", async () => {
  const { gates, advance } = gatesOf(1);
  const busy = call(gates, "busy");
  await settled();
  const gone = call(gates, "other");
  await settled();
  await advance(HOLD_MS);
  expect(gone.state()).toBe("provider_busy");
  await busy.end();
  await advance(5_000);
  const next = call(gates, "busy");
  await settled();
  expect(next.state()).toBe("called");
});

test("one that is turned away while it holds the most keeps nobody from a second place", async () => {
  const { gates, advance } = gatesOf(2);
  const many = call(gates, "many");
  const other = call(gates, "other");
  await settled();
  const more = call(gates, "many");
  await settled();
  await advance(HOLD_MS);
  expect(more.state()).toBe("provider_busy");
  await other.end();
  const back = call(gates, "other");
  await settled();
  expect([many.state(), back.state()]).toEqual(["called", "called"]);
});

test("of two that were turned away the one that holds less comes first", async () => {
  const { gates, advance } = gatesOf(2);
  const many = call(gates, "many");
  const other = call(gates, "other");
  await settled();
  const more = call(gates, "many");
  await settled();
  await advance(HOLD_MS);
  const third = call(gates, "third");
  await settled();
  await advance(HOLD_MS);
  expect([more.state(), third.state()]).toEqual(["provider_busy", "provider_busy"]);
  await many.end();
  const again = call(gates, "many");
  await settled();
  const back = call(gates, "third");
  await settled();
  expect([other.state(), again.state(), back.state()]).toEqual(["called", "waits", "called"]);
});

test("who waits is called in turn, and a place that one may not take is not kept from the next", async () => {
  const { gates, advance } = gatesOf(1);
  const first = call(gates, "busy");
  await settled();
  const turnedAway = call(gates, "other");
  await settled();
  await advance(HOLD_MS);
  expect(turnedAway.state()).toBe("provider_busy");
  const [again, third] = [call(gates, "busy"), call(gates, "third")];
  await settled();
  await first.end();
  expect([again.state(), third.state()]).toEqual(["waits", "called"]);
});

test("a prober that was killed is waited for some seconds; one that lives, for as long as its call takes", async () => {
  const { gates, again, advance } = gatesOf(8);
  for (let failure = 0; failure < 5; failure += 1) {
    const entered = await gates.enter("openai", { who: "a", isRetry: false, signal: never });
    if (!entered.ok) throw new Error("it is closed still");
    await entered.value.leave({ ended: "failed", code: "provider_unavailable", retryAfterMs: null }, null);
  }
  await advance(5_000);
  const process = { killed: false };
  const killed = again(process);
  const probing = call(killed, "a");
  await settled();
  expect(probing.state()).toBe("called");
  // It lives, and says so: nobody else probes, however long the call takes.
  for (let seconds = 0; seconds < 120; seconds += 5) {
    await advance(5_000);
    const turnedAway = call(again(), "b");
    await settled();
    expect([seconds, turnedAway.state()]).toEqual([seconds, "provider_open"]);
  }
  process.killed = true;
  await advance(20_000);
  const next = call(again(), "b");
  await settled();
  expect(next.state()).toBe("called");
  // What the killed one would say now decides nothing.
  await probing.end();
  const third = call(again(), "c");
  await settled();
  expect(third.state()).toBe("provider_open");
  await next.end();
  const fourth = call(again(), "c");
  await settled();
  expect(fourth.state()).toBe("called");
});

test("what is known of tenants' own ways is bounded, and nothing that somebody is on is forgotten", async () => {
  const { gates } = gatesOf(1);
  const held = await gates.enter("own-0", { who: "a", isRetry: false, signal: never });
  gates.awaySince("openai");
  for (let i = 1; i < 4_095; i += 1) gates.awaySince(`own-${i}`);
  const known = async (): Promise<ReadonlySet<string>> =>
    new Set((await gates.list("own-")).map(({ provider }) => provider));
  expect([held.ok, (await known()).size]).toEqual([true, 4_096]);
  gates.awaySince("own-more");
  gates.awaySince("own-most");
  const after = await known();
  expect(after.size).toBe(4_096);
  expect(
    ["own-0", "own-1", "own-2", "own-3", "own-more", "openai"].filter((name) => after.has(name)),
  ).toEqual(["own-0", "own-3", "own-more", "openai"]);
});
