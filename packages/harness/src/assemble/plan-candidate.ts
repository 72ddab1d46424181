// What a configuration would put in force, worked out without starting anything: for `assent plan`.

import { fileURLToPath } from "node:url";
import { createFetcher } from "../adapters/egress/fetcher.ts";
import { err, ok, type Result } from "../base/result.ts";
import { type Environment, readConfig } from "../config.ts";
import type { Candidate } from "../core/decide/waiting.ts";
import type { Tool } from "../ports.ts";
import { createCommandTool } from "../services/tools/command.ts";
import { createFetchUrlTool } from "../services/tools/fetch-url.ts";
import { openMcpTools } from "./mcp-tools.ts";
import { prepareParts } from "./parts.ts";
import type { StartRefusal } from "./refusal.ts";

const BUNDLED_AGENTS = fileURLToPath(new URL("../../agents/", import.meta.url));

/** Refuses what a start would refuse, but for what only a start can find out: the sandbox, the database. */
export async function openCandidate(
  configFile: string,
  environment: Environment,
  model: string | null,
): Promise<Result<Required<Candidate>, StartRefusal>> {
  const config = readConfig(configFile, environment, BUNDLED_AGENTS);
  if (!config.ok) return config;
  const mcp = await openMcpTools(config.value);
  if (!mcp.ok) return mcp;
  // No server was started or asked: nothing is to be closed but what there is of bookkeeping.
  await mcp.value.close();
  const parts = prepareParts(config.value, model, [
    ...manifestsOnly(config.value.egress),
    ...mcp.value.tools,
  ]);
  if (!parts.ok) return parts;
  const { policies, agents, tools } = parts.value;
  return ok({ policies, agents, tools });
}

// Of these two only what they say of themselves is looked at; no wall of theirs has to stand for that.
function manifestsOnly(allowlist: Parameters<typeof createFetcher>[0]["allowlist"]): readonly Tool[] {
  const notHere = { code: "not_started", detail: "Nothing is run while a plan is worked out." };
  return [
    createFetchUrlTool(createFetcher({ allowlist })),
    createCommandTool({ run: async () => await Promise.resolve(err(notHere)) }),
  ];
}
