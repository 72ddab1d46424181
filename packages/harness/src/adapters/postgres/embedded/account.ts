// Postgres refuses to run as root. When we are root it runs as the system user `assent`, made on first use.

import { readFileSync, statSync } from "node:fs";
import { ELSEWHERE, type EmbeddedRefusal, errorCode, refuse } from "./refusal.ts";
import { ok, type Result } from "../../../base/result.ts";
import { type Identity, runTool } from "./tool.ts";

const ACCOUNT = "assent";
const USERADD: readonly string[] = ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT];

/**
 * Whom the server runs as: undefined (ourselves) unless we are root.
 * @param dataFolder an existing one decides: the server must own its data
 */
export async function chooseIdentity(
  dataFolder: string,
  onProgress: (line: string) => void,
): Promise<Result<Identity | undefined, EmbeddedRefusal>> {
  if (process.getuid?.() !== 0) return ok(undefined);
  const owner = ownerOf(dataFolder);
  if (owner !== undefined && owner.uid !== 0) return ok(owner);
  const known = await findAccount();
  if (known !== undefined) return ok(known);
  onProgress(`Postgres refuses to run as root: adding the system user ${ACCOUNT}`);
  const added = await runTool("useradd", USERADD, {});
  // Looked up whatever useradd said: another process may have added it at the same moment.
  const account = await findAccount();
  if (account !== undefined) return ok(account);
  return refuse(
    "account_missing",
    `Postgres refuses to run as root, and the system user ${ACCOUNT} could not be added`,
    `run: useradd ${USERADD.join(" ")}; or start as another user, ${ELSEWHERE}`,
    added.started ? added.output.trim() : `useradd: ${added.errno}`,
  );
}

function ownerOf(path: string): Identity | undefined {
  try {
    const { uid, gid } = statSync(path);
    return { uid, gid };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function findAccount(): Promise<Identity | undefined> {
  const local = parsePasswd(readFileSync("/etc/passwd", "utf8"));
  if (local !== undefined) return local;
  const found = await runTool("getent", ["passwd", ACCOUNT], {});
  return found.started ? parsePasswd(found.output) : undefined;
}

/** The account's ids in text of the form of /etc/passwd; an account with root's ids is none. */
export function parsePasswd(text: string): Identity | undefined {
  for (const line of text.split("\n")) {
    const [name, , uid, gid] = line.split(":");
    if (name !== ACCOUNT || uid === undefined || gid === undefined) continue;
    if (/^[1-9]\d*$/.test(uid) && /^[1-9]\d*$/.test(gid)) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}
