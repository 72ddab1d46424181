// When a message that was not taken is sent again, and when nothing is sent to its receiver.

/** Between the attempts at one message: what Standard Webhooks advises, some 76 hours in all. */
const PAUSES_SECONDS = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400] as const;
export const ATTEMPTS_MAX: number = PAUSES_SECONDS.length + 1;

/** A receiver that fails gets one message after so long, twice as long with each failure, and not longer than five minutes. */
const RECEIVER_PAUSE_SECONDS = 5;
const RECEIVER_PAUSE_SECONDS_MAX = 300;

/** It may ask for more. */
export const RETRY_AFTER_MS_MAX = 3_600_000;

/** Of a pause a tenth is left to chance, so that what failed together does not come back together. */
const spread = (ms: number, chance: number): number => ms + Math.floor(ms * 0.1 * chance);

/**
 * @param attempts made so far, at least 1
 * @param chance from 0 to below 1
 * @param retryAfterMs what the receiver asked for; it is waited at least
 * @returns milliseconds until the next attempt; null: there is none
 */
export function messagePauseMs(attempts: number, chance: number, retryAfterMs: number | null): number | null {
  const seconds = PAUSES_SECONDS[attempts - 1];
  return seconds === undefined ? null : Math.max(spread(seconds * 1_000, chance), retryAfterMs ?? 0);
}

/** @param failures in a row, at least 1 */
export function receiverPauseMs(failures: number, chance: number, retryAfterMs: number | null): number {
  const seconds = Math.min(
    RECEIVER_PAUSE_SECONDS * 2 ** Math.min(failures - 1, 30),
    RECEIVER_PAUSE_SECONDS_MAX,
  );
  return Math.max(spread(seconds * 1_000, chance), retryAfterMs ?? 0);
}
