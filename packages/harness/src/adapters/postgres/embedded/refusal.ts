// Why the embedded database cannot run here, as data: the edge prints `message` and `remedy`, tests match `reason`.

export type EmbeddedRefusalReason =
  | "unsupported_platform"
  | "musl"
  | "binaries_missing"
  | "binaries_broken"
  | "binaries_unreachable"
  | "account_missing"
  | "folder_unwritable"
  | "folder_unreachable"
  | "folder_moved"
  | "socket_folder_taken"
  | "disk_full"
  | "version_mismatch"
  | "data_corrupt"
  | "passwords_unreadable"
  | "start_failed"
  | "start_timeout";

export type EmbeddedRefusal = {
  readonly reason: EmbeddedRefusalReason;
  /** One line: what happened, to what. */
  readonly message: string;
  /** One line: what to do about it. */
  readonly remedy: string;
  /** The end of what Postgres wrote, without any password. */
  readonly detail?: string;
};

export const ELSEWHERE = "or set DATABASE_URL to a Postgres (15 or newer) that runs elsewhere";

export type Refused = { readonly ok: false; readonly error: EmbeddedRefusal };

export const refuse = (
  reason: EmbeddedRefusalReason,
  message: string,
  remedy: string,
  detail?: string,
): Refused => ({
  ok: false,
  error: { reason, message, remedy, ...(detail === undefined || detail === "" ? {} : { detail }) },
});

export const errorCode = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;

const FULL: readonly string[] = ["ENOSPC", "EDQUOT"];
// ENOENT too: what a folder in which nothing can be made says, such as /proc.
const UNWRITABLE: readonly string[] = ["EACCES", "EPERM", "EROFS", "ENOTDIR", "ENOENT"];

/**
 * Turns a file system error that an operator can mend into a refusal; rethrows any other.
 * @param error what a `node:fs` call threw
 * @param folder the folder that was being prepared, for the message
 */
export function refuseFileError(error: unknown, folder: string): Refused {
  const code = errorCode(error) ?? "";
  const path = error instanceof Error && "path" in error ? String(error.path) : folder;
  if (FULL.includes(code)) return refuseFullDisk(path);
  if (UNWRITABLE.includes(code)) {
    return refuse(
      "folder_unwritable",
      `the database folder cannot be used: ${code} at ${path}`,
      `make ${folder} writable for this user, or choose another folder`,
    );
  }
  throw error;
}

export const refuseFullDisk = (path: string, detail?: string): Refused =>
  refuse(
    "disk_full",
    `no space is left for the database at ${path}`,
    "free some space and start again",
    detail,
  );
