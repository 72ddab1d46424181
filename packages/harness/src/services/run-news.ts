// Who waits for a run in this process hears of what this process commits to it at once.

import type { RunId } from "@assent/contract";
import type { RunNews } from "../ports.ts";

/** Runs whose newest version is at hand: who comes a moment after the news. */
const RUNS_MAX = 1_024;

export function createRunNews(): RunNews {
  const listeners = new Map<RunId, Set<(version: number) => void>>();
  const newest = new Map<RunId, number>();
  return {
    newest: (run) => newest.get(run),
    tell(run, version): void {
      // Of two commits the later one can be told first.
      const told = Math.max(version, newest.get(run) ?? 0);
      newest.delete(run);
      newest.set(run, told);
      const [oldest] = newest.keys();
      if (oldest !== undefined && newest.size > RUNS_MAX) newest.delete(oldest);
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
