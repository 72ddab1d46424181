// How failing providers are met, as it stands in the configuration file under `providers`.

import { z } from "zod";

const DAY_MS = 86_400_000;
const ms = (least: number, most: number, otherwise: number): z.ZodDefault<z.ZodInt> =>
  z.int().min(least).max(most).default(otherwise);

const breakerFields = {
  /** Failures beyond successes after which nobody asks any more. */
  failures: z.int().min(1).max(1_000),
  /** How long at first; doubled after each probe that fails, up to the second. */
  open_ms: z.int().min(10).max(DAY_MS),
  open_ms_max: z.int().min(10).max(DAY_MS),
};
const concurrencyMax = z.int().min(1).max(1_000);

export const providerSettingsSchema = z.strictObject({
  /** One call, from request to the last byte of its answer; past it the call counts as failed. */
  call_ms_max: ms(100, DAY_MS, 300_000),
  /** Without a byte for this long the call counts as failed. Models that think in silence need minutes. */
  silence_ms_max: ms(100, DAY_MS, 120_000),
  /** Calls of one process to one provider at the same time; it shrinks when answers become slow or fail. */
  concurrency_max: concurrencyMax.default(8),
  /** A run that waits this long for a provider to come back is dead-lettered. */
  outage_ms_max: ms(100, 30 * DAY_MS, DAY_MS),
  breaker: z
    .strictObject({
      failures: breakerFields.failures.default(5),
      open_ms: breakerFields.open_ms.default(5_000),
      open_ms_max: breakerFields.open_ms_max.default(60_000),
    })
    .prefault({}),
  retries: z
    .strictObject({
      /** Pause before a repetition: any time up to this, doubled with each, up to the second (full jitter). */
      base_ms: ms(1, DAY_MS, 500),
      pause_ms_max: ms(1, DAY_MS, 60_000),
      /** A pause longer than this gives the run back to the queue, so that it holds no worker. */
      hold_ms_max: ms(0, 20_000, 2_000),
      /** Calls for one step, over all its models and workers; more than a run has attempts (base/limits.ts). */
      step_calls_max: z.int().min(1).max(1_000).default(24),
      /** Repetitions in one run. */
      run_retries_max: z.int().min(0).max(10_000).default(60),
      /** Repetitions that one process may send to one provider, for each call that was none. */
      provider_ratio: z.number().min(0).max(10).default(0.2),
    })
    .prefault({}),
  /** What is otherwise for one provider, by its name before the slash. */
  each: z
    .record(
      z.string().regex(/^[a-z][a-z0-9-]{0,30}$/),
      z.strictObject({
        concurrency_max: concurrencyMax.optional(),
        breaker: z.strictObject(breakerFields).partial().optional(),
      }),
    )
    .default({}),
});

export type ProviderSettings = z.infer<typeof providerSettingsSchema>;

export const DEFAULT_PROVIDER_SETTINGS: ProviderSettings = providerSettingsSchema.parse({});

/** What holds for one provider. */
export function settingsFor(
  settings: ProviderSettings,
  provider: string,
): Pick<ProviderSettings, "concurrency_max" | "breaker"> {
  const own = Object.hasOwn(settings.each, provider) ? settings.each[provider] : undefined;
  const { failures, open_ms, open_ms_max } = own?.breaker ?? {};
  return {
    concurrency_max: own?.concurrency_max ?? settings.concurrency_max,
    breaker: {
      failures: failures ?? settings.breaker.failures,
      open_ms: open_ms ?? settings.breaker.open_ms,
      open_ms_max: open_ms_max ?? settings.breaker.open_ms_max,
    },
  };
}
