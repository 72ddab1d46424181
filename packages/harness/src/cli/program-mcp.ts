// The grammar of `assent mcp`.

import type { Command } from "commander";
import { checkMcp, listMcp, type McpFlags, type McpPinFlags, pinMcp } from "./commands/mcp.ts";
import type { Perform } from "./context.ts";

export function addMcp(program: Command, perform: Perform): void {
  const mcp = program.command("mcp").description("the tools of MCP servers: list, check and pin them");
  const config = ["--config <file>", "where the servers are declared"] as const;
  mcp
    .command("list")
    .description("what is declared and pinned; asks no server")
    .option(...config)
    .action(async (flags: McpFlags) => await perform(async (context) => await listMcp(context, flags)));
  mcp
    .command("check")
    .description("ask every server, and show what is not as it was pinned")
    .option(...config)
    .action(async (flags: McpFlags) => await perform(async (context) => await checkMcp(context, flags)));
  mcp
    .command("pin")
    .description("show what is new or has changed, ask, and pin it")
    .option(...config)
    .option("--server <name>", "only the tools of this one")
    .option("--yes", "do not ask; needed where there is no terminal")
    .action(async (flags: McpPinFlags) => await perform(async (context) => await pinMcp(context, flags)));
}
