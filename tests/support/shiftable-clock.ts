// Time that runs as usual and can be moved forward: what waits for a time in the part that was skipped wakes at once.

import { systemClock } from "../../packages/harness/src/adapters/system/clock.ts";
import type { Clock } from "../../packages/harness/src/ports.ts";

export type ShiftableClock = Clock & { advance(ms: number): void };

export function shiftableClock(): ShiftableClock {
  let offsetMs = 0;
  const sleepers = new Set<{ readonly dueMs: number; readonly wake: AbortController }>();
  const nowMs = (): number => systemClock.now().getTime() + offsetMs;
  return {
    now: () => new Date(nowMs()),
    async sleep(ms, signal): Promise<void> {
      const sleeper = { dueMs: nowMs() + ms, wake: new AbortController() };
      sleepers.add(sleeper);
      await systemClock.sleep(ms, AbortSignal.any([signal, sleeper.wake.signal]));
      sleepers.delete(sleeper);
    },
    advance(ms): void {
      offsetMs += ms;
      for (const sleeper of sleepers) if (sleeper.dueMs <= nowMs()) sleeper.wake.abort();
    },
  };
}
