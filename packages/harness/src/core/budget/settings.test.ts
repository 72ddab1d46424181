// Whose limits count for a call: the run's, and those of its tenant, by the day and in all.

import { expect, test } from "vitest";
import { budgetSettingsSchema, runLimits, tenantAccounts } from "./settings.ts";

const NOW = new Date("2026-11-22T23:59:59.999Z");
const NONE = { inputTokens: null, outputTokens: null, microdollars: null };

test("of what the agent says and what holds for every run the smaller counts, and what is not said is no limit", () => {
  const settings = budgetSettingsSchema.parse({ run: { input_tokens_max: 100, cost_usd_max: 0.25 } });
  const limits = (agent: Partial<typeof NONE> | Record<string, number>): unknown =>
    runLimits(settings, { ...NONE, ...agent });
  expect(limits({})).toEqual({ inputTokens: 100, outputTokens: null, microdollars: 250_000 });
  expect(limits({ inputTokens: 99, outputTokens: 7, microdollars: 1 })).toEqual({
    inputTokens: 99,
    outputTokens: 7,
    microdollars: 1,
  });
  expect(limits({ inputTokens: 101, microdollars: 250_001 })).toEqual({
    inputTokens: 100,
    outputTokens: null,
    microdollars: 250_000,
  });
  expect(limits({ inputTokens: 0 })).toMatchObject({ inputTokens: 0 });
});

test("a tenant has the limits that name it, else those of all, each ledger under its own name", () => {
  const settings = budgetSettingsSchema.parse({
    tenant: { day: { input_tokens_max: 10 }, total: { cost_usd_max: 1 } },
    tenants: { big: { day: { output_tokens_max: 20 } }, free: {} },
  });
  const accounts = (slug: string): unknown => tenantAccounts(settings, slug, NOW);
  const ofAll = [
    { name: "day:2026-11-22", limits: { ...NONE, inputTokens: 10 } },
    { name: "total", limits: { ...NONE, microdollars: 1_000_000 } },
  ];
  expect(accounts("small")).toEqual(ofAll);
  expect(accounts("big")).toEqual([{ name: "day:2026-11-22", limits: { ...NONE, outputTokens: 20 } }]);
  // Named, and without a limit.
  expect(accounts("free")).toEqual([]);
  // The name of something that every object has names no tenant.
  for (const slug of ["constructor", "__proto__", "toString"]) expect(accounts(slug)).toEqual(ofAll);
  expect(tenantAccounts(settings, "small", new Date(NOW.getTime() + 1))).toMatchObject([
    { name: "day:2026-11-23" },
    { name: "total" },
  ]);
});
