// Whom programs run as when we are root. Outer root stays root for parts of /proc, whatever namespaces are around it:
// one write to core_pattern from within such a sandbox gave the machine away (spec security 5). The user is another
// one than the database's, so that no command can reach the database's files or socket.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { err, ok, type Result } from "../../base/result.ts";
import type { SandboxRefusal } from "./refusal.ts";

export type Identity = { readonly uid: number; readonly gid: number };

export const ACCOUNT = "assent-tools";
const USERADD: readonly string[] = [
  "--system",
  "--user-group",
  "--no-create-home",
  "--home-dir",
  "/nonexistent",
  "--shell",
  "/usr/sbin/nologin",
  ACCOUNT,
];

const run = promisify(execFile);
// useradd may live in sbin. None of our own environment: it may hold keys.
const ENVIRONMENT: NodeJS.ProcessEnv = { LC_ALL: "C", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };

/** Null: ourselves, because we are not root. */
export async function chooseIdentity(
  onProgress: (line: string) => void,
): Promise<Result<Identity | null, SandboxRefusal>> {
  if (process.getuid?.() !== 0) return ok(null);
  const known = await findAccount();
  if (known !== null) return ok(known);
  onProgress(`commands never run as root: adding the system user ${ACCOUNT}`);
  // Looked up whatever useradd says: another process may add it at the same moment.
  await attempt("useradd", USERADD);
  const added = await findAccount();
  if (added !== null) return ok(added);
  return err({
    reason: "account_missing",
    message: `commands never run as root, and the system user ${ACCOUNT} could not be added`,
    remedy: `run: useradd ${USERADD.join(" ")}; or start as another user than root`,
  });
}

async function findAccount(): Promise<Identity | null> {
  const local = parseAccount(readFileSync("/etc/passwd", "utf8"));
  if (local !== null) return local;
  return parseAccount((await attempt("getent", ["passwd", ACCOUNT])) ?? "");
}

async function attempt(file: string, args: readonly string[]): Promise<string | null> {
  try {
    const { stdout } = await run(file, args, { env: ENVIRONMENT, cwd: "/" });
    return stdout;
  } catch (error) {
    if (error instanceof Error && "code" in error) return null;
    throw error;
  }
}

/** The account's ids in text of the form of /etc/passwd; an account with root's ids is none. */
export function parseAccount(text: string): Identity | null {
  for (const line of text.split("\n")) {
    const [name, , uid, gid] = line.split(":");
    if (name !== ACCOUNT || uid === undefined || gid === undefined) continue;
    if (/^[1-9]\d*$/u.test(uid) && /^[1-9]\d*$/u.test(gid)) return { uid: Number(uid), gid: Number(gid) };
  }
  return null;
}
