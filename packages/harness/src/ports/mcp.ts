// An MCP server as the tools see it.

import type { Sha256 } from "../base/digest.ts";
import type { Result } from "../base/result.ts";
import type { McpDefinition } from "../core/mcp/definition.ts";
import type { StepError } from "../core/run/journal.ts";
import type { CallLease } from "./queue.ts";

/** What a tool answered, as text within limits; all of it was written by others. */
export type McpAnswer = { readonly text: string; readonly isError: boolean };

export type McpCallContext = CallLease & { readonly effectId: Sha256; readonly signal: AbortSignal };

/** `why`: for operators, who have to mend it; models are told `detail`. */
export type McpUnasked = StepError & { readonly why: string };

export type McpServer = {
  /**
   * What the server says of its tools now: asked, never remembered. Error codes `not_sent` and `mcp_failed`; neither
   * holds text of the server.
   */
  list(signal: AbortSignal): Promise<Result<readonly McpDefinition[], McpUnasked>>;
  /**
   * Error codes: `not_sent` (surely nothing happened), `mcp_refused` (the server said no before doing anything),
   * `outcome_unknown`.
   */
  call(
    tool: McpDefinition,
    args: Readonly<Record<string, unknown>>,
    under: McpCallContext,
  ): Promise<Result<McpAnswer, StepError>>;
  close(): Promise<void>;
};
