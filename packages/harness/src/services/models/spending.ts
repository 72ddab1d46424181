// What people are told of providers and of money.

import type { BudgetReport, Charges, ProviderView } from "@assent/contract";
import { type BudgetSettings, tenantAccounts } from "../../core/budget/settings.ts";
import type { AccountState, BudgetAmounts, BudgetLimits, Caller, Clock, Store } from "../../ports.ts";
import { ownBreakers } from "../tool-doors.ts";
import type { Gates } from "./gates.ts";

export type SpendingPorts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly gates: Pick<Gates, "list">;
  readonly routing: { readonly budgets: BudgetSettings };
};

const MICRODOLLARS_A_DOLLAR = 1_000_000;
const toUsd = (microdollars: number): number => microdollars / MICRODOLLARS_A_DOLLAR;

const amountsView = ({
  inputTokens,
  outputTokens,
  microdollars,
}: BudgetAmounts): BudgetReport["data"][0]["spent"] => ({
  input_tokens: inputTokens,
  output_tokens: outputTokens,
  cost_usd: toUsd(microdollars),
});

const limitsView = ({
  inputTokens,
  outputTokens,
  microdollars,
}: BudgetLimits): BudgetReport["data"][0]["limits"] => ({
  input_tokens: inputTokens,
  output_tokens: outputTokens,
  cost_usd: microdollars === null ? null : toUsd(microdollars),
});

const NONE: BudgetAmounts = { inputTokens: 0, outputTokens: 0, microdollars: 0 };

export function chargesView({ spent, reserved, calls, retries }: AccountState): Charges {
  return { ...amountsView(spent), reserved: amountsView(reserved), calls, retries };
}

export async function getBudget(
  { store, clock, routing }: SpendingPorts,
  caller: Caller,
): Promise<BudgetReport> {
  return await store.transaction(caller.tenant, async (tx) => {
    const tenant = await tx.budgets.tenantSlug();
    const accounts = tenantAccounts(routing.budgets, tenant, clock.now());
    const states = await tx.budgets.read(accounts.map(({ name }) => name));
    const data = accounts.map(({ name, limits }): BudgetReport["data"][0] => {
      const state = states.find((one) => one.name === name);
      const isDay = name.startsWith("day:");
      return {
        account: isDay ? "day" : "total",
        day: isDay ? name.slice("day:".length) : null,
        limits: limitsView(limits),
        spent: amountsView(state?.spent ?? NONE),
        reserved: amountsView(state?.reserved ?? NONE),
      };
    });
    return { tenant, data };
  });
}

const iso = (at: Date | null): string | null => at?.toISOString() ?? null;

/** Of tools those that are shut for everybody (`all-…`) and those that are shut for the caller's tenant alone. */
export async function listProviders(
  { gates }: Pick<SpendingPorts, "gates">,
  { tenant }: Pick<Caller, "tenant">,
): Promise<readonly ProviderView[]> {
  const own = ownBreakers(tenant);
  return (await gates.list(own)).map(({ provider, breaker, inFlight, concurrencyMax }) => ({
    provider: provider.startsWith(own) ? provider.slice(own.length) : provider,
    state: breaker.state,
    failing_since: iso(breaker.since),
    open_until: iso(breaker.openUntil),
    paused_until: iso(breaker.pausedUntil),
    reason: breaker.reason,
    in_flight: inFlight,
    concurrency_max: concurrencyMax,
  }));
}
