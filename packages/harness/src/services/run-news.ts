// Who waits for a run in this process hears of what this process commits to it at once.

import type { RunId } from "@assent/contract";
import type { RunNews } from "../ports.ts";

export function createRunNews(): RunNews {
  const listeners = new Map<RunId, Set<(version: number) => void>>();
  return {
    tell(run, version): void {
      for (const listener of listeners.get(run) ?? []) listener(version);
    },
    listen(run, listener): () => void {
      const heard = listeners.get(run) ?? new Set();
      listeners.set(run, heard.add(listener));
      return () => {
        heard.delete(listener);
        if (heard.size === 0 && listeners.get(run) === heard) listeners.delete(run);
      };
    },
  };
}
