// How every part of the harness reaches Postgres: an address, a bounded pool, and one way to run a transaction.

import { Pool, type PoolClient } from "pg";
import { err, ok, type Result } from "../../base/result.ts";
import { CommitUnknownError, faultOf } from "./fault.ts";
import { inSession } from "./session.ts";
import { openWire } from "./wire.ts";

/** Where a database is and who logs in. The password is a function so that printing the address never shows it. */
export type Connection = {
  /** A host name, or the absolute path of the folder that holds the server's unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: () => string;
  readonly ssl?: false | { readonly rejectUnauthorized: boolean };
  /** Settings of every session, as `-c name=value`: constants of this program only. */
  readonly options?: string;
};

/** `app` serves requests and owns nothing; `owner` owns the schema and runs migrations. */
export type PoolRole = "app" | "owner";

/**
 * Our advisory locks: `pg_advisory_lock(class, key)`, seen within one database. The class, "ASNT" in ASCII, keeps them
 * apart from those of other programs in a shared Postgres.
 */
export const LOCK_CLASS = 0x41534e54;
export const LOCK_KEYS: {
  readonly presence: 1;
  readonly bootstrap: 2;
  readonly migration: 3;
  readonly logKeeper: 4;
  readonly signerKeys: 5;
  readonly operatorKey: 6;
} = { presence: 1, bootstrap: 2, migration: 3, logKeeper: 4, signerKeys: 5, operatorKey: 6 };

/** A dead or saturated server must become an error the caller can answer, not a request that hangs. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** Every statement of the service is short; one that is not has lost its index or meets an attack. */
export const STATEMENT_TIMEOUT_MS = 30_000;
/**
 * The server ends a statement after its limit and says so. Where the wire between is silent or garbled nobody says
 * anything: then the connection is given up after this much more of the limit.
 */
const SILENCE_SHARE = 1.2;
/** After so much silence TCP asks whether the other end is still there: for connections that wait for news. */
const KEEP_ALIVE_MS = 10_000;
/** Queue for a row this long, then fail and let the caller retry, before waiters fill the pool. */
export const LOCK_TIMEOUT_MS = 10_000;
/** A transaction whose process hangs must not hold its locks, and keep vacuum from its work, for ever. */
export const IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000;
/** The embedded server takes 100 connections; this leaves room for several processes. */
export const POOL_CONNECTIONS_MAX = 10;
const POOL_IDLE_TIMEOUT_MS = 30_000;

/** For every connection that may cross a network: a wire that dies is noticed, and one that garbles ends. */
export const WIRE = {
  stream: openWire,
  keepAlive: true,
  keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
} as const;

/** Limits of a connection of its own that asks little and then waits: for a lock to be kept, or for news. */
export const LISTENER_LIMITS = {
  ...WIRE,
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  statement_timeout: STATEMENT_TIMEOUT_MS,
  query_timeout: STATEMENT_TIMEOUT_MS * SILENCE_SHARE,
} as const;

export type PoolOptions = {
  readonly connection: Connection;
  readonly role: PoolRole;
  readonly connectionsMax?: number;
  /** Longest statement of the service, for the server; the client gives up a little later. */
  readonly statementMsMax?: number;
  /** For a connection to be made, or to become free. */
  readonly connectMsMax?: number;
  /** Told of a connection that broke while idle. The pool replaces it; without a listener Node would exit. */
  readonly onIdleError?: (error: Error) => void;
};

/**
 * A pool of connections; nothing connects before its first use. The owner's statements and lock waits are not timed
 * out, since a migration may rightly take long.
 */
export function connectPool(options: PoolOptions): Pool {
  const statementMsMax = options.statementMsMax ?? STATEMENT_TIMEOUT_MS;
  const timed = options.role === "app";
  const pool = new Pool({
    ...inSession(options.connection),
    application_name: `assent ${options.role}`,
    max: options.connectionsMax ?? POOL_CONNECTIONS_MAX,
    ...WIRE,
    connectionTimeoutMillis: options.connectMsMax ?? CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: POOL_IDLE_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    ...(timed
      ? {
          statement_timeout: statementMsMax,
          lock_timeout: LOCK_TIMEOUT_MS,
          query_timeout: statementMsMax * SILENCE_SHARE,
        }
      : {}),
  });
  // A connection that is being closed can still be told of the server's end, which is then no news.
  pool.on("error", (error) => {
    if (!pool.ending) options.onIdleError?.(error);
  });
  return pool;
}

export type Isolation = "read committed" | "repeatable read" | "serializable";

