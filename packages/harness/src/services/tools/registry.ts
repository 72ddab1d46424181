import { assert } from "../../base/assert.ts";
import type { Tool, Tools } from "../../ports.ts";
import { deleteFile } from "./delete-file.ts";
import { editFile } from "./edit-file.ts";
import { listFiles } from "./list-files.ts";
import { readFile } from "./read-file.ts";
import { readHistory } from "./read-history.ts";
import { searchDocumentsTool } from "./search-documents.ts";
import { searchFiles } from "./search-files.ts";
import { writeFile } from "./write-file.ts";

/** The tools that work on a run's own workspace. */
export const workspaceTools: readonly Tool[] = [
  listFiles,
  readFile,
  searchFiles,
  readHistory,
  writeFile,
  editFile,
  deleteFile,
];

/** Those that read what belongs to the tenant. */
export const tenantTools: readonly Tool[] = [searchDocumentsTool];

/** @throws AssertionFailed for a name that is not one, or that two tools share: a call must mean one tool only */
export function createTools(tools: readonly Tool[]): Tools {
  const byName = new Map<string, Tool>();
  for (const tool of tools) {
    const { name } = tool.manifest;
    // What every model provider takes as a function's name.
    assert(
      /^[a-z][a-z0-9_]{0,63}$/u.test(name),
      `a tool's name is lower-case words: ${JSON.stringify(name)}`,
    );
    assert(!byName.has(name), `two tools are named ${name}`);
    byName.set(name, tool);
  }
  const list = [...byName.values()];
  return { get: (name) => byName.get(name), list: () => list };
}
