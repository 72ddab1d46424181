import { err, ok, type Result } from "../../base/result.ts";
import { quotedPath } from "../../core/path/workspace-path.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { Workspace } from "../../ports.ts";

/**
 * The text of a UTF-8 file, exact: a byte order mark stays in it, so that encoding gives the same bytes again.
 * Null for bytes that are no such text.
 */
export function decodeText(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    // The encoding standard's only error here: the bytes are not UTF-8.
    if (error instanceof TypeError) return null;
    throw error;
  }
}

export async function readText(workspace: Workspace, path: string): Promise<Result<string, StepError>> {
  const bytes = await workspace.read(path);
  if (!bytes.ok) return bytes;
  const text = decodeText(bytes.value);
  return text === null ? err(binaryError(path)) : ok(text);
}

function binaryError(path: string): StepError {
  return { code: "binary_file", detail: `${quotedPath(path)} is not a UTF-8 text file.` };
}

/** Its lines, without their ends; a last line end does not begin another line. */
export function linesOf(text: string): readonly string[] {
  if (text === "") return [];
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}

export const BYTE_ORDER_MARK = "\uFEFF";
