// What a worker holds at this moment, and which of it is looked at at once, whether it is still its own: a call that is
// under way would else go on until the lease is next renewed.

import type { RunId } from "@assent/contract";
import type { Fence } from "../ports.ts";

export type Hold = {
  /** Waits as long as `sleep` does, or until it is said that the run may be another's; not at all where it was said since. */
  pause(sleep: (woken: AbortSignal) => Promise<void>): Promise<void>;
  end(): void;
};

export type Holds = {
  begin(fence: Fence): Hold;
  /** Whether this very lease is in a hand here. */
  has(fence: Fence): boolean;
  /** @param run null: all. @returns whether there is such a one here */
  check(run: RunId | null): boolean;
};

type Held = { readonly run: RunId; readonly token: number; heard: boolean; alarm: AbortController };

export function createHolds(): Holds {
  // A run can be held twice: under a lease that was lost, and anew.
  const all = new Set<Held>();
  return {
    begin({ run, token }) {
      const held: Held = { run, token, heard: false, alarm: new AbortController() };
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
    has: ({ run, token }) => [...all].some((held) => held.run === run && held.token === token),
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
