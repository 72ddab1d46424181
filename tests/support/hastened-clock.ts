// Time as it is, whose intervals pass faster: for what looks again and again, and whom nobody wants to wait for.

import { systemClock } from "../../packages/harness/src/adapters/system/clock.ts";
import type { Clock } from "../../packages/harness/src/ports.ts";

/** @param times how many times as fast */
export const hastenedClock = (times: number): Clock => ({
  now: () => systemClock.now(),
  sleep: async (ms, signal) => {
    await systemClock.sleep(ms / times, signal);
  },
});
