// Wakes whoever waits for a run's next event: at once where this process committed it, and else by looking, which is done
// at once, and of that run only, where another process says so. One query per tenant and tick for all who wait, none when
// nobody does, so it does not matter which process changed the run.

import type { RunId, TenantId } from "@assent/contract";
import type { Clock, Listener, Log, RunNews } from "../ports.ts";

const TICK_MS = 200;

type Waiter = { readonly run: RunId; readonly after: number; readonly wake: () => void };

export type EventWatch = {
  /** Resolves when the run has a version above `after`, or is not there, or the signal is aborted. */
  wait(tenant: TenantId, run: RunId, after: number, signal: AbortSignal, who: Listener): Promise<void>;
};

export type EventWatchPorts = {
  /** Of those that are there. */
  readonly versions: (
    this: void,
    tenant: TenantId,
    runs: readonly RunId[],
  ) => Promise<ReadonlyMap<RunId, number>>;
  readonly clock: Clock;
  readonly log: Log;
  /** Left out where nothing is told of what is committed. */
  readonly news?: Pick<RunNews, "listen" | "newest">;
};

export function createEventWatch(ports: EventWatchPorts): EventWatch {
  const waiting = new Map<TenantId, Set<Waiter>>();
  let ticking = false;
  const never = new AbortController().signal;

  const look = async (tenant: TenantId, isMeant: (run: RunId) => boolean): Promise<void> => {
    const waiters = [...(waiting.get(tenant) ?? [])].filter((waiter) => isMeant(waiter.run));
    if (waiters.length === 0) return;
    const versions = await ports.versions(tenant, [...new Set(waiters.map((waiter) => waiter.run))]);
    for (const waiter of waiters) {
      const version = versions.get(waiter.run);
      if (version === undefined || version > waiter.after) waiter.wake();
    }
  };

  const unlessItFails = async (looks: () => Promise<void>): Promise<void> => {
    try {
      await looks();
    } catch (error) {
      ports.log("warn", "looking for events failed", {
        error: error instanceof Error ? error.message : "unknown",
      });
    }
  };

  const run = async (): Promise<void> => {
    while (waiting.size > 0) {
      await unlessItFails(async () => {
        for (const tenant of waiting.keys()) await look(tenant, () => true);
      });
      await ports.clock.sleep(TICK_MS, never);
    }
    ticking = false;
  };

  const hint = gathered(async (hinted) => {
    await unlessItFails(async () => {
      for (const [tenant, runs] of hinted) await look(tenant, (one) => runs.has(one));
    });
  });

  return {
    async wait(tenant, id, after, signal, who): Promise<void> {
      if (signal.aborted || (ports.news?.newest(id) ?? 0) > after) return;
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const waiter: Waiter = { run: id, after, wake: () => resolve(undefined) };
      const waiters = waiting.get(tenant) ?? new Set();
      waiting.set(tenant, waiters.add(waiter));
      signal.addEventListener("abort", waiter.wake, { once: true });
      const silence = ports.news?.listen(
        id,
        (version) => {
          if (version === null) hint(tenant, id);
          else if (version > after) waiter.wake();
        },
        who,
      );
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

/**
 * Whoever can say something of a run can say it without end: there is one look at a time, for all that was said before it.
 * @param lookAt does not reject
 */
function gathered(
  lookAt: (said: ReadonlyMap<TenantId, ReadonlySet<RunId>>) => Promise<void>,
): (tenant: TenantId, run: RunId) => void {
  let said = new Map<TenantId, Set<RunId>>();
  let isLooking = false;
  const lookAtAll = async (): Promise<void> => {
    // All that is said at once is one look.
    await Promise.resolve();
    while (said.size > 0) {
      const now = said;
      said = new Map();
      await lookAt(now);
    }
    isLooking = false;
  };
  return (tenant, run) => {
    said.set(tenant, (said.get(tenant) ?? new Set()).add(run));
    if (isLooking) return;
    isLooking = true;
    void lookAtAll();
  };
}