const BEGIN: { readonly [I in Isolation]: string } = {
  "read committed": "BEGIN ISOLATION LEVEL READ COMMITTED",
  "repeatable read": "BEGIN ISOLATION LEVEL REPEATABLE READ",
  serializable: "BEGIN ISOLATION LEVEL SERIALIZABLE",
};

// `BEGIN` takes no parameters, so the tenant stands in the text: digits and hyphens, or nothing is sent at all.
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/u;

function beginning({ isolation, tenant }: TransactionOptions): string {
  const begin = BEGIN[isolation ?? "read committed"];
  if (tenant === undefined) return begin;
  if (!UUID.test(tenant)) throw new TypeError("a tenant is named by a UUID");
  return `${begin}; SELECT set_config('assent.tenant', '${tenant}', true)`;
}

export type TransactionOptions = {
  readonly isolation?: Isolation;
  /**
   * UUID of the tenant whose rows the transaction sees and writes; row-level security shows it no other's, whatever a
   * query forgets. Without one it sees no tenant's rows.
   */
  readonly tenant?: string;
  /**
   * How often `work` may run in all, 1 by default. It is run again, whole, only where nothing of it was kept: after a
   * conflict that Postgres undid, or when the connection was lost before the commit. So `work` must do nothing outside
   * the transaction.
   */
  readonly attemptsMax?: number;
  /**
   * Set where `work` finds out by itself that an earlier run of it was committed, or where running it twice does no
   * harm: then it is also run again when the connection was lost during the commit.
   */
  readonly isRepeatable?: boolean;
  /** Waited for before the next attempt, which there is none of when it says false; without it the next follows at once. */
  readonly pause?: (attempt: number) => Promise<boolean>;
};

/** Postgres undid the transaction though nothing was thrown: `work` swallowed the error of one of its statements. */
export class TransactionUndoneError extends Error {
  override name = "TransactionUndoneError";
}

/**
 * Runs one statement, which is its own transaction: one round trip. Repeated as a transaction is.
 * @throws CommitUnknownError when the connection was lost once it was sent: it may have been carried out
 */
export async function statement<T>(
  pool: Pool,
  send: (client: PoolClient) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  return await repeat(async () => await attemptStatement(pool, send), options);
}

async function attemptStatement<T>(pool: Pool, send: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on("error", onError);
  try {
    return await send(client);
  } catch (error) {
    const fault = faultOf(error);
    if (fault === "unwritable") broken ??= asError(error);
    if (fault !== "lost") throw error;
    broken ??= asError(error);
    throw new CommitUnknownError("the connection was lost during the statement", { cause: error });
  } finally {
    client.removeListener("error", onError);
    client.release(broken ?? false);
  }
}

/**
 * Runs `work` in one transaction: all of it is committed, or none.
 * @returns what `work` returns, once the commit is acknowledged
 * @throws what `work` throws, after the rollback; CommitUnknownError when the connection was lost during the commit
 */
export async function transaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const begin = beginning(options);
  return await repeat(async () => await attemptTransaction(pool, work, begin), options);
}

async function repeat<T>(attemptOne: () => Promise<T>, options: TransactionOptions): Promise<T> {
  const attemptsMax = options.attemptsMax ?? 1;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptOne();
    } catch (error) {
      if (attempt >= attemptsMax || !mayRepeat(error, options)) throw error;
      if ((await options.pause?.(attempt)) === false) throw error;
    }
  }
}

function mayRepeat(error: unknown, { isRepeatable }: TransactionOptions): boolean {
  if (error instanceof CommitUnknownError) return isRepeatable === true;
  const fault = faultOf(error);
  return fault === "conflict" || fault === "lost" || fault === "unwritable";
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

async function attemptTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  begin: string,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // The pool listens only while the connection is idle; unheard, a server that goes away would end the process.
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on("error", onError);
  let isCommitting = false;
  try {
    await client.query(begin);
    const value = await work(client);
    isCommitting = true;
    const { command } = await client.query("COMMIT");
    // Asked to commit a failed transaction, Postgres rolls back and reports success under this name.
    if (command !== "COMMIT")
      throw new TransactionUndoneError("a statement failed and its error was swallowed");
    return value;
  } catch (error) {
    const fault = faultOf(error);
    const isLost = fault === "lost";
    // A server that nothing may be written to any more can be one whose place another has taken: the next connection finds it.
    broken ??= isLost || fault === "unwritable" ? asError(error) : await rollBack(client);
    if (isCommitting && isLost)
      throw new CommitUnknownError("the connection was lost during the commit", { cause: error });
    throw error;
  } finally {
    client.removeListener("error", onError);
    // A connection whose state is unknown may still hold the transaction: it must never serve another caller.
    client.release(broken ?? false);
  }
}

