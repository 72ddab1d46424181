// Failures of tools outside that another time may be otherwise.

import type { StepError } from "../run/journal.ts";

/**
 * What a tool may add to its error: another attempt may succeed, after so long where the other side said so; or null: it
 * was an answer, and would be the same again.
 */
export type PassingError = StepError & { readonly passes: { readonly retryAfterMs: number | null } | null };

/** Too many calls, or a server that says that it is not itself (RFC 9110; 425: RFC 8470). */
const PASSING_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);

export const isPassingStatus = (status: number): boolean => PASSING_STATUS.has(status);

/**
 * No pause that is asked for is longer. Whoever answers may be anybody (the host of a page), and its pause holds for all
 * tenants: it is heard again with the next call, and cannot shut a door for days with one answer.
 */
const RETRY_AFTER_MS_MAX = 60_000;

/** Seconds (RFC 9110, 10.2.3); a date is read against nobody's clock here, and counts as nothing said. */
export function retryAfterMsOf(value: string | null): number | null {
  return value !== null && /^\d{1,20}$/.test(value.trim())
    ? Math.min(Number(value) * 1_000, RETRY_AFTER_MS_MAX)
    : null;
}
