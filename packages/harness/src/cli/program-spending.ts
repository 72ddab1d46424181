// The grammar of the commands about providers and budgets.

import type { Command } from "commander";
import { listProviders, showBudget } from "./commands/spending.ts";
import type { Perform } from "./context.ts";

export function addSpending(program: Command, perform: Perform): void {
  program
    .command("providers")
    .description("see how the model providers are: asked, left alone, or being tried")
    .action(async () => await perform(listProviders));
  program
    .command("budget")
    .description("what model calls may cost")
    .command("show")
    .description("what they have cost this tenant, today and in all, and what is left")
    .action(async () => await perform(showBudget));
}
