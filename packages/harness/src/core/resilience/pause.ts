// How long to wait before a repetition: any time up to a bound that doubles (full jitter: of all ways the one with the
// least calls for the same work, https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).

import type { ProviderSettings } from "./settings.ts";

/**
 * @param calls made so far, at least 1
 * @param chance from 0 to below 1
 * @param retryAfterMs what a provider asked for; never less than it is waited
 */
export function pauseMs(
  calls: number,
  chance: number,
  retryAfterMs: number | null,
  { base_ms, pause_ms_max }: ProviderSettings["retries"],
): number {
  const bound = Math.min(pause_ms_max, base_ms * 2 ** Math.min(Math.max(calls, 1) - 1, 30));
  const jitter = Math.floor(chance * bound);
  return retryAfterMs === null ? jitter : retryAfterMs + Math.min(jitter, base_ms);
}
