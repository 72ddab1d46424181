// What the operating system says, put so that a model can act on it: a stable code, and no path of this machine.

import type { StepError } from "../../core/run/journal.ts";
import { quotedPath } from "../../core/path/workspace-path.ts";

/** The operating system's own code (`ENOENT`, …), or undefined for an error of another kind. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

const MEANINGS: Readonly<Record<string, { readonly code: string; readonly says: string }>> = {
  ENOENT: { code: "not_found", says: "does not exist" },
  ENOTDIR: {
    code: "not_a_folder",
    says: "is not a folder, or leads through a link; links are never followed",
  },
  ELOOP: { code: "is_link", says: "is a link; links are never followed" },
  EISDIR: { code: "not_a_file", says: "is a folder" },
  ENXIO: { code: "not_a_file", says: "is neither a file nor a folder" },
  ENODEV: { code: "not_a_file", says: "is neither a file nor a folder" },
  ENOTEMPTY: { code: "not_a_file", says: "is a folder" },
  EACCES: { code: "access_denied", says: "may not be opened by this process" },
  EPERM: { code: "access_denied", says: "may not be changed by this process" },
  ENAMETOOLONG: { code: "path_invalid", says: "is too long for the file system" },
  ENOSPC: { code: "disk_full", says: "cannot be written: the disk is full" },
  EDQUOT: { code: "disk_full", says: "cannot be written: the disk quota is used up" },
  EROFS: { code: "access_denied", says: "is on a read-only file system" },
};

/** @param error anything caught; what is not an error of the operating system is thrown again */
export function fileError(error: unknown, path: string): StepError {
  const code = systemCode(error);
  if (code === undefined) throw error;
  const meaning = MEANINGS[code] ?? { code: "file_failed", says: `cannot be used (${code})` };
  return {
    code: meaning.code,
    detail: `${path === "" ? "The workspace" : quotedPath(path)} ${meaning.says}.`,
  };
}
