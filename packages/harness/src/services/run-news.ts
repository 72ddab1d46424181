// Who waits for a run in this process hears of what this process commits to it at once, and looks when others say so.

import type { RunId } from "@assent/contract";
import type { Listener, RunNews } from "../ports.ts";

/** Runs whose newest version is at hand: who comes a moment after the news. */
const RUNS_MAX = 1_024;
/**
 * How long a moment is. A database that fails over can lose what it had confirmed: whoever believed the news for ever would look for
 * that version again and again, and never wait.
 */
const MOMENT_MS = 1_000;

/** @param nowMs of a clock that is never set */
export function createRunNews(nowMs: () => number = () => performance.now()): RunNews {
  const listeners = new Map<RunId, Map<(version: number | null) => void, Listener>>();
  const newest = new Map<RunId, { readonly version: number; readonly toldMs: number }>();
  const fresh = (run: RunId): number | undefined => {
    const told = newest.get(run);
    return told === undefined || nowMs() - told.toldMs > MOMENT_MS ? undefined : told.version;
  };
  return {
    newest: fresh,
    tell(run, version): boolean {
      // Of two commits the later one can be told first.
      const told = Math.max(version, fresh(run) ?? 0);
      newest.delete(run);
      newest.set(run, { version: told, toldMs: nowMs() });
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
