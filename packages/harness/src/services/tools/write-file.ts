import { z } from "zod";
import { TOOL_FILE_BYTES_MAX } from "../../base/limits.ts";
import { ok } from "../../base/result.ts";
import type { Tool } from "../../ports.ts";
import { carryOut, planChange } from "./change.ts";
import { pathSchema, textSchema, workspaceTool } from "./workspace-tool.ts";

const schema = z.strictObject({
  path: pathSchema,
  content: textSchema(TOOL_FILE_BYTES_MAX).describe("The whole new text of the file."),
});

export const writeFile: Tool = workspaceTool({
  name: "write_file",
  version: "1",
  description:
    "Creates a UTF-8 text file in the workspace, or replaces the whole of one. Missing folders are made. To change a part of a file use edit_file.",
  schema,
  effect: "idempotent",
  harm: ["write"],
  controlArguments: ["path"],
  returns: "trusted",
  plan: async ({ path, content }, workspace) =>
    await planChange(workspace, path, "Replace", () => ok(content)),
  execute: async ({ path, content }, precondition, workspace) =>
    await carryOut(workspace, path, precondition, () => ok(content)),
});
