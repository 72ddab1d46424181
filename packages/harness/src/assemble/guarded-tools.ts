// The tools that need a wall around them. Each is made only where an agent names it, and where its wall stands;
// an agent whose tool cannot be had stops the start, with the reason.

import { createFetcher } from "../adapters/egress/fetcher.ts";
import { openSandbox } from "../adapters/sandbox/open-sandbox.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Config } from "../config.ts";
import type { Random, Tool } from "../ports.ts";
import { createCommandTool } from "../services/tools/command.ts";
import { createFetchUrlTool } from "../services/tools/fetch-url.ts";
import type { StartRefusal } from "./refusal.ts";

/** @param folder where commands get their copies; made when it is missing and needed */
export async function openGuardedTools(
  { agents, egress, toolchains }: Config,
  folder: string,
  random: Random,
  onProgress: (line: string) => void,
): Promise<Result<readonly Tool[], StartRefusal>> {
  const agentWith = (tool: string): string | undefined =>
    [...agents.values()].find(({ tools }) => tools.includes(tool))?.name;
  const tools: Tool[] = [];
  const fetching = agentWith("fetch_url");
  if (fetching !== undefined && egress.length === 0)
    return err({
      code: "egress_not_configured",
      detail: `The agent ${fetching} names the tool fetch_url, and no host is allowed.`,
      remedy: "List the hosts under egress.allow in the configuration, or take the tool from the agent.",
    });
  if (fetching !== undefined) tools.push(createFetchUrlTool(createFetcher({ allowlist: egress })));
  const commanding = agentWith("command");
  if (commanding !== undefined) {
    const sandbox = await openSandbox({ folder, toolchains, random, onProgress });
    if (!sandbox.ok) {
      const { reason, message, remedy } = sandbox.error;
      return err({
        code: reason,
        detail: `The agent ${commanding} names the tool command: ${message}.`,
        remedy: `To have it, ${remedy}; else take the tool from the agent.`,
      });
    }
    tools.push(createCommandTool(sandbox.value));
  }
  return ok(tools);
}
