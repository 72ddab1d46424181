// The ledgers of model calls, and how the providers are: both in the database, for every process reads and writes them.

import type { RunId } from "@assent/contract";
import type { Breaker } from "../core/resilience/breaker.ts";

export type BudgetAmounts = {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly microdollars: number;
};

/** Null: no limit. */
export type BudgetLimits = { readonly [A in keyof BudgetAmounts]: number | null };

/** `run:<32 hex>`, `day:<yyyy-mm-dd>` (UTC) or `total`. */
export type BudgetAccount = { readonly name: string; readonly limits: BudgetLimits };

export type NewReservation = {
  /** A UUID. */
  readonly id: string;
  readonly run: RunId;
  readonly seq: number;
  readonly model: string;
  readonly at: Date;
  /** The run's own among them. */
  readonly accounts: readonly BudgetAccount[];
  readonly amounts: BudgetAmounts;
  readonly stepCallsMax: number;
  readonly retriesMax: number;
};

/** What was set aside for a call, and what it cost. */
export type Settlement = { readonly reservation: string; readonly spent: BudgetAmounts };

/** What did not fit: `spent` and `reserved` of `most`, in the account. */
export type ReservationRefusal = {
  readonly kind: "input" | "output" | "microdollars" | "step_calls" | "retries";
  readonly account: string;
  readonly spent: number;
  readonly reserved: number;
  readonly most: number;
};

export type AccountState = {
  readonly name: string;
  readonly spent: BudgetAmounts;
  readonly reserved: BudgetAmounts;
  readonly calls: number;
  readonly retries: number;
};

/**
 * To be read alone. What is set aside is set aside with the call that it is for ({@link import("./store.ts").Store.beginCall}), and
 * settled with the run's next commit ({@link import("./run-writes.ts").RunWrites}).
 */
export type BudgetRows = {
  /** Those of the accounts that there are. */
  read(names: readonly string[]): Promise<readonly AccountState[]>;
  /** The tenant's name for people. */
  tenantSlug(): Promise<string>;
};

/** What the name of a breaker begins with that is one tenant's own (services/tool-doors.ts). */
export const OWN_BREAKERS = "own-";

/**
 * Of the whole installation: a provider is down for everybody. Only those named {@link OWN_BREAKERS} are a tenant's, and
 * shown to nobody else.
 */
export type Breakers = {
  read(provider: string): Promise<Breaker>;
  /** @param own also those of one tenant, by what their names begin with */
  list(own?: string | null): Promise<ReadonlyMap<string, Breaker>>;
  /** One at a time for each provider; null leaves it as it is. @returns what it is now, and whether it was changed */
  change(
    provider: string,
    change: (before: Breaker) => Breaker | null,
  ): Promise<{ readonly breaker: Breaker; readonly changed: boolean }>;
};
