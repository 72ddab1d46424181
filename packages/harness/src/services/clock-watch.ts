// Compares this process's clock with the database's, for as long as the process lives. Leases, expiries and the window
// of signatures are judged by it: one that has gone astray decides nothing until both agree again.

import { clockDifference, millisecondsAhead } from "../core/clock-difference.ts";
import type { Clock, ClockWatch, Log, Store } from "../ports.ts";

/**
 * How often the database is asked. A clock that is set here is noticed at once, without asking, and one that only drifts
 * takes hours to be off by as much as matters.
 */
const LOOK_EVERY_MS = 30_000;
/** While they differ: whoever mends the clock is not kept waiting. */
const LOOK_SOON_MS = 500;
/** An answer that took longer says too little: a difference as large could hide in it. */
const ANSWER_MS_MAX = 5_000;

type Ports = {
  readonly store: Pick<Store, "time">;
  readonly clock: Clock;
  /** Milliseconds that have passed, by what nobody can set: since when does not matter. */
  readonly steadyMs: () => number;
  readonly log: Log;
};

export type RunningClockWatch = ClockWatch & {
  /** Asks the database once. */
  look(): Promise<void>;
  stop(): Promise<void>;
};

export function createClockWatch({ store, clock, steadyMs, log }: Ports): RunningClockWatch {
  const stopping = new AbortController();
  // As of the last answer: how far ahead the clock here was, and when by both clocks of this process.
  let known = { aheadMs: 0, wallMs: clock.now().getTime(), steadyMs: steadyMs() };
  let wasAstray = false;

  const difference: ClockWatch["difference"] = () => {
    // The clock was set where it has moved otherwise than time has passed.
    const setByMs = clock.now().getTime() - known.wallMs - (steadyMs() - known.steadyMs);
    return clockDifference(known.aheadMs + setByMs, "the database");
  };

  const look = async (): Promise<void> => {
    const [before, since] = [clock.now().getTime(), steadyMs()];
    let at: Date;
    try {
      at = await store.time();
    } catch (error) {
      log("warn", "the database's clock cannot be looked at", {
        error: error instanceof Error ? error.message : "unknown",
      });
      return;
    }
    const [after, till] = [clock.now().getTime(), steadyMs()];
    if (till - since > ANSWER_MS_MAX || Math.abs(after - before - (till - since)) > ANSWER_MS_MAX) return;
    known = {
      aheadMs: millisecondsAhead({ before, after, at: at.getTime() }),
      wallMs: after,
      steadyMs: till,
    };
  };

  const tell = (): string | null => {
    const found = difference();
    if (found !== null && !wasAstray)
      log("error", "nothing is decided by this process's clock any more", { error: found });
    if (found === null && wasAstray) log("info", "this process's clock tells the database's time again");
    wasAstray = found !== null;
    return found;
  };

  const running = (async () => {
    while (!stopping.signal.aborted) {
      await look();
      // In small steps: a clock that was set right again, or a machine that slept, is looked at soon.
      for (let waitedMs = 0; waitedMs < LOOK_EVERY_MS && !stopping.signal.aborted; waitedMs += LOOK_SOON_MS) {
        await clock.sleep(LOOK_SOON_MS, stopping.signal);
        if (tell() !== null) break;
      }
    }
  })();

  return {
    difference,
    look,
    async agreed(signal): Promise<void> {
      while (difference() !== null && !signal.aborted) await clock.sleep(LOOK_SOON_MS, signal);
    },
    async stop(): Promise<void> {
      stopping.abort();
      await running;
    },
  };
}
