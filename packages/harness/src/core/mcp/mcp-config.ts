// How an operator declares MCP servers and what their tools do. What is left out is taken at its worst (DESIGN.md
// section 5); what is unknown is refused.

import { effectSchema, harmSchema, namedBySchema } from "@assent/contract";
import { z } from "zod";
import { type Destination, destinationOf } from "../tool.ts";

const mcpToolSchema = z.strictObject({
  /** How agents call it; `<server>__<tool>` where it is left out. */
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,62}$/)
    .optional(),
  effect: effectSchema.default("once"),
  harm: z.array(harmSchema).default(["write", "egress", "money", "destructive"]),
  /** All of them where it is left out. */
  control_arguments: z.array(z.string()).optional(),
  /** Words by which a requester asks for it, beside those of its name. */
  named_by: namedBySchema.optional(),
  returns: z.enum(["trusted", "untrusted"]).default("untrusted"),
});
export type McpToolConfig = z.infer<typeof mcpToolSchema>;

export const variableSchema = z.string().regex(/^[A-Z_][A-Z0-9_]{0,100}$/);
const toolsSchema = z.record(z.string().min(1).max(128), mcpToolSchema);

export const mcpServerSchema = z.discriminatedUnion("transport", [
  z.strictObject({
    transport: z.literal("http"),
    url: z.url({ protocol: /^https?$/ }),
    /** The variable of the environment that holds the token; the token itself never stands in a file. */
    bearer_token_env: variableSchema.optional(),
    /** Whether the host may have an address of this machine or of a private network. Its name still has to be listed. */
    private_network: z.boolean().default(false),
    tools: toolsSchema,
  }),
  z.strictObject({
    transport: z.literal("stdio"),
    /** A path, or a name that is looked up in the system's own folders. No shell reads it or its arguments. */
    command: z.string().min(1).max(4_096),
    args: z.array(z.string().max(32_000)).max(256).default([]),
    cwd: z.string().min(1).optional(),
    /** All that the server sees of an environment, besides a fixed PATH. */
    environment: z.record(variableSchema, z.string()).default({}),
    /** Variables of our own environment that are handed on: secrets of the server. */
    pass_environment: z.array(variableSchema).default([]),
    tools: toolsSchema,
  }),
]);
export type McpServerConfig = z.infer<typeof mcpServerSchema>;

/**
 * As it is declared: two machines of a fleet that keep the configuration in different folders have one answer. Of the
 * variables that are handed on only the names count: a new token of the same name is the same account's.
 */
export function destinationOfServer(server: string, config: McpServerConfig): Destination {
  if (config.transport === "http")
    return destinationOf({
      kind: "mcp_http",
      server,
      url: config.url,
      credential: config.bearer_token_env ?? "",
      private_network: config.private_network,
    });
  return destinationOf({
    kind: "mcp_stdio",
    server,
    command: config.command,
    args: config.args,
    cwd: config.cwd ?? "",
    environment: config.environment,
    pass_environment: config.pass_environment.toSorted(),
  });
}

/** No `__` inside: that is what stands between a server's name and its tool's. */
const serverNameSchema = z.string().regex(/^(?=.{1,32}$)[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/);

export const mcpSchema = z.strictObject({
  servers: z.record(serverNameSchema, mcpServerSchema),
  /** Where `assent mcp pin` keeps what the tools said of themselves; relative to the configuration. */
  pins: z.string().min(1).default("assent.mcp-pins.json"),
});
