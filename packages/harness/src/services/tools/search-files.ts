import { z } from "zod";
import { TOOL_FILE_BYTES_MAX, TOOL_OUTPUT_CHARS_MAX } from "../../base/limits.ts";
import { ok, type Result } from "../../base/result.ts";
import { visibleText } from "../../core/path/visible-text.ts";
import { quotedPath } from "../../core/path/workspace-path.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { Tool, Workspace } from "../../ports.ts";
import { folderPath } from "./folder-path.ts";
import { findOccurrences } from "./literal-search.ts";
import { cutTo, joinWithin, oneLine } from "./output.ts";
import { decodeText } from "./text-file.ts";
import { textSchema, workspaceTool } from "./workspace-tool.ts";

/** Longer queries are refused; what is searched for stands on one line. */
const QUERY_CHARS_MAX = 1_000;
const MATCHES_MAX = 1_000;
const MATCHES_DEFAULT = 100;

/** Bytes that one search reads; past it the search ends and says so, for it holds up a worker. */
export const SEARCH_BYTES_MAX = 64 * 1024 * 1024;

/** Characters shown of one line; minified files have lines of a megabyte. */
const LINE_CHARS_MAX = 300;

const schema = z.strictObject({
  query: textSchema(QUERY_CHARS_MAX)
    .min(1)
    .refine((text) => !text.includes("\n"), "must be one line")
    .describe("The text to find, taken literally."),
  path: z
    .string()
    .min(1)
    .describe("A folder or file to search in; the whole workspace when left out.")
    .optional(),
  ignore_case: z
    .boolean()
    .describe("Whether upper and lower case are the same; false when left out.")
    .optional(),
  limit: z
    .int()
    .min(1)
    .max(MATCHES_MAX)
    .describe(`Matching lines to return, ${MATCHES_DEFAULT} when left out.`)
    .optional(),
});

export const searchFiles: Tool = workspaceTool({
  name: "search_files",
  version: "1",
  description:
    "Finds a literal text in the UTF-8 files of the workspace. One line per matching line: path:line: text. Binary and very large files are skipped.",
  schema,
  effect: "none",
  harm: [],
  controlArguments: ["path"],
  returns: "untrusted",
  plan: async ({ query, path }) => {
    const folder = folderPath(path);
    if (!folder.ok) return folder;
    const where = folder.value === "" ? "" : ` in ${quotedPath(folder.value)}`;
    return ok({ summary: `Search for ${quotedPath(query)}${where}`, preview: null, precondition: null });
  },
  execute: async (args, _precondition, workspace, { signal }) => {
    const search: Search = {
      query: args.ignore_case === true ? args.query.toLowerCase() : args.query,
      ignoreCase: args.ignore_case ?? false,
      limit: args.limit ?? MATCHES_DEFAULT,
      matches: [],
      files: 0,
      skipped: 0,
      bytes: 0,
    };
    const files = await filesIn(workspace, args.path, signal);
    if (!files.ok) return files;
    for await (const { path, sizeBytes } of files.value) {
      signal.throwIfAborted();
      if (search.matches.length >= search.limit || search.bytes >= SEARCH_BYTES_MAX)
        return ok({ output: report(search, true), label: "untrusted" });
      if (sizeBytes > TOOL_FILE_BYTES_MAX) search.skipped += 1;
      else await searchFile(workspace, path, search);
    }
    return ok({ output: report(search, false), label: "untrusted" });
  },
});

type Search = {
  readonly query: string;
  readonly ignoreCase: boolean;
  readonly limit: number;
  readonly matches: string[];
  files: number;
  skipped: number;
  bytes: number;
};

type Files = AsyncIterable<{ readonly path: string; readonly sizeBytes: number }>;

async function filesIn(
  workspace: Workspace,
  path: string | undefined,
  signal: AbortSignal,
): Promise<Result<Files, StepError>> {
  const folder = folderPath(path);
  if (!folder.ok) return folder;
  const listed = await workspace.list(folder.value);
  if (listed.ok) return ok(workspace.walk(folder.value, signal));
  if (listed.error.code !== "not_a_folder") return listed;
  const file = await workspace.read(folder.value);
  return file.ok ? ok(single(folder.value, file.value.byteLength)) : file;
}

async function* single(path: string, sizeBytes: number): Files {
  yield { path, sizeBytes };
}

async function searchFile(workspace: Workspace, path: string, search: Search): Promise<void> {
  const bytes = await workspace.read(path);
  const text = bytes.ok ? decodeText(bytes.value) : null;
  if (bytes.ok) search.bytes += bytes.value.byteLength;
  if (text === null) {
    search.skipped += 1;
    return;
  }
  search.files += 1;
  const compared = search.ignoreCase ? text.toLowerCase() : text;
  if (findOccurrences(compared, search.query, 1).length === 0) return;
  for (const [index, line] of text.split("\n").entries()) {
    const at = findOccurrences(search.ignoreCase ? line.toLowerCase() : line, search.query, 1)[0];
    if (at === undefined) continue;
    if (search.matches.length >= search.limit) return;
    search.matches.push(`${oneLine(visibleText(path))}:${index + 1}: ${shownOf(line, at)}`);
  }
}

function shownOf(line: string, at: number): string {
  const whole = line.endsWith("\r") ? line.slice(0, -1) : line;
  if (whole.length <= LINE_CHARS_MAX) return visibleText(whole);
  const start = Math.max(0, Math.min(at, whole.length) - 100);
  const part = cutTo(whole.slice(start), LINE_CHARS_MAX).toWellFormed();
  return visibleText(`${start > 0 ? "…" : ""}${part}${start + LINE_CHARS_MAX < whole.length ? "…" : ""}`);
}

function report(search: Search, cut: boolean): string {
  const counts = `${search.matches.length} matching lines; ${search.files} files searched, ${search.skipped} skipped (binary, too large or not readable)`;
  const ended = cut ? "; the search ended at its limit, narrow it by path or query" : "";
  const lines = [...search.matches, `[${counts}${ended}.]`];
  return joinWithin(lines, TOOL_OUTPUT_CHARS_MAX, (shown) => `[${shown} of ${counts}; narrow the search.]`);
}
