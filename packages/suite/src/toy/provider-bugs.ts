// Bugs of whoever asks a provider that fails. They take their time to be found, so they are tried at night.

export const PROVIDER_BUGS = {
  "retry.now": "repeats a failed call at once",
  "retry.fixed": "pauses as long as it may before each repetition",
  "retry.refused": "repeats what a provider refuses for good",
  "retry.storm": "repeats a failed call without a bound",
  "after.none": "does not look when a provider asks to be asked again",
  "after.own": "only the run that was told waits as long as a provider asks",
  "after.limits": "waits as long as a provider asks only where it was asked too often",
  "after.dates": "reads no date in Retry-After",
  "after.millis": "reads seconds only, where milliseconds are named as well",
  "breaker.none": "asks a provider that is away as if it were there",
  "breaker.answers": "counts answers that say so as failures, and no broken connection",
  "breaker.silence": "counts broken connections as failures, and no answer that says so",
  "breaker.own": "each run has a breaker of its own",
  "breaker.all": "lets everybody ask at once when the time of an open breaker is over",
  "breaker.herd": "lets everybody in after the first success",
  "half.used": "makes the calls of an answer that did not end",
  "half.waits": "waits for ever for what does not come",
  "half.ends": "a run ends with the connection to its provider",
  "turn.first": "begins anew when a step has failed",
  "away.mute": "does not say why a run has failed whose provider is away",
  "away.still": "does not say what a run waits for while its provider is away",
  "away.stays": "still says so when the run has ended well",
  "away.ever": "waits for a provider for ever",
  "limit.fixed": "asks a slow provider as often at once as a fast one",
  "limit.none": "asks as often at once as there are runs",
  "limit.errors": "asks less at once where calls fail, and not where they take long",
  "limit.stale": "answers runs with what it has heard before while a provider is slow",
  "limit.hedged": "asks a second time where an answer takes long, and takes the first that comes",
  "limit.holds": "lets nobody begin anything while it waits for a slow provider",
  "limit.stuck": "asks once at a time for ever when a provider was slow",
} as const;

export type ProviderBug = keyof typeof PROVIDER_BUGS;

export const isProviderBug = (name: string): name is ProviderBug => Object.hasOwn(PROVIDER_BUGS, name);
