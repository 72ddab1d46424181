// Whether the tool of a journaled call is still the one that it was made for.

import { OUTCOME_UNKNOWN, type StepError, type ToolStep } from "../../core/run/journal.ts";
import { goingOf, manifestDigest } from "../../core/tool.ts";
import type { Tool } from "../../ports.ts";
import type { Held } from "../held.ts";

export const TOOL_CHANGED: StepError = {
  code: "tool_changed",
  detail: "The tool is not the one that this call was made for.",
};
// The new one cannot say what the old one did; taken for a failure the effect would neither be taken back nor told of.
export const CHANGED_MEANWHILE: StepError = {
  code: OUTCOME_UNKNOWN,
  detail:
    "The tool is not the one that this call was made for, and nobody knows whether that one had carried it out.",
};

/**
 * The tool that the call was made for, to its manifest and its place; undefined where it is gone, another or elsewhere by
 * now. Of a call that an older program journaled nobody knows where it was to go: it is repeated where the tool is today.
 */
export function sameTool({ ports }: Held, { request: { action, precondition } }: ToolStep): Tool | undefined {
  const tool = ports.tools.get(action.tool);
  if (tool === undefined || manifestDigest(tool.manifest) !== action.manifest_digest) return undefined;
  return goingOf(tool, precondition) === "elsewhere" ? undefined : tool;
}

/** Only who surely is where the call went can say what became of it. */
export function witnessOf(held: Held, step: ToolStep): Tool | undefined {
  const tool = sameTool(held, step);
  return tool !== undefined && goingOf(tool, step.request.precondition) === "there" ? tool : undefined;
}
