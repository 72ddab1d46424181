import { setTimeout } from "node:timers/promises";
import type { Clock } from "../../ports.ts";

export const systemClock: Clock = {
  now: () => new Date(),
  async sleep(ms, signal): Promise<void> {
    if (signal.aborted) return;
    try {
      await setTimeout(ms, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  },
};
