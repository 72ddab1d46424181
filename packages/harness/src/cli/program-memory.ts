// The grammar of the decision memory: `assent precedents …` and `assent escalations …`.

import type { EscalationStatus } from "@assent/contract";
import { type Command, Option } from "commander";
import type { PageFlags } from "../client/client.ts";
import { parseDays, parseLimit } from "./argument.ts";
import { listEscalations, resolveEscalation } from "./commands/escalations.ts";
import { listPrecedents, revokePrecedent } from "./commands/precedents.ts";
import { showQuality } from "./commands/quality.ts";
import { showRetention } from "./commands/retention.ts";
import type { Perform } from "./context.ts";

export function addPrecedents(program: Command, perform: Perform): void {
  const precedents = program.command("precedents").description("answers that are given again without asking");
  precedents
    .command("list")
    .description("who answered what, when, and how often it was used; what is in force first")
    .option("--limit <n>", "at most so many", parseLimit)
    .option("--cursor <cursor>", "go on where a list ended")
    .action(
      async (flags: PageFlags) => await perform(async (context) => await listPrecedents(context, flags)),
    );
  precedents
    .command("revoke")
    .description("stop giving an answer; people are asked again")
    .argument("<precedent>", "its id")
    .requiredOption("--reason <text>", "why")
    .action(
      async (id: string, flags: { reason: string }) =>
        await perform(async (context) => await revokePrecedent(context, id, flags)),
    );
}

export function addQuality(program: Command, perform: Perform): void {
  program
    .command("quality")
    .description("how people decide: how much, how fast, how often yes, and what was taken back since")
    .option("--days <n>", "over the last so many days", parseDays, 30)
    .action(
      async (flags: { days: number }) => await perform(async (context) => await showQuality(context, flags)),
    );
}

export function addRetention(program: Command, perform: Perform): void {
  program
    .command("retention")
    .description("how long what is kept, and what becomes of it then")
    .action(async () => await perform(async (context) => await showRetention(context)));
}

export function addEscalations(program: Command, perform: Perform): void {
  const escalations = program
    .command("escalations")
    .description("what neither rules nor memory could answer");
  escalations
    .command("list")
    .description("what was asked, why, how often, and what was answered; newest first")
    .addOption(new Option("--status <status>", "only these").choices(["open", "resolved"]))
    .option("--limit <n>", "at most so many", parseLimit)
    .option("--cursor <cursor>", "go on where a list ended")
    .action(
      async (flags: PageFlags & { status?: EscalationStatus }) =>
        await perform(async (context) => await listEscalations(context, flags)),
    );
  escalations
    .command("resolve")
    .description("say what was done about something that a run could not take back")
    .argument("<escalation>", "its id")
    .requiredOption("--comment <text>", "what was done, or why it is left as it is")
    .action(
      async (id: string, flags: { comment: string }) =>
        await perform(async (context) => await resolveEscalation(context, id, flags)),
    );
}
