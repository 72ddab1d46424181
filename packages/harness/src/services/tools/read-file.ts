import { z } from "zod";
import { TOOL_OUTPUT_CHARS_MAX } from "../../base/limits.ts";
import { err, ok } from "../../base/result.ts";
import { parsePath, quotedPath } from "../../core/path/workspace-path.ts";
import type { Tool } from "../../ports.ts";
import { cutTo } from "./output.ts";
import { BYTE_ORDER_MARK, linesOf, readText } from "./text-file.ts";
import { pathSchema, workspaceTool } from "./workspace-tool.ts";

/** Line numbers and counts above this are refused: no file that can be read has as many. */
const LINES_MAX = 2_000_000;

const schema = z.strictObject({
  path: pathSchema,
  from_line: z.int().min(1).max(LINES_MAX).describe("The first line to return, from 1.").optional(),
  lines: z.int().min(1).max(LINES_MAX).describe("How many lines to return; all when left out.").optional(),
});

export const readFile: Tool = workspaceTool({
  name: "read_file",
  version: "1",
  description:
    "Returns the text of one UTF-8 file of the workspace, exactly as it is. Long files are cut; a closing remark in brackets says where to continue.",
  schema,
  effect: "none",
  harm: [],
  controlArguments: ["path"],
  returns: "untrusted",
  plan: async ({ path }) => {
    const parsed = parsePath(path, "read");
    if (!parsed.ok) return parsed;
    return ok({ summary: `Read ${quotedPath(path)}`, preview: null, precondition: null });
  },
  execute: async ({ path, from_line: fromLine = 1, lines: count = LINES_MAX }, _precondition, workspace) => {
    const text = await readText(workspace, path);
    if (!text.ok) return text;
    const plain = text.value.startsWith(BYTE_ORDER_MARK) ? text.value.slice(1) : text.value;
    const all = linesOf(plain);
    if (all.length === 0) return ok({ output: "[The file is empty.]", label: "untrusted" });
    if (fromLine > all.length)
      return err({ code: "line_not_found", detail: `${quotedPath(path)} has ${all.length} lines.` });
    return ok({ output: excerpt(plain, all, fromLine, count), label: "untrusted" });
  },
});

/** Room for the closing remark. */
const REMARK_CHARS_MAX = 300;

function excerpt(text: string, all: readonly string[], fromLine: number, count: number): string {
  const room = TOOL_OUTPUT_CHARS_MAX - REMARK_CHARS_MAX;
  if (fromLine === 1 && count >= all.length && text.length <= room) return withLineEnds(text, text);
  const wanted = all.slice(fromLine - 1, fromLine - 1 + count);
  let shown = 0;
  let chars = 0;
  for (const line of wanted) {
    if (chars + line.length + 1 > room) break;
    chars += line.length + 1;
    shown += 1;
  }
  const last = fromLine + shown - 1;
  if (shown === 0) {
    const remark = `[Line ${fromLine} of ${all.length} is cut: it has ${wanted[0]?.length ?? 0} characters.]`;
    return `${cutTo(wanted[0] ?? "", room)}\n${remark}`;
  }
  const next = last < all.length ? ` Continue with from_line ${last + 1}.` : "";
  const body = wanted.slice(0, shown).join("\n");
  return withLineEnds(`${body}\n[Lines ${fromLine} to ${last} of ${all.length}.${next}]`, body);
}

// Otherwise a model that means to replace text over several lines cannot know why it is not found.
function withLineEnds(output: string, body: string): string {
  if (!body.includes("\r\n")) return output;
  return `${output.endsWith("\n") ? output : `${output}\n`}[Lines end in CRLF.]`;
}
