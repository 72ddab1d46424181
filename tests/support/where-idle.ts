// Moves an engine's time on, and overtakes nobody who is at work.

import type { RunId } from "@assent/contract";
import type { Engine } from "./engine.ts";

/** How long at first nothing has to have come of the run. */
const PATIENCE_MS = 50;
const MORE_PATIENCE = 1.2;

/**
 * To be called between one look at the run and the next: time is moved on only where the run has not changed for a while, a longer
 * one each time. Moved on with every look, a lease would be over before the work that is done under it on a machine that is busy, time
 * and again; so the run would never end.
 * @param ms of the engine's time, at once
 */
export function whereIdle(engine: Engine, run: RunId, ms: number): () => Promise<void> {
  let patienceMs = PATIENCE_MS;
  let seen: number | undefined;
  let since = performance.now();
  return async () => {
    const versions = await engine.store.transaction(
      engine.tenant,
      async (tx) => await tx.runs.versions([run]),
    );
    const version = versions.get(run);
    if (version !== seen) {
      seen = version;
      since = performance.now();
      return;
    }
    if (performance.now() - since < patienceMs) return;
    engine.clock.advance(ms);
    await engine.sweep();
    patienceMs *= MORE_PATIENCE;
    since = performance.now();
  };
}
