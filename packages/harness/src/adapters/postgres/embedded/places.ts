// Where things lie. One folder, the *home*, holds all of a cluster: `data`, `socket`, `passwords.json`, `server.log`.
// It is `<folder>/postgres`, or a folder of the system's when the server's user cannot reach that.

import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { type Binaries, pgCtlOf } from "./platform.ts";
import { type EmbeddedRefusal, errorCode, refuse } from "./refusal.ts";
import { ok, type Result } from "../../../base/result.ts";
import { type Identity, runTool } from "./tool.ts";

export const dataOf = (home: string): string => join(home, "data");
export const logOf = (home: string): string => join(home, "server.log");
export const passwordsOf = (home: string): string => join(home, "passwords.json");
export const pidFileOf = (home: string): string => join(dataOf(home), "postmaster.pid");

/** Only ever a file's name: nothing listens on this port. */
export const SOCKET_PORT = 5432;
const SOCKET_FILE = `.s.PGSQL.${SOCKET_PORT}`;
export const SOCKET_LOCK: string = `${SOCKET_FILE}.lock`;
/** sockaddr_un.sun_path holds 108 bytes on Linux and 104 on macOS, the closing zero included. */
const SOCKET_PATH_BYTES_MAX: number = process.platform === "darwin" ? 103 : 107;
const DIGEST_HEX_CHARS = 32;

const digestOf = (path: string): string =>
  createHash("sha256").update(path).digest("hex").slice(0, DIGEST_HEX_CHARS);

/** Makes `folder` if need be, passable for the server's group but listable for nobody else. Returns its real path. */
export function prepareFolder(folder: string, identity: Identity | undefined): string {
  if (!existsSync(folder)) {
    makeFolder(resolve(folder));
    openToGroup(folder, identity);
  }
  return realpathSync(folder);
}

// Node 24's own recursive mkdir never returns where nothing can be made, such as below /proc, and hides EROFS.
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o755 });
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
}

export function openToGroup(folder: string, identity: Identity | undefined): void {
  if (identity === undefined) return chmodSync(folder, 0o700);
  chownSync(folder, process.getuid?.() ?? 0, identity.gid);
  chmodSync(folder, 0o710);
}

const pointerOf = (folder: string): string => join(folder, "postgres.json");
const ownHomeOf = (folder: string): string => join(folder, "postgres");
const systemHomeOf = (folder: string, systemFolder: string): string => join(systemFolder, digestOf(folder));

/** The home that is already in use for `folder`, or undefined when there is none yet. */
export function findHome(folder: string, systemFolder: string): Result<string | undefined, EmbeddedRefusal> {
  const pointer = pointerOf(folder);
  if (!existsSync(pointer)) return ok(existsSync(ownHomeOf(folder)) ? ownHomeOf(folder) : undefined);
  const expected = systemHomeOf(folder, systemFolder);
  if (readFileSync(pointer, "utf8") === pointerText(expected)) return ok(expected);
  // Never followed blindly: a copied folder would share the original's database, and a forged one could name anything.
  return refuse(
    "folder_moved",
    `${pointer} points to a database that was made for a folder elsewhere`,
    `was ${folder} moved: move the folder named there to ${expected}; was it copied: neither; then delete ${pointer}`,
  );
}

const pointerText = (home: string): string => `${JSON.stringify({ home })}\n`;

/** Chooses where a new cluster goes, and leaves the pointer when that is not inside `folder`. */
export async function chooseHome(
  folder: string,
  systemFolder: string,
  binaries: Binaries,
  identity: Identity | undefined,
  onProgress: (line: string) => void,
): Promise<Result<string, EmbeddedRefusal>> {
  if (identity === undefined || (await canReach(folder, binaries, identity))) return ok(ownHomeOf(folder));
  const prepared = prepareSystemFolder(systemFolder);
  if (!prepared.ok) return prepared;
  if (!(await canReach(systemFolder, binaries, identity))) {
    return refuse(
      "folder_unreachable",
      `the user that Postgres runs as (uid ${identity.uid}) can reach neither ${folder} nor ${systemFolder}`,
      `run: chmod o+x on each folder above ${folder}`,
    );
  }
  const home = systemHomeOf(folder, systemFolder);
  onProgress(`Postgres's user cannot reach ${folder}: the database is kept in ${home}`);
  // Written aside and renamed, so that a reader sees all of it or none, and a planted link is replaced, not followed.
  const draft = `${pointerOf(folder)}.${randomBytes(8).toString("hex")}`;
  writeFileSync(draft, pointerText(home), { mode: 0o600, flag: "wx" });
  renameSync(draft, pointerOf(folder));
  return ok(home);
}

// Asked of the kernel, not computed from mode bits: there are ACLs, mounts and security modules.
async function canReach(folder: string, binaries: Binaries, identity: Identity): Promise<boolean> {
  const probe = mkdtempSync(join(folder, ".reach-"));
  try {
    chownSync(probe, identity.uid, identity.gid);
    const run = await runTool(pgCtlOf(binaries), ["status", "-D", probe], { identity });
    return run.started && run.output.includes("is not a database cluster directory");
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

/** The folder of the system's for databases and binaries: root's, and writable for nobody else. */
export function prepareSystemFolder(systemFolder: string): Result<void, EmbeddedRefusal> {
  makeFolder(resolve(systemFolder));
  const { uid, mode } = lstatSync(systemFolder);
  if (uid === process.getuid?.() && (mode & 0o022) === 0) return ok(undefined);
  return refuse(
    "folder_unreachable",
    `${systemFolder} belongs to uid ${uid} or is writable for others, so what lies in it cannot be trusted`,
    `run: chown root ${systemFolder} && chmod 755 ${systemFolder}`,
  );
}

const fits = (folder: string): boolean =>
  Buffer.byteLength(join(folder, SOCKET_FILE)) <= SOCKET_PATH_BYTES_MAX;

/** The folder of the server's socket: inside the home, or a private short one when that path is too long. */
export function prepareSocketFolder(
  home: string,
  identity: Identity | undefined,
): Result<string, EmbeddedRefusal> {
  const inside = join(home, "socket");
  const name = `assent-${digestOf(home)}`;
  const candidates = [inside, join(tmpdir(), name), join("/tmp", name)];
  const folder = candidates.find(fits) ?? join("/tmp", name);
  const uid = identity?.uid ?? process.getuid?.() ?? 0;
  makePrivateFolder(folder, identity);
  // Anybody may have made that name in the shared folder before us, and would then sit between us and the server.
  const found = lstatSync(folder);
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0) return ok(folder);
  return refuse(
    "socket_folder_taken",
    `${folder} is needed for the database's socket, but another user owns or can enter it`,
    `remove ${folder}, or move the database to a folder with a shorter path`,
  );
}

function makePrivateFolder(folder: string, identity: Identity | undefined): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) === "EEXIST") return;
    throw error;
  }
  if (identity !== undefined) chownSync(folder, identity.uid, identity.gid);
}
