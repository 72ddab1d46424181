// What all tools on a workspace share: arguments are parsed by the very schema that the manifest publishes, and
// nothing happens without a workspace.

import { z } from "zod";
import { err, type Result } from "../../base/result.ts";
import { visibleText } from "../../core/path/visible-text.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { Manifest } from "../../core/tool.ts";
import type { Plan, Tool, ToolContext, ToolResult, Workspace } from "../../ports.ts";

export type WorkspaceToolDefinition<Schema extends z.ZodObject> = Omit<Manifest, "inputSchema"> & {
  readonly schema: Schema;
  readonly plan: (
    args: z.infer<Schema>,
    workspace: Workspace,
    context: ToolContext,
  ) => Promise<Result<Plan, StepError>>;
  readonly execute: (
    args: z.infer<Schema>,
    precondition: string | null,
    workspace: Workspace,
    context: ToolContext,
  ) => Promise<Result<ToolResult, StepError>>;
};

export function workspaceTool<Schema extends z.ZodObject>(definition: WorkspaceToolDefinition<Schema>): Tool {
  const { schema, plan, execute, ...described } = definition;
  return {
    scope: "workspace",
    manifest: { ...described, inputSchema: z.toJSONSchema(schema, { io: "input" }) },
    plan: async (args, context) => {
      const parsed = parseArguments(schema, args);
      if (!parsed.ok) return parsed;
      if (context.workspace === null) return err(NO_WORKSPACE);
      return await plan(parsed.value, context.workspace, context);
    },
    execute: async (args, precondition, context) => {
      const parsed = parseArguments(schema, args);
      if (!parsed.ok) return parsed;
      if (context.workspace === null) return err(NO_WORKSPACE);
      return await execute(parsed.value, precondition, context.workspace, context);
    },
  };
}

const NO_WORKSPACE: StepError = { code: "no_workspace", detail: "This run has no workspace." };

/** Complaints that one answer names; a model mends the first few and tries again. */
const ISSUES_MAX = 5;

/** @returns the arguments, or which of them are wrong and how, without repeating their values */
export function parseArguments<Schema extends z.ZodType>(
  schema: Schema,
  args: Readonly<Record<string, unknown>>,
): Result<z.output<Schema>, StepError> {
  const parsed = schema.safeParse(args);
  if (parsed.success) return { ok: true, value: parsed.data };
  const issues = parsed.error.issues.slice(0, ISSUES_MAX).map((issue) => {
    const at = issue.path.length === 0 ? "" : `${issue.path.map(String).join(".")}: `;
    return visibleText(`${at}${issue.message}`.slice(0, 200)).replaceAll("\n", "\\n");
  });
  return err({ code: "arguments_invalid", detail: `The arguments do not fit: ${issues.join("; ")}.` });
}

/** What stands in a file or a message: a lone surrogate has no UTF-8 form, and NUL makes a text binary. */
export const textSchema = (charsMax: number): z.ZodString =>
  z
    .string()
    .max(charsMax)
    .refine((text) => text.isWellFormed() && !text.includes("\0"), "must be well-formed text without NUL");

/** A workspace path; its grammar is checked where it is used, with a better message than a schema's. */
export const pathSchema: z.ZodString = z
  .string()
  .min(1)
  .describe("Path relative to the workspace's root, separated by /, for example docs/guide.md.");
