// Who waits for a run in this process hears of what this process commits to it at once, and looks when others say so.

import type { RunId } from "@assent/contract";
import type { Listener, RunNews } from "../ports.ts";

/** Runs whose newest version is at hand: who comes a moment after the news. */
const RUNS_MAX = 1_024;

export function createRunNews(): RunNews {
  const listeners = new Map<RunId, Map<(version: number | null) => void, Listener>>();
  const newest = new Map<RunId, number>();
  return {
    newest: (run) => newest.get(run),
    tell(run, version): boolean {
      // Of two commits the later one can be told first.
      const told = Math.max(version, newest.get(run) ?? 0);
      newest.delete(run);
      newest.set(run, told);
      const [oldest] = newest.keys();
      if (oldest !== undefined && newest.size > RUNS_MAX) newest.delete(oldest);
      const waiting = [...(listeners.get(run) ?? [])];
      for (const [listener] of waiting) listener(version);
      return waiting.some(([, who]) => who === "driver");
    },
    // Which version it is nobody is believed who may be anybody: it is looked up.
    hint(run): void {
      for (const waiting of run === null ? listeners.values() : [listeners.get(run) ?? new Map()])
        for (const listener of waiting.keys()) listener(null);
    },
    listen(run, listener, who): () => void {
      const heard = listeners.get(run) ?? new Map();
      listeners.set(run, heard.set(listener, who));
      return () => {
        heard.delete(listener);
        if (heard.size === 0 && listeners.get(run) === heard) listeners.delete(run);
      };
    },
  };
}
