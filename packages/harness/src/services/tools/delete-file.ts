import { z } from "zod";
import { sha256Hex } from "../../base/digest.ts";
import { PREVIEW_CHARS_MAX } from "../../base/limits.ts";
import { err, ok } from "../../base/result.ts";
import { visibleText } from "../../core/path/visible-text.ts";
import { parsePath, quotedPath } from "../../core/path/workspace-path.ts";
import type { Tool, ToolResult } from "../../ports.ts";
import { decodeText, linesOf } from "./text-file.ts";
import { pathSchema, workspaceTool } from "./workspace-tool.ts";

const schema = z.strictObject({ path: pathSchema });

// Our own fixed words, with nothing of the file in them: reading them taints no run.
const DONE: ToolResult = { output: "Done: the file was deleted.", label: "trusted" };
const DONE_BEFORE: ToolResult = { output: "Done: there is no such file any more.", label: "trusted" };

export const deleteFile: Tool = workspaceTool({
  name: "delete_file",
  version: "1",
  description: "Deletes one file of the workspace, and the folders that are empty without it.",
  schema,
  effect: "idempotent",
  harm: ["write", "destructive"],
  controlArguments: ["path"],
  returns: "trusted",
  plan: async ({ path }, workspace) => {
    const deletable = parsePath(path, "write");
    if (!deletable.ok) return deletable;
    const found = await workspace.read(path);
    if (!found.ok) return found;
    return ok({
      summary: `Delete ${quotedPath(path)} (${found.value.byteLength} bytes)`,
      preview: previewOf(path, found.value),
      precondition: stateOf(found.value),
    });
  },
  execute: async ({ path }, precondition, workspace) => {
    const deletable = parsePath(path, "write");
    if (!deletable.ok) return deletable;
    if (precondition === null || !STATE.test(precondition))
      return err({ code: "precondition_invalid", detail: "The deletion was never planned." });
    const found = await workspace.read(path);
    if (!found.ok && found.error.code === "not_found") return ok(DONE_BEFORE);
    if (!found.ok) return found;
    // Another content than the one that somebody agreed to lose.
    if (precondition !== stateOf(found.value))
      return err({
        code: "file_changed",
        detail: `${quotedPath(path)} has changed since this was planned; read it again and make a new call.`,
      });
    const removed = await workspace.remove(path);
    return removed.ok ? ok(DONE) : removed;
  },
});

const STATE = /^sha256:[0-9a-f]{64}$/u;
const stateOf = (content: Uint8Array): string => `sha256:${sha256Hex(content)}`;

// What would be lost. What is no text, or longer than anybody reads, is named by its size and digest.
function previewOf(path: string, content: Uint8Array): string {
  const name = visibleText(path);
  const text = decodeText(content);
  const removed = text === null ? [] : linesOf(text).map((line) => `-${line}`);
  const whole = `--- a/${name}\n+++ /dev/null\n@@ -1,${removed.length} +0,0 @@\n${visibleText(removed.join("\n"))}\n`;
  if (text !== null && whole.length <= PREVIEW_CHARS_MAX) return whole;
  return `--- a/${name}\n+++ /dev/null\n${text === null ? "Not text" : `${removed.length} lines, too long to show`}: ${content.byteLength} bytes, ${stateOf(content)}\n`;
}
