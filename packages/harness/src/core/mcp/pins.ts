// The definitions that an operator has read and agreed to, in a file that is kept beside the configuration.

import { z } from "zod";
import { err, ok, type Result } from "../../base/result.ts";
import { differenceLines } from "../difference.ts";
import { definitionDigest, type McpDefinition, mcpDefinitionSchema } from "./definition.ts";

const pinSchema = z.strictObject({ digest: z.string(), definition: mcpDefinitionSchema });

export const mcpPinsSchema = z.strictObject({
  version: z.literal(1),
  servers: z.record(z.string(), z.record(z.string(), pinSchema)),
});
export type McpPins = z.infer<typeof mcpPinsSchema>;

export const NO_PINS: McpPins = { version: 1, servers: {} };

/** Null where the tool was never pinned; an error where the file was changed by hand. */
export function pinnedDefinition(
  { servers }: McpPins,
  server: string,
  tool: string,
): Result<McpDefinition | null, string> {
  const tools = Object.hasOwn(servers, server) ? servers[server] : undefined;
  const pin = tools !== undefined && Object.hasOwn(tools, tool) ? tools[tool] : undefined;
  if (pin === undefined) return ok(null);
  if (pin.digest !== definitionDigest(pin.definition) || pin.definition.name !== tool)
    return err(`the pin of ${server}/${tool} is not the digest of the definition beside it`);
  return ok(pin.definition);
}

/** The pins of one server, with one tool's pinned to what it says now. */
export function withPin(pins: McpPins, server: string, definition: McpDefinition): McpPins {
  const tools = Object.hasOwn(pins.servers, server) ? pins.servers[server] : undefined;
  const pin = { digest: definitionDigest(definition), definition };
  return {
    ...pins,
    servers: { ...pins.servers, [server]: { ...tools, [definition.name]: pin } },
  };
}

/**
 * What a server now says of a tool, held against its pin: null where it is the same to the byte.
 * @param live every definition of the server; two of one name are no definition at all (shadowing)
 */
export function driftOf(
  pinned: McpDefinition,
  live: readonly McpDefinition[],
): { readonly code: "tool_missing" | "tool_changed"; readonly lines: readonly string[] } | null {
  const [now, ...others] = live.filter(({ name }) => name === pinned.name);
  if (now === undefined)
    return { code: "tool_missing", lines: ["the server does not have the tool any more"] };
  if (others.length > 0)
    return { code: "tool_changed", lines: ["the server has several tools of this name"] };
  if (definitionDigest(now) === definitionDigest(pinned)) return null;
  return { code: "tool_changed", lines: differenceLines(pinned, now) };
}
