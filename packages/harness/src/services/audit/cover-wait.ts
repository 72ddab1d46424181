// How long an answer waits for the checkpoint that covers what it tells of, and when it looks for that.

import type { TenantId } from "@assent/contract";
import type { Clock } from "../../ports.ts";

/** Between two looks whether a checkpoint of another process covers an event. */
const COVER_TICK_MS = 50;
/** The same where this process keeps the logs: it hears of its own checkpoints. */
const COVER_BACKSTOP_MS = 1_000;
/** What is younger can hardly be in a checkpoint yet, so nobody looks at once. */
export const NEW_MS = 50;
/** But one that was made between the commit and the wait has woken nobody who waits, so this long is looked after. */
const NEW_WAIT_MS = 150;
/** Past this an answer goes out without its proof; the proof can be had later. */
export const COVER_WAIT_MS_MAX = 5_000;

export type CoverWaitPorts = {
  readonly clock: Clock;
  /** Whoever keeps the logs is to look. */
  readonly wake: () => Promise<void>;
  /** Whether this process keeps the logs. */
  readonly holds: () => boolean;
  /** Told of every checkpoint of the tenant that this process makes. @returns ends the listening */
  readonly onCheckpoint: (tenant: TenantId, listener: () => void) => () => void;
};

/**
 * @param look what is waited for; null while it is not there
 * @param isNew it was written a moment ago
 * @returns null where that took too long
 */
export async function waitForCover<T>(
  { clock, wake, holds, onCheckpoint }: CoverWaitPorts,
  tenant: TenantId,
  look: () => Promise<T | null>,
  isNew = false,
): Promise<T | null> {
  const began = clock.now().getTime();
  // Where the clock is set meanwhile nobody knows how long it has been; nobody waits until it is there again.
  const isOver = (now: number): boolean => now < began || now - began >= COVER_WAIT_MS_MAX;
  let news = new AbortController();
  const silence = onCheckpoint(tenant, () => {
    news.abort();
  });
  try {
    await wake();
    for (let first = true; ; first = false) {
      // What was just written is in no checkpoint yet.
      const backstopMs = first ? NEW_WAIT_MS : COVER_BACKSTOP_MS;
      if (!first || isNew) await clock.sleep(holds() ? backstopMs : COVER_TICK_MS, news.signal);
      // Made anew before looking: a checkpoint that is made meanwhile makes for another look.
      news = new AbortController();
      const found = await look();
      if (found !== null || isOver(clock.now().getTime())) return found;
    }
  } finally {
    silence();
  }
}
