// The tools that need a wall around them. Each is made only where an agent names it, and where its wall stands;
// an agent whose tool cannot be had stops the start, with the reason.

import { createFetcher } from "../adapters/egress/fetcher.ts";
import { openSandbox } from "../adapters/sandbox/open-sandbox.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Config } from "../config.ts";
import type { Random, Sandbox, Tool } from "../ports.ts";
import { createCommandTool } from "../services/tools/command.ts";
import { createFetchUrlTool } from "../services/tools/fetch-url.ts";
import type { StartRefusal } from "./refusal.ts";

/**
 * A server decides about commands and carries none out, so it needs no sandbox, nor the right to make namespaces. Its
 * workers prove theirs before they take a run.
 */
const ELSEWHERE: Sandbox = {
  run: async () => await Promise.reject(new Error("a server carries out no commands")),
};

export type GuardedToolsOptions = {
  /** Where commands get their copies; made when it is missing and needed. */
  readonly folder: string;
  /** Whether this process carries out what tools do, or only decides about it. */
  readonly isWorking: boolean;
  readonly random: Random;
  readonly onProgress: (line: string) => void;
};

/** @returns the tools that agents name, with a wall proven to stand where this process carries them out */
export async function openGuardedTools(
  { agents, egress, toolchains }: Pick<Config, "agents" | "egress" | "toolchains">,
  { folder, isWorking, random, onProgress }: GuardedToolsOptions,
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
    const sandbox = isWorking ? await openSandbox({ folder, toolchains, random, onProgress }) : ok(ELSEWHERE);
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
