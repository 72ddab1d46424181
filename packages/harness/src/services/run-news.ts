// Who waits for a run in this process hears of what this process commits to it at once.

import type { RunId } from "@assent/contract";
import type { RunNews } from "../ports.ts";

/** Runs whose newest version is at hand: who comes a moment after the news. */
const RUNS_MAX = 1_024;
/**
 * How long a moment is. A database that fails over can lose what it had confirmed: whoever believed the news for ever would look for
 * that version again and again, and never wait.
 */
const MOMENT_MS = 1_000;

/** @param nowMs of a clock that is never set */
export function createRunNews(nowMs: () => number = () => performance.now()): RunNews {
  const listeners = new Map<RunId, Set<(version: number) => void>>();
  const newest = new Map<RunId, { readonly version: number; readonly toldMs: number }>();
  const fresh = (run: RunId): number | undefined => {
    const told = newest.get(run);
    return told === undefined || nowMs() - told.toldMs > MOMENT_MS ? undefined : told.version;
  };
  return {
    newest: fresh,
    tell(run, version): void {
      // Of two commits the later one can be told first.
      const told = Math.max(version, fresh(run) ?? 0);
      newest.delete(run);
      newest.set(run, { version: told, toldMs: nowMs() });
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
