// What is done again and again for as long as a process lives, whatever becomes of one time.

import type { Clock, Log } from "../ports.ts";

export type Sweeping = { stop(): Promise<void> };

/**
 * Sweeps at once, and again so long after each time. A time that fails is logged, and the next one comes all the same.
 * @param failed what is logged then
 */
export function startSweeping(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  everyHours: number,
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
      await clock.sleep(everyHours * 3_600_000, stopping.signal);
    }
  })();
  return {
    async stop(): Promise<void> {
      stopping.abort();
      await loop;
    },
  };
}
