// Wakes whoever waits for a run's next event: at once where this process committed it, and else by looking. One query per
// tenant and tick for all who wait, none when nobody does, so it does not matter which process changed the run.

import type { RunId, TenantId } from "@assent/contract";
import type { Clock, Log, RunNews, Store } from "../ports.ts";

const TICK_MS = 200;

type Waiter = { readonly run: RunId; readonly after: number; readonly wake: () => void };

export type EventWatch = {
  /** Resolves when the run has a version above `after`, or is not there, or the signal is aborted. */
  wait(tenant: TenantId, run: RunId, after: number, signal: AbortSignal): Promise<void>;
};

export function createEventWatch(ports: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Left out where nothing is told of what is committed. */
  readonly news?: Pick<RunNews, "listen" | "newest">;
}): EventWatch {
  const waiting = new Map<TenantId, Set<Waiter>>();
  let ticking = false;

  const tick = async (): Promise<void> => {
    for (const [tenant, waiters] of waiting) {
      const runs = [...new Set([...waiters].map((waiter) => waiter.run))];
      const versions = await ports.store.transaction(tenant, async (tx) => await tx.runs.versions(runs));
      for (const waiter of waiters) {
        const version = versions.get(waiter.run);
        if (version === undefined || version > waiter.after) waiter.wake();
      }
    }
  };

  const run = async (): Promise<void> => {
    const never = new AbortController().signal;
    while (waiting.size > 0) {
      try {
        await tick();
      } catch (error) {
        ports.log("warn", "looking for events failed", {
          error: error instanceof Error ? error.message : "unknown",
        });
      }
      await ports.clock.sleep(TICK_MS, never);
    }
    ticking = false;
  };

  return {
    async wait(tenant, id, after, signal): Promise<void> {
      if (signal.aborted || (ports.news?.newest(id) ?? 0) > after) return;
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const waiter: Waiter = { run: id, after, wake: () => resolve(undefined) };
      const waiters = waiting.get(tenant) ?? new Set();
      waiting.set(tenant, waiters.add(waiter));
      signal.addEventListener("abort", waiter.wake, { once: true });
      const silence = ports.news?.listen(id, (version) => {
        if (version > after) waiter.wake();
      });
      if (!ticking) {
        ticking = true;
        void run();
      }
      try {
        await promise;
      } finally {
        silence?.();
        signal.removeEventListener("abort", waiter.wake);
        waiters.delete(waiter);
        if (waiters.size === 0) waiting.delete(tenant);
      }
    },
  };
}
