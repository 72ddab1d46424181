// What rules are told of a run's budget, wherever a call of the run is judged.

import type { AgentDefinition } from "../core/agent.ts";
import { agentLimits } from "../core/budget/budget.ts";
import { budgetLeft } from "../core/budget/budget-left.ts";
import { type BudgetSettings, runLimits } from "../core/budget/settings.ts";
import type { PolicyBudget } from "../core/decide/policy-context.ts";
import type { Catalogue } from "../core/route/profile.ts";
import type { Journal } from "../core/run/journal.ts";

export type BudgetRouting = {
  readonly budgets: BudgetSettings;
  readonly models: { readonly catalogue: Catalogue };
};

export const budgetOfRun = (
  { budgets, models }: BudgetRouting,
  definition: AgentDefinition,
  journal: Journal,
): PolicyBudget => budgetLeft(runLimits(budgets, agentLimits(definition)), models.catalogue, journal);
