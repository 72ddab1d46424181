// What an MCP server says of a tool, and what becomes of it here. The server is nobody's friend (spec/security.md,
// threat 5): its words are pinned by digest when an operator has read them, and its hints can only make us stricter.

import type { Effect, Harm } from "@assent/contract";
import { z } from "zod";
import { digestOf, type Sha256 } from "../../base/digest.ts";
import { JSON_DEPTH_MAX } from "../../base/limits.ts";
import { isSoundJson } from "../../base/sound-json.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { Manifest } from "../tool.ts";
import { neutralise, neutraliseMembers } from "../prompt/neutralise.ts";
import type { McpToolConfig } from "./mcp-config.ts";

/** Longer ones are refused when they are pinned: nobody reads them, and every prompt carries them. */
const DESCRIPTION_CHARS_MAX = 8_000;
/** Of the canonical input schema. */
const SCHEMA_CHARS_MAX = 64_000;

/** Hints of a server about its own tool (MCP 2026-07-28); absent ones say nothing. */
const annotationsSchema = z.strictObject({
  title: z.string().optional(),
  readOnlyHint: z.boolean().optional(),
  destructiveHint: z.boolean().optional(),
  idempotentHint: z.boolean().optional(),
  openWorldHint: z.boolean().optional(),
});

export const mcpDefinitionSchema = z
  .strictObject({
    name: z.string().min(1).max(128),
    title: z.string().optional(),
    description: z.string(),
    inputSchema: z.record(z.string(), z.unknown()),
    annotations: annotationsSchema,
  })
  .refine(
    (definition) => isSoundJson(definition, JSON_DEPTH_MAX),
    "holds what no JSON says the same way twice",
  );

/** Everything of a tool that a model or an approver rests on. */
export type McpDefinition = z.infer<typeof mcpDefinitionSchema>;

export function definitionDigest(definition: McpDefinition): Sha256 {
  return digestOf("mcp_definition", definition);
}

/** Names of the arguments that the tool's author declared; others are refused, whatever the schema allows. */
export function argumentNames({ inputSchema }: McpDefinition): readonly string[] {
  const properties = inputSchema["properties"];
  return typeof properties === "object" && properties !== null ? Object.keys(properties) : [];
}

/** How agents name a server's tool where the operator gives it no name: `<server>__<tool>`. Null: no such name can be. */
export function namespacedName(server: string, tool: string): string | null {
  const words = tool
    .replaceAll(/(?<=[a-z0-9])(?=[A-Z])/gu, "_")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/gu, "_");
  const name = `${server}__${words}`;
  return /[a-z0-9]/u.test(words) && /^[a-z][a-z0-9_]{0,62}$/u.test(name) ? name : null;
}

/**
 * The manifest of a pinned definition. Its version is the pin, so that whatever the server changes, down to a hint,
 * makes another manifest digest, and what was approved for the old one needs assent again.
 */
export function manifestOf(
  server: string,
  definition: McpDefinition,
  config: McpToolConfig,
): Result<Manifest, string> {
  const name = config.name ?? namespacedName(server, definition.name);
  if (name === null)
    return err(`${server}/${definition.name} cannot be named after itself; give it a \`name\``);
  const fault = faultOf(definition, config);
  if (fault !== null) return err(`${server}/${definition.name} ${fault}`);
  const { effect, harm } = strictest(config, definition.annotations);
  return ok({
    name,
    version: definitionDigest(definition),
    description: neutralise(definition.description),
    inputSchema: { ...definition.inputSchema, additionalProperties: false },
    effect,
    harm,
    // What the operator did not call content is control.
    controlArguments: config.control_arguments ?? argumentNames(definition),
    ...(config.named_by === undefined ? {} : { namedBy: config.named_by }),
    returns: config.returns,
  });
}

function faultOf(definition: McpDefinition, config: McpToolConfig): string | null {
  if (definition.description.length > DESCRIPTION_CHARS_MAX)
    return `has a description of more than ${DESCRIPTION_CHARS_MAX} characters`;
  const schema = JSON.stringify(definition.inputSchema);
  if (schema.length > SCHEMA_CHARS_MAX) return `has a schema of more than ${SCHEMA_CHARS_MAX} characters`;
  if (definition.inputSchema["type"] !== "object") return "has a schema whose arguments are no object";
  // In a description such text is made harmless; in names and values of a schema it could not be without changing them.
  // Text by text: in the JSON of it a line break is an escape, and what begins after an empty line is not seen.
  if (JSON.stringify(neutraliseMembers(definition.inputSchema)) !== schema)
    return "has a schema that holds invisible characters or a control token of a chat template";
  const names = argumentNames(definition);
  const missing = config.control_arguments?.find((name) => !names.includes(name));
  return missing === undefined ? null : `has no argument ${JSON.stringify(missing)} that could be control`;
}

/** A hint counts only where it is worse than what the operator said. */
function strictest(
  { effect, harm }: Pick<McpToolConfig, "effect" | "harm">,
  hints: McpDefinition["annotations"],
): { readonly effect: Effect; readonly harm: readonly Harm[] } {
  const harms = new Set<Harm>(harm);
  if (hints.readOnlyHint === false) harms.add("write");
  if (hints.destructiveHint === true && hints.readOnlyHint !== true) harms.add("write").add("destructive");
  if (hints.openWorldHint === true && hints.readOnlyHint === false) harms.add("egress");
  const writes = hints.readOnlyHint === false && effect === "none";
  const repeats = hints.idempotentHint === false && hints.readOnlyHint !== true && effect === "idempotent";
  return { effect: writes || repeats ? "once" : effect, harm: [...harms].toSorted() };
}
