// The endpoints that tell how providers are and what they have cost.

import { noQuerySchema } from "./api-schemas.ts";
import type { RouteRow } from "./route.ts";
import { budgetReportSchema, providerListSchema } from "./spending.ts";

export const SPENDING_ROUTES = {
  listProviders: {
    method: "GET",
    path: "/api/harness/providers",
    operationId: "listProviders",
    action: "runs.read",
    tag: "runs",
    summary: "See how the model providers are",
    query: noQuerySchema,
    success: {
      status: 200,
      description: "Every provider that has been asked, as the whole installation knows it.",
      content: { "application/json": providerListSchema },
    },
    problems: [],
  },
  getBudget: {
    method: "GET",
    path: "/api/harness/budget",
    operationId: "getBudget",
    action: "runs.read",
    tag: "runs",
    summary: "See what the tenant's model calls have cost, and may",
    query: noQuerySchema,
    success: {
      status: 200,
      description: "The tenant's ledgers that have a limit: of this day (UTC), and of all time.",
      content: { "application/json": budgetReportSchema },
    },
    problems: [],
  },
} as const satisfies Record<string, RouteRow>;
