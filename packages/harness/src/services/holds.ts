// What a worker holds at this moment, and which of it is looked at at once, whether it is still its own: a call that is
// under way would else go on until the lease is next renewed.

import type { RunId } from "@assent/contract";

export type Hold = {
  /** Waits as long as `sleep` does, or until it is said that the run may be another's; not at all where it was said since. */
  pause(sleep: (woken: AbortSignal) => Promise<void>): Promise<void>;
  end(): void;
};

export type Holds = {
  begin(run: RunId): Hold;
  /** @param run null: all. @returns whether there is such a one here */
  check(run: RunId | null): boolean;
};

type Held = { readonly run: RunId; heard: boolean; alarm: AbortController };

export function createHolds(): Holds {
  // A run can be held twice: under a lease that was lost, and anew.
  const all = new Set<Held>();
  return {
    begin(run) {
      const held: Held = { run, heard: false, alarm: new AbortController() };
      all.add(held);
      return {
        async pause(sleep) {
          if (!held.heard) {
            held.alarm = new AbortController();
            await sleep(held.alarm.signal);
          }
          held.heard = false;
        },
        end: () => void all.delete(held),
      };
    },
    check(run) {
      let isHere = false;
      for (const held of all) {
        if (run !== null && held.run !== run) continue;
        isHere = true;
        held.heard = true;
        held.alarm.abort();
      }
      return isHere;
    },
  };
}
