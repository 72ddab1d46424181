// A tool of a real server, as a start would make it: pinned to what the server says of it now.

import { openMcpEndpoint, type McpEndpoint } from "../../../packages/harness/src/adapters/mcp/open.ts";
import { manifestOf } from "../../../packages/harness/src/core/mcp/definition.ts";
import { mcpServerSchema } from "../../../packages/harness/src/core/mcp/mcp-config.ts";
import { destinationOf } from "../../../packages/harness/src/core/tool.ts";
import { parseAllowlistEntry } from "../../../packages/harness/src/core/egress/allowlist.ts";
import type { McpServer, Tool, ToolContext } from "../../../packages/harness/src/ports.ts";
import { createMcpTool } from "../../../packages/harness/src/services/tools/mcp.ts";
import type { HttpMcp } from "./servers.ts";

export const EFFECT = `sha256:${"e".repeat(64)}` as const;
export const context: ToolContext = {
  workspace: null,
  effectId: EFFECT,
  signal: new AbortController().signal,
};

export const endpointOf = ({ url }: { readonly url: string }): McpEndpoint => ({
  transport: "http",
  url,
  bearerToken: "token-of-the-bank",
  privateNetwork: true,
});

export function connect(
  endpoint: McpEndpoint,
  allow: readonly string[],
  onListChanged?: () => void,
): McpServer {
  const allowlist = allow.map((text) => {
    const entry = parseAllowlistEntry(text);
    if (!entry.ok) throw new Error(entry.error);
    return entry.value;
  });
  return openMcpEndpoint(endpoint, {
    allowlist,
    stderr: "ignore",
    ...(onListChanged === undefined ? {} : { onListChanged }),
  });
}

export type Pinned = AsyncDisposable & { readonly tool: Tool; readonly connection: McpServer };

export async function pinned(
  connection: McpServer,
  name: string,
  declared: object = {},
  server = "bank",
): Promise<Pinned> {
  const live = await connection.list(context.signal);
  if (!live.ok) throw new Error(live.error.detail);
  const definition = live.value.find((one) => one.name === name);
  if (definition === undefined) throw new Error(`there is no ${name}`);
  const { tools } = mcpServerSchema.parse({ transport: "stdio", command: "-", tools: { [name]: declared } });
  const config = tools[name];
  if (config === undefined) throw new Error("declared");
  const manifest = manifestOf(server, definition, config);
  if (!manifest.ok) throw new Error(manifest.error);
  const destination = destinationOf({ server });
  const made = createMcpTool({ server, manifest: manifest.value, definition, connection, destination });
  if (!made.ok) throw new Error(made.error);
  return {
    tool: made.value,
    connection,
    async [Symbol.asyncDispose]() {
      await connection.close();
    },
  };
}

export const pinnedPay = async (bank: HttpMcp, declared: object = {}): Promise<Pinned> =>
  await pinned(connect(endpointOf(bank), [`127.0.0.1:${bank.port}`]), "pay", declared);
