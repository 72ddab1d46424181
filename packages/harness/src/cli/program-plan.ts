// The grammar of `assent plan`.

import { type Command, Option } from "commander";
import type { PlanFlags } from "./commands/plan.ts";
import type { Perform } from "./context.ts";

export function addPlan(program: Command, perform: Perform): void {
  program
    .command("plan")
    .description("say which waiting calls a change of rules, tools or agents would alter, and how")
    .argument(
      "[folder]",
      "*.cedar files that might replace the rules; without any: what the server has loaded",
    )
    .addOption(new Option("--set <name>", "a set that comes with Assent").choices(["default", "strict"]))
    .option("--config <file>", "a configuration that might replace the server's: rules, tools and agents")
    .option("--model <provider/model>", "with --config: as it would be started with")
    .action(
      async (folder: string | undefined, flags: PlanFlags) =>
        await perform(async (context) => {
          const { planChange } = await import("./commands/plan.ts");
          return await planChange(context, folder, flags);
        }),
    );
}
