// The tools of declared MCP servers. They come from the pins, not from the servers: one that cannot be reached, or says
// something else than what was pinned, stops nobody's start, and its calls are refused one by one.

import { systemClock } from "../adapters/system/clock.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Config } from "../config.ts";
import { isAllowed } from "../core/egress/allowlist.ts";
import { parseEgressUrl } from "../core/egress/url.ts";
import { destinationOfServer } from "../core/mcp/mcp-config.ts";
import { type McpDefinition, manifestOf } from "../core/mcp/definition.ts";
import { driftOf, pinnedDefinition } from "../core/mcp/pins.ts";
import type { McpDeclaredServer } from "../mcp-config.ts";
import type { Log, McpServer, Tool } from "../ports.ts";
import { createMcpTool } from "../services/tools/mcp.ts";
import type { StartRefusal } from "./refusal.ts";
import { spaced } from "./spaced.ts";

/** For looking at every server once, at the start and when one says that its tools changed. */
const CHECK_MS_MAX = 30_000;
/** Between two looks that a server asks for: it may announce that its tools changed as often as it likes. */
const CHECK_PAUSE_MS = 10_000;

export type McpTools = {
  readonly tools: readonly Tool[];
  /**
   * Asks every server what its tools are now, and again whenever one says that they changed.
   * @param log is told of each tool that is not what was pinned, in the server's own words: a redacted one
   */
  watch(log: Log): Promise<void>;
  close(): Promise<void>;
};

export async function openMcpTools({
  mcp,
  egress,
}: Pick<Config, "mcp" | "egress">): Promise<Result<McpTools, StartRefusal>> {
  if (mcp.servers.size === 0) return ok(NO_TOOLS);
  // The vendor's client is loaded only by those who have a server for it.
  const { openMcpEndpoint } = await import("../adapters/mcp/open.ts");
  // Whatever a server says before there is one is seen when it is asked then.
  let told: Log | null = null;
  const closed = new AbortController();
  const tools: Tool[] = [];
  const opened: Opened[] = [];
  for (const [name, server] of mcp.servers) {
    const unreachable = wrongHost(name, server, egress);
    if (unreachable !== null) return err(unreachable);
    const check = spaced(
      async () => {
        if (told !== null) await checkServer(one, told);
      },
      async () => await systemClock.sleep(CHECK_PAUSE_MS, closed.signal),
    );
    const connection = openMcpEndpoint(server.endpoint, {
      allowlist: egress,
      stderr: "ignore",
      onListChanged: check,
    });
    const pinned: McpDefinition[] = [];
    const one: Opened = { name, connection, pinned };
    opened.push(one);
    for (const tool of Object.keys(server.config.tools)) {
      const made = toolOf(name, tool, server, mcp.pins, connection);
      if (!made.ok) return made;
      tools.push(made.value.tool);
      pinned.push(made.value.definition);
    }
  }
  return ok({
    tools,
    watch: async (log) => {
      told = log;
      await Promise.all(opened.map(async (one) => await checkServer(one, log)));
    },
    close: async () => {
      // A look that is still to come would connect again.
      told = null;
      closed.abort();
      await Promise.all(opened.map(async ({ connection }) => await connection.close()));
    },
  });
}

const NO_TOOLS: McpTools = { tools: [], watch: async () => {}, close: async () => {} };

type Opened = {
  readonly name: string;
  readonly connection: McpServer;
  readonly pinned: readonly McpDefinition[];
};

const refuse = (code: string, detail: string, remedy: string): Result<never, StartRefusal> =>
  err({ code, detail, remedy });

function toolOf(
  name: string,
  tool: string,
  { config }: McpDeclaredServer,
  pins: Config["mcp"]["pins"],
  connection: McpServer,
): Result<{ readonly tool: Tool; readonly definition: McpDefinition }, StartRefusal> {
  const declared = config.tools[tool];
  const pinned = pinnedDefinition(pins, name, tool);
  if (!pinned.ok)
    return refuse("mcp_pins_invalid", `${pinned.error}.`, "Look at the tool, and run `assent mcp pin`.");
  if (pinned.value === null || declared === undefined)
    return refuse(
      "mcp_not_pinned",
      `The tool ${tool} of the MCP server ${name} was never pinned.`,
      "Run `assent mcp pin`, read what it shows, and agree.",
    );
  const manifest = manifestOf(name, pinned.value, declared);
  if (!manifest.ok) return refuse("mcp_tool_invalid", `${manifest.error}.`, "Mend its declaration.");
  const made = createMcpTool({
    server: name,
    manifest: manifest.value,
    definition: pinned.value,
    connection,
    destination: destinationOfServer(name, config),
  });
  return made.ok
    ? ok({ tool: made.value, definition: pinned.value })
    : refuse("mcp_tool_invalid", `${made.error}.`, "Take the tool out of the configuration.");
}

function wrongHost(
  name: string,
  { endpoint }: McpDeclaredServer,
  egress: Config["egress"],
): StartRefusal | null {
  if (endpoint.transport !== "http") return null;
  const url = parseEgressUrl(endpoint.url);
  if (url.ok && isAllowed(url.value, egress)) return null;
  return {
    code: "mcp_host_not_listed",
    detail: `The MCP server ${name} is at ${url.ok ? `${url.value.host}:${url.value.port}` : "no usable URL"}, which is not listed.`,
    remedy: "List its host (and port, where it is none of 80 and 443) under egress.allow.",
  };
}

async function checkServer({ name, connection, pinned }: Opened, log: Log): Promise<void> {
  const live = await connection.list(AbortSignal.timeout(CHECK_MS_MAX));
  if (!live.ok) {
    const { code, why } = live.error;
    log("warn", "an MCP server cannot be asked for its tools", { server: name, code, why });
    return;
  }
  for (const definition of pinned) {
    const drift = driftOf(definition, live.value);
    if (drift === null) continue;
    log("warn", "an MCP tool is not what was pinned; its calls are refused", {
      server: name,
      tool: definition.name,
      code: drift.code,
      difference: drift.lines,
    });
  }
}
