// Makes a new cluster, and checks one that is there. A cluster is built aside and renamed into place, so that a home
// is either complete or absent, whoever is killed and however many build it at once.

import { randomBytes } from "node:crypto";
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { makePasswords, hidePasswords, type Passwords, ROLE_NAMES, writePasswords } from "./passwords.ts";
import { dataOf, openToGroup, passwordsOf } from "./places.ts";
import { type Binaries, initdbOf, majorOf } from "./platform.ts";
import { type EmbeddedRefusal, errorCode, refuse, refuseFullDisk, type Refused } from "./refusal.ts";
import { ok, type Result } from "../../../base/result.ts";
import { type Identity, runTool, type ToolRun } from "./tool.ts";

export type ClusterOptions = {
  readonly binaries: Binaries;
  readonly identity: Identity | undefined;
  readonly fsync: boolean;
  readonly signal: AbortSignal | undefined;
};

/** No initdb takes this long; an older draft was left by a process that was killed. */
const DRAFT_AGE_MS_MAX = 3_600_000;

/** Makes the cluster at `home`. When another process was faster, its cluster stays and ours is thrown away. */
export async function createCluster(
  home: string,
  options: ClusterOptions,
): Promise<Result<void, EmbeddedRefusal>> {
  sweepDrafts(home);
  const draft = `${home}.draft-${randomBytes(8).toString("hex")}`;
  try {
    mkdirSync(draft, { mode: 0o700 });
    openToGroup(draft, options.identity);
    const made = await initialise(draft, options);
    if (!made.ok) return made;
    renameSync(draft, home);
    return ok(undefined);
  } catch (error) {
    if (errorCode(error) === "ENOTEMPTY" || errorCode(error) === "EEXIST") return ok(undefined);
    throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function sweepDrafts(home: string): void {
  const parent = dirname(home);
  for (const name of readdirSync(parent).filter((entry) => entry.startsWith(`${basename(home)}.draft-`))) {
    const draft = join(parent, name);
    const stats = statSync(draft, { throwIfNoEntry: false });
    if (stats === undefined || Date.now() - stats.mtimeMs < DRAFT_AGE_MS_MAX) continue;
    rmSync(draft, { recursive: true, force: true });
  }
}

async function initialise(draft: string, options: ClusterOptions): Promise<Result<void, EmbeddedRefusal>> {
  const { identity } = options;
  const passwords = makePasswords();
  writePasswords(passwordsOf(draft), passwords);
  // Read by initdb in the place of an argument, which every user of the machine could see.
  const passwordFile = join(draft, "superuser-password");
  writeFileSync(passwordFile, `${passwords.superuser}\n`, { mode: 0o600, flag: "wx" });
  mkdirSync(dataOf(draft), { mode: 0o700 });
  if (identity !== undefined) {
    for (const path of [passwordFile, dataOf(draft)]) chownSync(path, identity.uid, identity.gid);
  }
  const run = await runTool(initdbOf(options.binaries), initdbArguments(draft, passwordFile, options.fsync), {
    identity,
    signal: options.signal,
  });
  rmSync(passwordFile);
  return run.started && run.exitCode === 0 ? ok(undefined) : refuseInitialise(draft, run, passwords);
}

const initdbArguments = (draft: string, passwordFile: string, fsync: boolean): string[] => [
  `--pgdata=${dataOf(draft)}`,
  `--username=${ROLE_NAMES.superuser}`,
  `--pwfile=${passwordFile}`,
  "--auth-local=scram-sha-256",
  "--auth-host=reject",
  "--encoding=UTF8",
  // Postgres's own C.UTF-8: sorting must not change with the machine's C library, which silently breaks indexes.
  "--locale=C",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
  "--no-instructions",
  ...(fsync ? [] : ["--no-sync"]),
];

/** Also where only a part of a page was taken, which is no error of the system's. */
const FULL_DISK = /No space left on device|Disk quota exceeded|Check free disk space/u;

/** What went wrong, of all that is told beside it; all of it where nothing says so. */
function complaintsOf(output: string): string {
  const lines = output.trim().split("\n");
  const complaints = lines.filter((line) => /\b(?:error|FATAL|PANIC|ERROR|HINT|DETAIL): /u.test(line));
  return (complaints.length === 0 ? lines : complaints).join("\n");
}

function refuseInitialise(draft: string, run: ToolRun, passwords: Passwords): Refused {
  const output = hidePasswords(run.started ? complaintsOf(run.output) : run.errno, passwords);
  const folder = dirname(draft);
  if (FULL_DISK.test(output)) return refuseFullDisk(folder, output);
  if (output.includes("Permission denied") || output.includes("Read-only file system")) {
    return refuse(
      "folder_unreachable",
      `Postgres cannot write below ${folder}`,
      `make ${folder} reachable and writable, or choose another folder`,
      output,
    );
  }
  return refuse(
    "start_failed",
    `a new database could not be made below ${folder}`,
    "mend what the detail says and start again",
    output,
  );
}

/** Refuses data that these binaries cannot or should not open. */
export function checkCluster(home: string, binaries: Binaries): Result<void, EmbeddedRefusal> {
  const data = dataOf(home);
  const version = readVersion(join(data, "PG_VERSION"));
  if (version === undefined || !existsSync(join(data, "global", "pg_control"))) {
    return refuse(
      "data_corrupt",
      `${data} is not a whole Postgres data folder`,
      `restore ${home} from a backup; to start empty instead, move it away`,
    );
  }
  if (version === majorOf(binaries)) return ok(undefined);
  return refuse(
    "version_mismatch",
    `${data} was written by Postgres ${version}, and this program brings Postgres ${majorOf(binaries)}`,
    `dump it with the program version that wrote it and restore it here; to start empty instead, move ${home} away`,
  );
}

function readVersion(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
