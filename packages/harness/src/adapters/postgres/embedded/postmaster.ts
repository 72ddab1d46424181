// The server process: launching it detached, knowing it for ours, and stopping it. Who may run is decided by
// Postgres's own lock file, postmaster.pid; we only read it, and remove it when its process is provably another.

import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { dataOf, logOf, pidFileOf, SOCKET_LOCK, SOCKET_PORT } from "./places.ts";
import { type Binaries, postgresOf } from "./platform.ts";
import { errorCode } from "./refusal.ts";
import { type Identity, TOOL_ENVIRONMENT } from "./tool.ts";

export type PidFile = {
  readonly pid: number;
  readonly socketFolder: string | undefined;
  /** Tells two starts apart even when they got the same pid. */
  readonly start: string;
};

/** Lines of postmaster.pid: pid, data folder, start time, port, socket folder, … (src/include/utils/pidfile.h). */
export const readPidFile = (home: string): PidFile | undefined => readLock(pidFileOf(home));

function readLock(file: string): PidFile | undefined {
  try {
    return parsePidFile(readFileSync(file, "utf8"));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function parsePidFile(text: string): PidFile | undefined {
  const [pid = "", , startTime = "", , socketFolder = ""] = text.split("\n");
  if (!/^[1-9]\d*$/.test(pid)) return undefined;
  return {
    pid: Number(pid),
    socketFolder: socketFolder.startsWith("/") ? socketFolder : undefined,
    start: `${pid} ${startTime}`,
  };
}

/**
 * Whether `pid` is a server on this data. After a crash or a reboot its number may belong to anything, which must
 * neither be signalled nor taken for a running server.
 * @returns undefined when that cannot be found out
 */
export function servesHome(pid: number, home: string): boolean | undefined {
  if (process.platform !== "linux") {
    const { stdout, status } = spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
    return status === 0 && stdout.includes(dataOf(home));
  }
  try {
    // A server's working folder is its data folder.
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataOf(home));
  } catch (error) {
    return errorCode(error) === "EACCES" ? undefined : false;
  }
}

/**
 * Removes lock files whose process id now belongs to another program; Postgres itself only sees that the number is in
 * use, and would refuse to start for ever.
 */
export function removeStaleLocks(home: string, socketFolder: string): void {
  for (const file of [pidFileOf(home), join(socketFolder, SOCKET_LOCK)]) removeStaleLock(file, home);
}

function removeStaleLock(file: string, home: string): void {
  const seen = readLock(file);
  if (seen === undefined || servesHome(seen.pid, home) !== false) return;
  const aside = `${file}.stale-${randomBytes(8).toString("hex")}`;
  try {
    renameSync(file, aside);
    // A server may have started between the look and the move: then its file goes back. One that starts in that
    // moment as well is stopped by Postgres's second lock, the shared memory of the first.
    if (readLock(aside)?.start !== seen.start) linkSync(aside, file);
  } catch (error) {
    if (errorCode(error) !== "ENOENT" && errorCode(error) !== "EEXIST") throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

const serverArguments = (home: string, socketFolder: string, fsync: boolean): string[] => {
  const settings: Readonly<Record<string, string>> = {
    listen_addresses: "",
    port: String(SOCKET_PORT),
    unix_socket_directories: socketFolder,
    unix_socket_permissions: "0700",
    max_connections: "100",
    shared_buffers: "64MB",
    fsync: fsync ? "on" : "off",
    synchronous_commit: fsync ? "on" : "off",
    full_page_writes: fsync ? "on" : "off",
    TimeZone: "UTC",
    log_timezone: "UTC",
    lc_messages: "C",
    cluster_name: "assent",
    // Statements and failing rows hold tenants' data and passwords: none of them may reach the log.
    log_min_messages: "log",
    log_min_error_statement: "panic",
    log_error_verbosity: "terse",
    log_checkpoints: "off",
  };
  return [
    "-D",
    dataOf(home),
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
};

export type Launch = {
  /** undefined while it runs. */
  exit(): { readonly failure: string } | undefined;
};

const LOG_BYTES_MAX = 10_000_000;

/** Starts the server in a session of its own, so that neither Ctrl-C nor our death reaches it. */
export function launchServer(
  home: string,
  options: { binaries: Binaries; identity: Identity | undefined; socketFolder: string; fsync: boolean },
): Launch {
  const log = logOf(home);
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) renameSync(log, `${log}.1`);
  const descriptor = openSync(log, "a", 0o600);
  const offset = fstatSync(descriptor).size;
  let isOver = false;
  let spawnFailure: string | undefined;
  try {
    const child = spawn(
      postgresOf(options.binaries),
      serverArguments(home, options.socketFolder, options.fsync),
      {
        cwd: "/",
        env: TOOL_ENVIRONMENT,
        detached: true,
        stdio: ["ignore", descriptor, descriptor],
        ...options.identity,
      },
    );
    child.once("error", (error) => {
      isOver = true;
      spawnFailure = error.message;
    });
    child.once("exit", () => {
      isOver = true;
    });
    child.unref();
  } finally {
    closeSync(descriptor);
  }
  return { exit: () => (isOver ? { failure: spawnFailure ?? readLogFrom(log, offset) } : undefined) };
}

const LOG_TAIL_BYTES = 4096;

function readLogFrom(file: string, offset: number): string {
  const descriptor = openSync(file, "r");
  try {
    const start = Math.max(offset, fstatSync(descriptor).size - LOG_TAIL_BYTES);
    const buffer = Buffer.alloc(LOG_TAIL_BYTES);
    return buffer.toString("utf8", 0, readSync(descriptor, buffer, 0, LOG_TAIL_BYTES, start)).trim();
  } finally {
    closeSync(descriptor);
  }
}

/** A fast shutdown writes one checkpoint; past this the server is stopped without, and recovers at its next start. */
const STOP_FAST_MS_MAX = 30_000;
const STOP_IMMEDIATE_MS_MAX = 10_000;
const STOP_POLL_MS = 10;

/** Stops the server on this home, and returns when it has let go of the data. */
export async function stopServer(home: string): Promise<void> {
  const seen = readPidFile(home);
  if (seen === undefined) return;
  for (const [signal, limitMs] of [
    ["SIGINT", STOP_FAST_MS_MAX],
    ["SIGQUIT", STOP_IMMEDIATE_MS_MAX],
  ] as const) {
    const ours = servesHome(seen.pid, home);
    if (ours === false) return;
    if (ours === undefined)
      throw new Error(`cannot tell whether process ${seen.pid} is the server of ${home}`);
    sendSignal(seen.pid, signal);
    const deadlineMs = performance.now() + limitMs;
    while (performance.now() < deadlineMs) {
      if (readPidFile(home)?.start !== seen.start && servesHome(seen.pid, home) !== true) return;
      await wait(STOP_POLL_MS);
    }
  }
  throw new Error(`the Postgres server ${seen.pid} does not stop`);
}

function sendSignal(pid: number, signal: "SIGINT" | "SIGQUIT"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) !== "ESRCH") throw error;
  }
}
