import { ok, type Result } from "../../base/result.ts";
import { parsePath } from "../../core/path/workspace-path.ts";
import type { StepError } from "../../core/run/journal.ts";

/** The folder that an optional argument means; empty for the root, which models like to call ".". */
export function folderPath(path: string | undefined): Result<string, StepError> {
  if (path === undefined || path === ".") return ok("");
  const parsed = parsePath(path, "read");
  return parsed.ok ? ok(path) : parsed;
}
