import { z } from "zod";
import { TOOL_OUTPUT_CHARS_MAX } from "../../base/limits.ts";
import { ok } from "../../base/result.ts";
import { visibleText } from "../../core/path/visible-text.ts";
import { quotedPath } from "../../core/path/workspace-path.ts";
import type { Tool, WorkspaceEntry } from "../../ports.ts";
import { folderPath } from "./folder-path.ts";
import { oneLine, joinWithin } from "./output.ts";
import { pathSchema, workspaceTool } from "./workspace-tool.ts";

const schema = z.strictObject({
  path: pathSchema
    .describe("The folder, relative to the workspace's root; the root itself when left out.")
    .optional(),
});

export const listFiles: Tool = workspaceTool({
  name: "list_files",
  version: "1",
  description:
    "Lists one folder of the workspace: a line per entry, folders with a trailing /, files with their size, links (which are never followed) with a trailing @.",
  schema,
  effect: "none",
  harm: [],
  controlArguments: ["path"],
  returns: "untrusted",
  plan: async ({ path }) => {
    const folder = folderPath(path);
    if (!folder.ok) return folder;
    const what = folder.value === "" ? "the workspace's root" : quotedPath(folder.value);
    return ok({ summary: `List ${what}`, preview: null, precondition: null });
  },
  execute: async ({ path }, _precondition, workspace) => {
    const folder = folderPath(path);
    if (!folder.ok) return folder;
    const entries = await workspace.list(folder.value);
    if (!entries.ok) return entries;
    if (entries.value.length === 0) return ok({ output: "[The folder is empty.]", label: "untrusted" });
    const output = joinWithin(
      entries.value.map(lineOf),
      TOOL_OUTPUT_CHARS_MAX,
      (shown) => `[${shown} of ${entries.value.length} entries; list a subfolder, or search.]`,
    );
    return ok({ output, label: "untrusted" });
  },
});

function lineOf(entry: WorkspaceEntry): string {
  const size = entry.sizeBytes === null ? "" : ` (${entry.sizeBytes} bytes)`;
  return `${oneLine(visibleText(entry.name))}${MARKS[entry.kind]}${size}`;
}

const MARKS: Readonly<Record<WorkspaceEntry["kind"], string>> = {
  folder: "/",
  link: "@",
  file: "",
  other: " (neither file nor folder)",
};
