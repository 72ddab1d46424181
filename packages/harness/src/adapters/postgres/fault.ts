// What a failed statement says about the database rather than about the statement.

import { DatabaseError } from "pg";

/**
 * `conflict`: Postgres undid the whole transaction because of another one, and it may well succeed when it is run again.
 * `lost`: the connection is gone, or the server takes none; it can come back.
 * `exhausted`: all our connections were busy for as long as we wait for one, or a statement took longer than any may;
 * trying again would only lengthen the queue.
 * `unwritable`: nothing was done, since the server takes no writes now: it is a copy, or somebody is at work on it.
 */
export type Fault = "conflict" | "lost" | "exhausted" | "unwritable";

const READ_ONLY = "25006";

/** A statement that the server stopped after our own limit: it has no time for us. */
const CANCELLED = "57014";

/** Something was sealed for a sealing key that is the newest no more (migration 0035). */
export const SEALING_KEY_RETIRED = "AS016";

/** https://www.postgresql.org/docs/18/mvcc-serialization-failure-handling.html; 55P03 is our own lock_timeout. */
const CONFLICTS: readonly string[] = ["40001", "40P01", "55P03", SEALING_KEY_RETIRED];

/**
 * Classes 08 (connection), 57P0x (shutdown, crash, starting up), 53 (out of connections, memory, disk), 25P0x (the
 * server ended a transaction that idled). https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
const LOST = /^(?:08...|57P0[1-5]|53...|25P0[34])$/;

const SOCKET_CODES: readonly string[] = [
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOENT",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
];

/** pg and pg-pool give these no code. What a wire has garbled is received where nobody expects it. */
const LOST_MESSAGES =
  /^(?:Connection terminated|timeout expired|Query read timeout|Received unexpected|Client (?:was closed|has encountered a connection error))/;
const EXHAUSTED_MESSAGE = "timeout exceeded when trying to connect";

const DISK_FULL = "53100";

export const isDiskFull = (error: unknown): boolean =>
  error instanceof DatabaseError && error.code === DISK_FULL;

export function faultOf(error: unknown): Fault | null {
  if (error instanceof DatabaseError) {
    // What a server says has a code; without one it is the parser that understood nothing of what came.
    if (error.code === undefined) return "lost";
    if (error.code === CANCELLED) return "exhausted";
    if (error.code === READ_ONLY) return "unwritable";
    if (CONFLICTS.includes(error.code)) return "conflict";
    return LOST.test(error.code) ? "lost" : null;
  }
  if (!(error instanceof Error)) return null;
  if (isOfSocket(error)) return "lost";
  if (error.message === EXHAUSTED_MESSAGE) return "exhausted";
  return LOST_MESSAGES.test(error.message) ? "lost" : null;
}

// A socket that is not there is a server's; a file that is not there is somebody else's matter.
const isOfSocket = (error: Error): boolean =>
  "code" in error &&
  typeof error.code === "string" &&
  SOCKET_CODES.includes(error.code) &&
  (error.code !== "ENOENT" || ("syscall" in error && error.syscall === "connect"));

/** The connection was lost while the commit was under way: nobody here knows whether it happened. */
export class CommitUnknownError extends Error {
  override readonly name = "CommitUnknownError";
}
