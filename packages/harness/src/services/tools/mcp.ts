// A tool of an MCP server. What the model, the rules and the approver see is the definition that an operator pinned;
// what the server says of it now is asked before every call, and where it says anything else the call is not made
// (spec/security.md, threat 5: rug pulls, postmark-mcp 2025).

import { PREVIEW_CHARS_MAX, TOOL_OUTPUT_CHARS_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { argumentNames, type McpDefinition } from "../../core/mcp/definition.ts";
import { driftOf } from "../../core/mcp/pins.ts";
import { visibleText } from "../../core/path/visible-text.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { Destination, Manifest } from "../../core/tool.ts";
import type { McpAnswer, McpServer, Tool, ToolResult } from "../../ports.ts";
import { compileInputSchema } from "../external/input-schema.ts";
import { cutTo } from "./output.ts";

/** A tool's own word of what went wrong; it may quote anybody. */
const ERROR_CHARS_MAX = 4_000;

export type McpToolOptions = {
  /** As the configuration names the server. */
  readonly server: string;
  readonly manifest: Manifest;
  /** As it was pinned. */
  readonly definition: McpDefinition;
  readonly connection: Pick<McpServer, "list" | "call">;
  /** Where that server is. */
  readonly destination: Destination;
};

/** @returns the tool, or why its schema cannot be checked against */
export function createMcpTool(options: McpToolOptions): Result<Tool, string> {
  const { server, manifest, definition, connection, destination } = options;
  const compiled = compileInputSchema(manifest.inputSchema);
  if (!compiled.ok) return err(`the schema of ${server}/${definition.name} ${compiled.error}`);
  const names = argumentNames(definition);
  const check = (args: Readonly<Record<string, unknown>>): StepError | null => {
    const unknown = Object.keys(args).find((name) => !names.includes(name));
    const fault = unknown === undefined ? compiled.value(args) : `/${unknown}: the tool has no such argument`;
    return fault === null
      ? null
      : { code: "arguments_invalid", detail: `The arguments do not fit: ${visibleText(cutTo(fault, 500))}.` };
  };
  return ok({
    scope: "world",
    asksToPlan: true,
    manifest,
    destination,
    plan: async (args, { signal }) => {
      const wrong = check(args) ?? (await changeOf(options, "for the model", signal));
      if (wrong !== null) return err(wrong);
      const preview = visibleText(JSON.stringify(args, null, 2));
      if (preview.length > PREVIEW_CHARS_MAX)
        return err({
          code: "preview_too_large",
          detail: `The arguments are longer than ${PREVIEW_CHARS_MAX} characters; nobody could review them.`,
        });
      const summary = `Call ${visibleText(definition.name)} of the MCP server ${server}`;
      return ok({ summary, preview, precondition: destination });
    },
    execute: async (args, _precondition, context) => {
      const { prove: _proof, ...unproven } = context;
      const wrong = check(args) ?? (await changeOf(options, "with the difference", context.signal));
      if (wrong !== null) return err(wrong);
      // The server took its time over that question; the run may have been called off meanwhile.
      if (manifest.effect !== "none" && (await context.isStillHeld?.()) === false)
        return err({ code: "not_sent", detail: "The run was called off before the call; nothing was sent." });
      const answer = await connection.call(definition, args, manifest.effect === "none" ? unproven : context);
      return answer.ok ? resultOf(answer.value, manifest) : answer;
    },
  });
}

// Why a call was refused is taken for our own text by whoever assembles prompts, so nothing of the server may stand in
// it; why a call that was begun failed is untrusted, and there the person who looks at the run finds the difference.
async function changeOf(
  { server, definition, connection }: McpToolOptions,
  telling: "for the model" | "with the difference",
  signal: AbortSignal,
): Promise<StepError | null> {
  const live = await connection.list(signal);
  if (!live.ok) return live.error;
  const drift = driftOf(definition, live.value);
  if (drift === null) return null;
  return {
    code: drift.code,
    detail: `${server}/${visibleText(definition.name)} is not the tool that was pinned; it is not called (\`assent mcp check\` tells the difference).${telling === "for the model" ? "" : ` ${cutTo(drift.lines.join("; "), ERROR_CHARS_MAX)}`}`,
  };
}

function resultOf({ text, isError }: McpAnswer, { returns }: Manifest): Result<ToolResult, StepError> {
  const seen = visibleText(text.replaceAll("\r\n", "\n"));
  if (isError)
    return err({ code: "tool_error", detail: `The tool reported an error. ${cutTo(seen, ERROR_CHARS_MAX)}` });
  const room = TOOL_OUTPUT_CHARS_MAX - 100;
  if (seen.length > room)
    return ok({ output: `${cutTo(seen, room)}\n[The answer is cut at ${room} characters.]`, label: returns });
  return ok({ output: seen === "" ? "[The answer is empty.]" : seen, label: returns });
}
