import { z } from "zod";

const amountsSchema = z.strictObject({
  input_tokens: z.int().min(0),
  output_tokens: z.int().min(0),
  cost_usd: z.number().min(0).meta({ description: "By the prices of the configuration's catalogue." }),
});

/** Of a run: what its model calls are charged, which is more than its answers used where calls failed half-way. */
export const chargesSchema = z
  .strictObject({
    ...amountsSchema.shape,
    reserved: amountsSchema.meta({ description: "Set aside for the call under way." }),
    calls: z.int().min(0).meta({ description: "Calls to providers, repetitions included." }),
    retries: z.int().min(0),
  })
  .meta({ id: "Charges" });
export type Charges = z.infer<typeof chargesSchema>;

export const budgetAccountSchema = z
  .strictObject({
    account: z.enum(["day", "total"]),
    day: z.iso.date().nullable().meta({ description: "UTC; null for the total." }),
    limits: z.strictObject({
      input_tokens: z.int().min(0).nullable(),
      output_tokens: z.int().min(0).nullable(),
      cost_usd: z.number().min(0).nullable(),
    }),
    spent: amountsSchema,
    reserved: amountsSchema.meta({ description: "Set aside for calls under way." }),
  })
  .meta({ id: "BudgetAccount" });
export type BudgetAccountView = z.infer<typeof budgetAccountSchema>;

export const budgetReportSchema = z
  .strictObject({ tenant: z.string(), data: z.array(budgetAccountSchema) })
  .meta({
    id: "BudgetReport",
    description: "The tenant's ledgers that the operator limits; none: no limit.",
  });
export type BudgetReport = z.infer<typeof budgetReportSchema>;

export const providerSchema = z
  .strictObject({
    provider: z.string(),
    state: z.enum(["closed", "open", "half_open"]).meta({
      description:
        "`closed`: it is asked; `open`: nobody asks it; `half_open`: one call finds out whether it is back.",
    }),
    failing_since: z.iso.datetime().nullable(),
    open_until: z.iso.datetime().nullable(),
    paused_until: z.iso.datetime().nullable().meta({ description: "It asked for a pause (Retry-After)." }),
    reason: z.string().nullable().meta({ description: "The code of its newest failure." }),
    in_flight: z.int().min(0).meta({ description: "Calls of the process that answers, at this moment." }),
    concurrency_max: z.int().min(0).meta({ description: "How many of them it dares at once now." }),
  })
  .meta({ id: "Provider" });
export type ProviderView = z.infer<typeof providerSchema>;

export const providerListSchema = z
  .strictObject({ data: z.array(providerSchema) })
  .meta({ id: "ProviderList" });
