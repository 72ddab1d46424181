// What Assent's log warns of, by what a scenario does to it.

/** A provider fails, is slow, or is let alone for a while. */
export const PROVIDER_WARNINGS: readonly string[] = ["model call failed", "a provider's breaker changed"];

/** The database refuses, waits, ends connections or is gone. */
export const DATABASE_WARNINGS: readonly string[] = [
  "a breaker could not be told",
  "a caller could not be looked up",
  "a database connection broke",
  "a lease could not be renewed",
  "a queued run could not be taken",
  "a request was refused: the database cannot be used",
  "a run broke off",
  "a run could not be set aside",
  "a sweep failed",
  "an artifact could not be stored",
  "expired rows could not be removed",
  "keeping the logs failed",
  "looking for events failed",
  "readiness cannot be told",
  "runs cannot be taken",
  "stored content could not be swept",
  "tenants' checkpoints could not be taken over into the installation's log",
  "the database cannot be used",
  "the database's clock cannot be looked at",
  "the installation's log could not be written",
  "the log keeper's connection broke",
  "the logs could not be counted",
  "the worker's presence connection broke",
  "the worker's presence connection cannot be made",
];
