// A clock on which pauses of one length pass sooner, and all others as ever: for one loop of many that share it.

import type { Clock } from "../../packages/harness/src/ports.ts";

/** @param clock is given, so that a module mock can wrap the very clock that it replaces */
export const soonerClock = (clock: Clock, pauseMs: number, insteadMs: number): Clock => ({
  now: () => clock.now(),
  sleep: async (ms, signal) => {
    await clock.sleep(ms === pauseMs ? insteadMs : ms, signal);
  },
});
