// What model calls may cost, as it stands in the configuration file under `budgets`.

import { nameSchema } from "@assent/contract";
import { z } from "zod";

const TOKENS_MAX = 1_000_000_000_000;
const MICRODOLLARS_A_DOLLAR = 1_000_000;

/** Left out: no limit. */
const limitsSchema = z.strictObject({
  input_tokens_max: z.int().min(0).max(TOKENS_MAX).optional(),
  output_tokens_max: z.int().min(0).max(TOKENS_MAX).optional(),
  cost_usd_max: z.number().min(0).max(1_000_000_000).optional(),
});

const tenantLimitsSchema = z.strictObject({
  /** From midnight to midnight, UTC. */
  day: limitsSchema.optional(),
  /** From the beginning on. */
  total: limitsSchema.optional(),
});

export const budgetSettingsSchema = z.strictObject({
  /** Of each run, beside what its agent says; the smaller counts. */
  run: limitsSchema.optional(),
  /** Of each tenant that is not named below. */
  tenant: tenantLimitsSchema.optional(),
  tenants: z.record(nameSchema, tenantLimitsSchema).default({}),
});

export type BudgetSettings = z.infer<typeof budgetSettingsSchema>;
type SetLimits = z.infer<typeof limitsSchema>;

export const DEFAULT_BUDGET_SETTINGS: BudgetSettings = budgetSettingsSchema.parse({});

/** Null: no limit. Costs in microdollars. */
export type Limits = {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly microdollars: number | null;
};

const toLimits = (set: SetLimits | undefined): Limits => ({
  inputTokens: set?.input_tokens_max ?? null,
  outputTokens: set?.output_tokens_max ?? null,
  microdollars: set?.cost_usd_max === undefined ? null : Math.round(set.cost_usd_max * MICRODOLLARS_A_DOLLAR),
});

const isLimited = (limits: Limits): boolean => Object.values(limits).some((limit) => limit !== null);

const smaller = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b);

/** What a run may cost: what its agent says, and what holds for every run. */
export function runLimits({ run }: BudgetSettings, agent: Limits): Limits {
  const every = toLimits(run);
  return {
    inputTokens: smaller(agent.inputTokens, every.inputTokens),
    outputTokens: smaller(agent.outputTokens, every.outputTokens),
    microdollars: smaller(agent.microdollars, every.microdollars),
  };
}

/** The tenant's accounts that have a limit, by name; `now` says which day it is. */
export function tenantAccounts(
  { tenant, tenants }: BudgetSettings,
  slug: string,
  now: Date,
): readonly { readonly name: string; readonly limits: Limits }[] {
  const set = Object.hasOwn(tenants, slug) ? tenants[slug] : tenant;
  return [
    { name: `day:${now.toISOString().slice(0, 10)}`, limits: toLimits(set?.day) },
    { name: "total", limits: toLimits(set?.total) },
  ].filter(({ limits }) => isLimited(limits));
}
