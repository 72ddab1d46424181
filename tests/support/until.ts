// Waits for a condition instead of a time: as short as it can be, and a failure says what never came true.

import { setTimeout } from "node:timers/promises";

const POLL_MS = 10;

/**
 * Resolves with the first value that is not undefined or false; rejects past the limit.
 * @param pauseMs between two looks; longer where many look at the same time and looking costs
 */
export async function until<T>(
  what: string | (() => string),
  look: () => Promise<T | undefined | false> | T | undefined | false,
  limitMs = 240_000,
  pauseMs: number = POLL_MS,
): Promise<T> {
  const start = performance.now();
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() - start > limitMs)
      throw new Error(`${typeof what === "string" ? what : what()}: not within ${limitMs} ms`);
    await setTimeout(pauseMs);
  }
}
