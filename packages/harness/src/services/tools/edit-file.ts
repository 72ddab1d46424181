import { z } from "zod";
import { TOOL_FILE_BYTES_MAX } from "../../base/limits.ts";
import { err, ok } from "../../base/result.ts";
import { quotedPath } from "../../core/path/workspace-path.ts";
import type { Tool } from "../../ports.ts";
import { carryOut, planChange, type Rewrite } from "./change.ts";
import { findOccurrences } from "./literal-search.ts";
import { pathSchema, textSchema, workspaceTool } from "./workspace-tool.ts";

/** Occurrences are counted up to here; the message says "at least" from there on. */
const OCCURRENCES_MAX = 100;

const schema = z.strictObject({
  path: pathSchema,
  old_text: textSchema(TOOL_FILE_BYTES_MAX)
    .min(1)
    .describe("The text to replace, exactly as it stands in the file; it must occur once only."),
  new_text: textSchema(TOOL_FILE_BYTES_MAX).describe("What takes its place."),
});

export const editFile: Tool = workspaceTool({
  name: "edit_file",
  version: "1",
  description:
    "Replaces one exact piece of a UTF-8 text file in the workspace. The old text must occur exactly once: take in enough of what is around it.",
  schema,
  effect: "idempotent",
  harm: ["write"],
  controlArguments: ["path"],
  returns: "trusted",
  plan: async ({ path, ...edit }, workspace) =>
    await planChange(workspace, path, "Edit", replacing(path, edit)),
  execute: async ({ path, ...edit }, precondition, workspace) =>
    await carryOut(workspace, path, precondition, replacing(path, edit)),
});

function replacing(path: string, edit: { readonly old_text: string; readonly new_text: string }): Rewrite {
  return (before) => {
    if (before === null)
      return err({
        code: "not_found",
        detail: `${quotedPath(path)} does not exist; create it with write_file.`,
      });
    const found = findOccurrences(before, edit.old_text, OCCURRENCES_MAX);
    const at = found[0];
    if (at === undefined)
      return err({ code: "text_not_found", detail: notFound(path, before, edit.old_text) });
    if (found.length > 1) {
      const times = found.length < OCCURRENCES_MAX ? `${found.length}` : `at least ${OCCURRENCES_MAX}`;
      return err({
        code: "text_not_unique",
        detail: `old_text occurs ${times} times in ${quotedPath(path)}; it must occur exactly once. Take in more of what is around it.`,
      });
    }
    return ok(before.slice(0, at) + edit.new_text + before.slice(at + edit.old_text.length));
  };
}

function notFound(path: string, before: string, wanted: string): string {
  const hint =
    before.includes("\r\n") && wanted.includes("\n") && !wanted.includes("\r\n")
      ? " Its lines end in CRLF, those of old_text in LF."
      : "";
  return `old_text occurs 0 times in ${quotedPath(path)}; it must occur exactly once, to the letter.${hint}`;
}
