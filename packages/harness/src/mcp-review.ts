// What MCP servers say of their tools, held against what was pinned, for an operator to read and to agree to.

import { renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { openMcpEndpoint } from "./adapters/mcp/open.ts";
import { err, ok, type Result } from "./base/result.ts";
import { type Config, type ConfigRefusal, type Environment, readConfig } from "./config.ts";
import { type McpDefinition, manifestOf } from "./core/mcp/definition.ts";
import { classifyAddress } from "./core/egress/address.ts";
import { parseEgressUrl } from "./core/egress/url.ts";
import { driftOf, pinnedDefinition, withPin } from "./core/mcp/pins.ts";
import type { Manifest } from "./core/tool.ts";
import type { McpUnasked } from "./ports.ts";
import { type McpDeclaredServer, readServer } from "./mcp-config.ts";

/** For starting a server and asking for its list. */
const ASK_MS_MAX = 30_000;

/**
 * `same`: to the byte what was pinned. `new`: never pinned. `unknown`: the server could not be asked, or was not.
 * `undeclared`: the server has it, and the configuration gives it to nobody.
 */
export type ToolState = "same" | "new" | "changed" | "missing" | "unknown" | "undeclared";

export type ReviewedTool = {
  readonly server: string;
  readonly tool: string;
  readonly state: ToolState;
  /** What agents would get; null where there is nothing to make it of, with the reason in `fault`. */
  readonly manifest: Manifest | null;
  readonly fault: string | null;
  /** What the server says now; null where it was not or could not be asked. */
  readonly live: McpDefinition | null;
  readonly pinned: McpDefinition | null;
  /** What differs from the pin, one line a place. */
  readonly difference: readonly string[];
};

export type Review = {
  readonly pinsFile: string;
  readonly tools: readonly ReviewedTool[];
  /** Servers that could not be asked, or could not be if they were, and why. */
  readonly unasked: readonly { readonly server: string; readonly why: string }[];
  /** Pins these to what their servers say now, and leaves all others as they are. */
  pin(tools: readonly ReviewedTool[]): void;
};

/**
 * Reads what is declared and pinned. Secrets are wanted of those servers alone that are asked.
 * @param asks which servers are started and asked; of the others only what is on file is looked at
 */
export async function reviewMcp(
  configFile: string,
  environment: Environment,
  asks: (server: string) => boolean,
): Promise<Result<Review, ConfigRefusal>> {
  const config = readConfig(configFile, { ...environment, variable: () => NO_SECRET }, null);
  if (!config.ok) return config;
  const { mcp } = config.value;
  const { pinsFile } = mcp;
  if (pinsFile === null)
    return err({
      code: "mcp_not_configured",
      detail: `${configFile} declares no MCP server.`,
      remedy: "Declare one under mcp.servers (docs/tools.md).",
    });
  const tools: ReviewedTool[] = [];
  const unasked: { readonly server: string; readonly why: string }[] = [];
  for (const [name, server] of mcp.servers) {
    const whole = asks(name)
      ? readServer(name, server.config, dirname(configFile), environment.variable)
      : null;
    if (whole?.ok === false) return whole;
    const asked = whole === null ? null : await askServer(whole.value, config.value);
    const why = asked === null ? unreachableOf(server) : asked.ok ? null : asked.error.why;
    if (why !== null) unasked.push({ server: name, why });
    const reviewed = reviewServer(name, server, config.value, asked?.ok === true ? asked.value : null);
    if (!reviewed.ok) return reviewed;
    tools.push(...reviewed.value);
  }
  return ok({
    pinsFile,
    tools,
    unasked,
    pin: (chosen) => {
      let { pins } = mcp;
      for (const { server, live } of chosen) if (live !== null) pins = withPin(pins, server, live);
      // All of it or nothing: half a file of pins stops the next start.
      writeFileSync(`${pinsFile}.new`, `${JSON.stringify(pins, null, 2)}\n`);
      renameSync(`${pinsFile}.new`, pinsFile);
    },
  });
}

/** Stands for every variable while nobody is asked. */
const NO_SECRET = "";

/** What can be told without asking: an address in the URL that the declaration does not permit. */
function unreachableOf({ endpoint }: McpDeclaredServer): string | null {
  if (endpoint.transport !== "http" || endpoint.privateNetwork) return null;
  const url = parseEgressUrl(endpoint.url);
  if (!url.ok || !url.value.isAddress || classifyAddress(url.value.host).kind !== "special") return null;
  return `${url.value.host} is not on the open Internet, and its declaration has no "private_network": true.`;
}

async function askServer(
  { endpoint }: McpDeclaredServer,
  { egress }: Config,
): Promise<Result<readonly McpDefinition[], McpUnasked>> {
  const connection = openMcpEndpoint(endpoint, { allowlist: egress, stderr: "inherit" });
  try {
    return await connection.list(AbortSignal.timeout(ASK_MS_MAX));
  } finally {
    await connection.close();
  }
}

function reviewServer(
  server: string,
  { config }: McpDeclaredServer,
  { mcp: { pins } }: Config,
  live: readonly McpDefinition[] | null,
): Result<ReviewedTool[], ConfigRefusal> {
  const tools: ReviewedTool[] = [];
  for (const [tool, declared] of Object.entries(config.tools)) {
    const found = pinnedDefinition(pins, server, tool);
    if (!found.ok)
      return err({
        code: "mcp_pins_invalid",
        detail: `${found.error}.`,
        remedy: "Restore the file of pins, or remove it and pin anew.",
      });
    const pinned = found.value;
    const now = live?.find(({ name }) => name === tool) ?? null;
    const definition = now ?? pinned;
    const manifest = definition === null ? null : manifestOf(server, definition, declared);
    tools.push({
      server,
      tool,
      ...stateOf(tool, pinned, live),
      manifest: manifest?.ok === true ? manifest.value : null,
      fault: manifest?.ok === false ? manifest.error : null,
      live: now,
      pinned,
    });
  }
  for (const definition of live ?? [])
    if (!Object.hasOwn(config.tools, definition.name))
      tools.push({
        server,
        tool: definition.name,
        state: "undeclared",
        manifest: null,
        fault: null,
        live: definition,
        pinned: null,
        difference: [],
      });
  return ok(tools);
}

function stateOf(
  tool: string,
  pinned: McpDefinition | null,
  live: readonly McpDefinition[] | null,
): Pick<ReviewedTool, "state" | "difference"> {
  if (live === null) return { state: pinned === null ? "new" : "unknown", difference: [] };
  if (pinned === null) {
    const there = live.filter(({ name }) => name === tool).length;
    // Two of one name: nobody could say which of them is meant (shadowing).
    return { state: there === 1 ? "new" : "missing", difference: [] };
  }
  const drift = driftOf(pinned, live);
  if (drift === null) return { state: "same", difference: [] };
  return { state: drift.code === "tool_missing" ? "missing" : "changed", difference: drift.lines };
}