async function rollBack(client: PoolClient): Promise<Error | undefined> {
  try {
    await client.query("ROLLBACK");
    return undefined;
  } catch (error) {
    return asError(error);
  }
}

export type DatabaseUrlRefusal = {
  readonly reason: "malformed_database_url";
  /** Names the variable and what is wrong with it, never its value: that holds a password. */
  readonly message: string;
};

export type DatabaseAddress = { readonly app: Connection; readonly owner: Connection };

/**
 * Reads `DATABASE_URL` (who serves) and `DATABASE_MIGRATION_URL` (who owns the schema; the same when absent).
 * @returns undefined when neither is set: use the embedded database
 */
export function readDatabaseAddress(variables: {
  readonly DATABASE_URL?: string | undefined;
  readonly DATABASE_MIGRATION_URL?: string | undefined;
}): Result<DatabaseAddress | undefined, DatabaseUrlRefusal> {
  const { DATABASE_URL: appUrl, DATABASE_MIGRATION_URL: ownerUrl } = variables;
  if (appUrl === undefined) {
    // Serving from the embedded database while migrating another would be a silent split.
    if (ownerUrl !== undefined) return refuseUrl("DATABASE_MIGRATION_URL is set, but DATABASE_URL is not");
    return ok(undefined);
  }
  const app = parseDatabaseUrl("DATABASE_URL", appUrl);
  if (!app.ok) return app;
  if (ownerUrl === undefined) return ok({ app: app.value, owner: app.value });
  const owner = parseDatabaseUrl("DATABASE_MIGRATION_URL", ownerUrl);
  return owner.ok ? ok({ app: app.value, owner: owner.value }) : owner;
}

const refuseUrl = (message: string): Result<never, DatabaseUrlRefusal> =>
  err({ reason: "malformed_database_url", message });

const DEFAULT_PORT = 5432;
const LOOPBACK: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];
const PARAMETERS: readonly string[] = ["sslmode", "host"];

/**
 * Parses `postgres://user:password@host:port/database?sslmode=…`; `?host=/folder` names a unix
 * socket's folder, in the place of the host.
 * Every `sslmode` but `disable` and `no-verify` checks the server's certificate. Over a network the mode must be
 * said: the protocol's own default lets whoever sits in between turn encryption off.
 * @param name the variable's name, for the message
 */
export function parseDatabaseUrl(name: string, text: string): Result<Connection, DatabaseUrlRefusal> {
  const url = URL.parse(text);
  if (url === null)
    return refuseUrl(`${name} is not a URL; expected postgres://user:password@host:port/database`);
  if (!["postgres:", "postgresql:"].includes(url.protocol)) {
    return refuseUrl(`${name} starts with another scheme than postgres://`);
  }
  for (const parameter of url.searchParams.keys()) {
    if (!PARAMETERS.includes(parameter)) {
      return refuseUrl(`${name} has a parameter that is not understood; known are ${PARAMETERS.join(", ")}`);
    }
  }
  const parts = [url.username, url.password, url.pathname.slice(1)].map(decode);
  const [user, password, database] = parts;
  if (user === undefined || password === undefined || database === undefined) {
    return refuseUrl(`${name} has a broken %-escape`);
  }
  if (user === "") return refuseUrl(`${name} names no user`);
  if (database === "" || database.includes("/")) return refuseUrl(`${name} names no database`);
  const socket = url.searchParams.get("host");
  if (socket !== null && !socket.startsWith("/"))
    return refuseUrl(`${name}: host= must be an absolute folder`);
  const ssl = readSslMode(name, url, socket !== null || LOOPBACK.includes(url.hostname));
  if (!ssl.ok) return ssl;
  return ok({
    host: socket ?? url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? DEFAULT_PORT : Number(url.port),
    database,
    user,
    password: () => password,
    ssl: ssl.value,
  });
}

function readSslMode(
  name: string,
  url: URL,
  isLocal: boolean,
): Result<false | { readonly rejectUnauthorized: boolean }, DatabaseUrlRefusal> {
  const mode = url.searchParams.get("sslmode");
  switch (mode) {
    case "disable":
      return ok(false);
    case "no-verify":
      return ok({ rejectUnauthorized: false });
    case "require":
    case "verify-ca":
    case "verify-full":
      return ok({ rejectUnauthorized: true });
    case null:
      if (isLocal) return ok(false);
      return refuseUrl(`${name} crosses a network: add ?sslmode=verify-full, or say ?sslmode=disable`);
    default:
      return refuseUrl(`${name} has an unknown sslmode; use verify-full, no-verify or disable`);
  }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
