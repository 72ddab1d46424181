// The files that settings are read from: a JSON file that fits its schema, and the folders that it names.

import { readdirSync, readFileSync } from "node:fs";
import type { z } from "zod";
import { err, ok, type Result } from "./base/result.ts";

/** Why a start is refused. */
export type ConfigRefusal = { readonly code: string; readonly detail: string; readonly remedy: string };

export function readFolder(folder: string): Result<readonly string[], ConfigRefusal> {
  try {
    return ok(readdirSync(folder).toSorted());
  } catch (error) {
    return refuse(
      "folder_unreadable",
      `${folder} cannot be read (${codeOf(error)}).`,
      "Mend the path in the configuration.",
    );
  }
}

/** The file's own mistakes are named by place: a configuration is written by hand. */
export function readJsonFile<T>(path: string, schema: z.ZodType<T>): Result<T, ConfigRefusal> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const why =
      error instanceof SyntaxError ? `is not JSON${placeOf(error)}` : `cannot be read (${codeOf(error)})`;
    return refuse("file_unreadable", `${path} ${why}.`, "Mend the file, or name another.");
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? "" : ` at ${issue.path.join(".")}`;
  return refuse(
    "file_invalid",
    `${path} is not as it should be${place}: ${issue?.message ?? "invalid"}.`,
    "Mend the file; unknown fields are refused on purpose.",
  );
}

// Of V8's message the place alone: the rest may quote the file.
function placeOf({ message }: SyntaxError): string {
  if (message.includes("end of JSON input")) return ": it ends too early";
  const [, line, column] = /\(line (\d+) column (\d+)\)$/u.exec(message) ?? [];
  return line === undefined ? "" : `: see line ${line}, column ${column}`;
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown error";

export const refuse = (code: string, detail: string, remedy: string): Result<never, ConfigRefusal> =>
  err({ code, detail, remedy });
