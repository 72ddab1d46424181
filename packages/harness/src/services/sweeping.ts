// What is done again and again for as long as a process lives, whatever becomes of one time.

import type { Clock, Log } from "../ports.ts";

export type Sweeping = { stop(): Promise<void> };

/**
 * Sweeps at once, and again so long after each time. A time that fails is logged, and the next one comes all the same.
 * @param failed what is logged then
 */
export function startSweeping(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  everySeconds: number,
  failed: string,
  sweep: (stopping: AbortSignal) => Promise<unknown>,
): Sweeping {
  const stopping = new AbortController();
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await sweep(stopping.signal);
      } catch (error) {
        log("warn", failed, { error: error instanceof Error ? error.message : "unknown" });
      }
      await clock.sleep(everySeconds * 1_000, stopping.signal);
    }
  })();
  return {
    async stop(): Promise<void> {
      stopping.abort();
      await loop;
    },
  };
}

/** With so many that cannot be removed it is no single one's trouble, and the others are not tried. */
const FAILURES_MAX = 20;

/**
 * Removes what is found, one after the other; one that cannot be removed keeps no other from it.
 * @param remove false: it was not removed after all, and that is fine
 * @returns how many were removed
 * @throws what the first one failed with, after the others
 */
export async function removeEach<T>(
  found: AsyncIterable<T>,
  stopping: AbortSignal,
  remove: (one: T) => Promise<boolean>,
  onRemoved: (count: number) => void,
): Promise<number> {
  const failures: unknown[] = [];
  let removed = 0;
  for await (const one of found) {
    if (stopping.aborted || failures.length >= FAILURES_MAX) break;
    try {
      if (await remove(one)) removed += 1;
    } catch (error) {
      failures.push(error);
    }
  }
  if (removed > 0) onRemoved(removed);
  if (failures.length > 0) throw failures[0];
  return removed;
}
