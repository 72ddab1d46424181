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
 * No pause that is asked for is longer, where nothing else is said. Whoever answers may be anybody (the host of a page), and
 * its pause holds for all tenants: it is heard again with the next call, and cannot shut a door for days with one answer.
 */
const RETRY_AFTER_MS_MAX = 60_000;

/**
 * Seconds, or a date (RFC 9110, 10.2.3), which is read against the clock of whoever says it.
 * @param date of the same answer; without one a date counts as nothing said
 * @param mostMs what is asked for beyond it is not heard
 */
export function retryAfterMsOf(
  value: string | null,
  date: string | null = null,
  mostMs: number = RETRY_AFTER_MS_MAX,
): number | null {
  if (value === null) return null;
  if (/^\d{1,20}$/.test(value.trim())) return Math.min(Number(value) * 1_000, mostMs);
  const ms = msOf(value) - msOf(date ?? "");
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), mostMs);
}

/** The one form that servers send (RFC 9110, 5.6.7): `Date.parse` takes "-5" for a day in May 2001. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

const msOf = (text: string): number => (HTTP_DATE.test(text.trim()) ? Date.parse(text.trim()) : Number.NaN);
