// How many of a worker's free hands look for work at the same time: as many as runs were heard of, so that nobody looks
// in vain; one after the other where it is not known how many there are.

import type { Clock } from "../ports.ts";

/** What a look has found; locked: runs that other transactions hold at this moment. */
export type Seen = "a run" | "nothing" | "locked";

/** To be told of what was seen, once. */
export type Look = { saw(what: Seen): void };

/** What is locked is looked for again after so long: whoever has it locked is done by then, and may have left it there. */
const LOCKED_PAUSE_MS = 100;

export type Hands = {
  /** Resolves when there may be a run to take, and null when this worker is to stop. */
  free(): Promise<Look | null>;
  /** @returns whether a free hand looks at once */
  hear(from: "here" | "elsewhere"): boolean;
};

/** @param lookEveryMs a look without any hint, since hints can be lost */
export function createHands(clock: Clock, lookEveryMs: number, stopping: AbortSignal): Hands {
  const waiting: ((look: Look | null) => void)[] = [];
  // Infinity: some, nobody knows how many.
  let expected = Number.POSITIVE_INFINITY;
  let looking = 0;
  let heard = 0;

  let isSoon = false;

  const lookSoon = async (): Promise<void> => {
    if (isSoon) return;
    isSoon = true;
    await clock.sleep(LOCKED_PAUSE_MS, stopping);
    isSoon = false;
    if (!stopping.aborted) hear("elsewhere");
  };

  const mayLook = (): boolean => (expected === Number.POSITIVE_INFINITY ? looking === 0 : looking < expected);

  const begin = (): Look => {
    looking += 1;
    const heardBefore = heard;
    return {
      saw(what) {
        looking -= 1;
        if (what === "a run") expected = Math.max(expected - 1, 0);
        // Nothing was there, and nothing was heard of since: so there is nothing.
        else if (heard === heardBefore) expected = 0;
        if (what === "locked") void lookSoon();
        wake();
      },
    };
  };

  const wake = (): void => {
    while (mayLook()) {
      const next = waiting.shift();
      if (next === undefined) return;
      next(begin());
    }
  };

  const hear: Hands["hear"] = (from) => {
    heard += 1;
    expected = from === "here" ? expected + 1 : Number.POSITIVE_INFINITY;
    const isFree = waiting.length > 0;
    wake();
    return isFree;
  };

  stopping.addEventListener("abort", () => {
    for (const stop of waiting.splice(0)) stop(null);
  });
  void (async () => {
    while (!stopping.aborted) {
      await clock.sleep(lookEveryMs, stopping);
      if (!stopping.aborted) hear("elsewhere");
    }
  })();

  return {
    async free(): Promise<Look | null> {
      if (stopping.aborted) return null;
      if (mayLook()) return begin();
      const { promise, resolve } = Promise.withResolvers<Look | null>();
      waiting.push(resolve);
      return await promise;
    },
    hear,
  };
}
