// A Postgres that is not ours: whether it can be reached, and whether the service works on it as the one role that
// row-level security binds.

import { Client, DatabaseError } from "pg";
import { err, ok, type Result } from "../../base/result.ts";
import { CLOCK_SECONDS_MAX, clockDifference, millisecondsAhead } from "../../core/clock-difference.ts";
import type { Clock } from "../../ports.ts";
import { type Connection, LISTENER_LIMITS } from "./connect.ts";
import { errorCode } from "./embedded/refusal.ts";
import { inSession } from "./session.ts";

export const APP_ROLE = "assent_app";
/** What `session_replication_role` is where triggers fire. */
export const TRIGGERS_FIRE = "origin";

export const noTriggerFires = (where: string, role: string): string =>
  `In ${where} no trigger fires (session_replication_role = ${role}), so states could change without their events.`;
export const APP_UNBOUNDED = `The role ${APP_ROLE} may pass by row-level security, so nothing would keep tenants apart.`;

/** The least Postgres that knows what the migrations say (views with `security_invoker`). */
export const POSTGRES_MAJOR_MIN = 15;

export type GivenRefusal = {
  readonly reason:
    | "database_unreachable"
    | "database_login_refused"
    | "database_unusable"
    | "database_too_old"
    | "database_encoding"
    | "role_not_granted"
    | "role_unbounded"
    | "clock_differs"
    | "sessions_pooled"
    | "database_read_only"
    | "commits_not_durable"
    | "triggers_off";
  /** One line: what happened, to what. Never a password. */
  readonly message: string;
  /** One line: what to do about it. */
  readonly remedy: string;
};

const refuse = (
  reason: GivenRefusal["reason"],
  message: string,
  remedy: string,
): Result<never, GivenRefusal> => err({ reason, message, remedy });

/** Sessions that begin as the service's own role, whoever logs in: row-level security then holds for them. */
export const asApp = (connection: Connection): Connection =>
  connection.user === APP_ROLE ? connection : { ...connection, options: `-c role=${APP_ROLE}` };

/**
 * The role that the service works as may be missing. It cannot log in; whoever serves is made a member, and every
 * session of the service takes the role on (see `asApp`).
 * @param name the variable that the connection comes from, for the message
 */
export async function ensureAppRole(
  owner: Connection,
  serviceUser: string,
  name: string,
): Promise<Result<null, GivenRefusal>> {
  return await withClient(owner, name, async (client) => {
    const role = await client.query("select from pg_roles where rolname = $1", [APP_ROLE]);
    // Asked first: who may not make roles can still work where an administrator has made it.
    if (role.rowCount === 0)
      await client.query(`do $$ begin create role ${APP_ROLE} nologin nobypassrls;
        exception when duplicate_object or unique_violation then null; end $$`);
    if (serviceUser === APP_ROLE) return ok(null);
    const grant = `grant ${APP_ROLE} to ${client.escapeIdentifier(serviceUser)}`;
    try {
      await client.query(grant);
      return ok(null);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== "42501") throw error;
      // Somebody who may has granted it already.
      if (await isMember(client, serviceUser)) return ok(null);
      return refuse(
        "role_not_granted",
        `The user of DATABASE_URL must be a member of the role ${APP_ROLE}, and the user of ${name} may not make it one.`,
        `Have an administrator of that Postgres run: ${grant}`,
      );
    }
  });
}

async function isMember(client: Client, user: string): Promise<boolean> {
  const { rows } = await client.query<{ member: boolean }>(
    "select pg_has_role(oid, $2, 'member') as member from pg_roles where rolname = $1",
    [user, APP_ROLE],
  );
  return rows[0]?.member === true;
}

/**
 * Looks at a session as the service will have it: a pooler that drops the session's role, or a role that somebody
 * gave more power, would leave no wall between tenants, and nothing else would show it.
 * @param owner whose the schema is
 * @returns one line to be shown where the login itself could do without the role: whoever got SQL of their own into a
 * statement could then leave it (`reset role`); null where it could not
 */
export async function checkAppRole(
  app: Connection,
  name: string,
  owner: Pick<Connection, "user">,
): Promise<Result<string | null, GivenRefusal>> {
  return await withClient(app, name, async (client) => {
    const { rows } = await client.query<{ user: string; unbounded: boolean; login_unbounded: boolean }>(
      `select role.rolname as user, role.rolsuper or role.rolbypassrls as unbounded,
         login.rolsuper or login.rolbypassrls or pg_has_role(login.oid, owner.oid, 'member') as login_unbounded
       from pg_roles role, pg_roles login, pg_roles owner
       where role.rolname = current_user and login.rolname = session_user and owner.rolname = $1`,
      [owner.user],
    );
    const [role] = rows;
    if (role?.user === APP_ROLE && !role.unbounded) return ok(role.login_unbounded ? leavable(name) : null);
    return refuse(
      "role_unbounded",
      role?.user === APP_ROLE
        ? APP_UNBOUNDED
        : `Sessions of ${name} do not begin as the role ${APP_ROLE}, so nothing would keep tenants apart.`,
      role?.user === APP_ROLE
        ? `Have an administrator of that Postgres run: alter role ${APP_ROLE} nosuperuser nobypassrls`
        : "Connect to the server itself, or to a pooler that keeps a session's settings.",
    );
  });
}

const leavable = (name: string): string =>
  `the user of ${name} could pass by row-level security itself: for a wall that holds whatever is sent, give it ` +
  `nothing but ${APP_ROLE}, and let DATABASE_MIGRATION_URL name who owns the schema`;

/**
 * Looks at what no session can change: a server of a version that lacks what migrations use would take the first of them
 * and fail at a later one, and a database that holds another encoding than UTF-8 would refuse some texts long after its start,
 * or take bytes that are no text.
 * @param name the variable that the connection comes from, for the message
 * @param majorMin the least version of Postgres, by its first number
 * @returns one line to be shown where the server does not outlive a crash of its machine; null where it does
 */
export async function checkServer(
  connection: Connection,
  name: string,
  majorMin = POSTGRES_MAJOR_MIN,
): Promise<Result<string | null, GivenRefusal>> {
  return await withClient(connection, name, async (client) => {
    const { rows } = await client.query<{
      number: number;
      version: string;
      encoding: string;
      off: string | null;
    }>(
      `select current_setting('server_version_num')::int as number, current_setting('server_version') as version,
         pg_encoding_to_char(encoding) as encoding,
         (select string_agg(s || ' = off', ' and ') from unnest('{fsync,full_page_writes}'::text[]) s
          where current_setting(s) = 'off') as off
       from pg_database where datname = current_database()`,
    );
    const [server] = rows;
    if (server === undefined || server.number < majorMin * 10_000)
      return refuse(
        "database_too_old",
        `The server of ${name} is Postgres ${server?.version ?? "of an unknown version"}; Assent needs ${majorMin} or newer. Nothing was changed in it.`,
        "Name a newer server, or unset the variable to use the embedded one.",
      );
    if (server.encoding !== "UTF8")
      return refuse(
        "database_encoding",
        `The database of ${name} is encoded in ${server.encoding}, which cannot hold every text; Assent needs UTF8. Nothing was changed in it.`,
        "Make another for it: create database assent template template0 encoding 'UTF8'",
      );
    // Where storage is thrown away with the machine, as in tests, it is on purpose: said, not refused.
    return ok(server.off === null ? null : perishable(name, server.off));
  });
}

const perishable = (name: string, off: string): string =>
  `the server of ${name} runs with ${off}: when its machine crashes, commits may be lost or its files spoilt, so that ` +
  "nothing that is promised of runs and evidence holds";

/**
 * Looks at what nothing would show before it is too late: a pooler that gives each transaction another session, where the
 * locks by which workers and migrations are known would stay with somebody else's; a server that takes no writes; and one
 * that says of a commit that it is kept before it is, so that an intent could be forgotten whose call was made; and sessions in
 * which no trigger fires, where states would change without their events.
 * @param name the variable that the connection comes from, for the message
 */
export async function checkSessions(
  connection: Connection,
  name: string,
): Promise<Result<null, GivenRefusal>> {
  return await withClient(connection, name, async (client) => {
    if (await isPooled(client, connection))
      return refuse(
        "sessions_pooled",
        `Between here and the server of ${name} a pooler gives each transaction another session; locks and listeners need one that stays.`,
        "Connect to the server itself, or let the pooler keep a session for each client (pgbouncer: pool_mode = session).",
      );
    const { rows } = await client.query<{ unwritable: boolean; forgets: boolean; triggers: string }>(
      `select current_setting('transaction_read_only')::boolean as unwritable,
         current_setting('synchronous_commit') = 'off' as forgets,
         current_setting('session_replication_role') as triggers`,
    );
    if (rows[0]?.unwritable !== false)
      return refuse(
        "database_read_only",
        `The database of ${name} takes no writes now.`,
        "Name the server that does (not a replica of it), or end default_transaction_read_only there.",
      );
    if (rows[0].forgets)
      return refuse(
        "commits_not_durable",
        `The server of ${name} acknowledges commits before they are on disk (synchronous_commit = off): a crash of it could make a call happen twice.`,
        `Have an administrator of that Postgres run: alter role ${client.escapeIdentifier(connection.user)} set synchronous_commit = on`,
      );
    if (rows[0].triggers !== TRIGGERS_FIRE)
      return refuse(
        "triggers_off",
        noTriggerFires(`sessions of ${name}`, rows[0].triggers),
        `Have an administrator of that Postgres run: alter role ${client.escapeIdentifier(connection.user)} set session_replication_role = origin`,
      );
    return ok(null);
  });
}

/** A pooler that is busy may give the same session again by chance; hardly this often. */
const POOL_ROUNDS = 5;

async function isPooled(client: Client, connection: Connection): Promise<boolean> {
  const first = await backendOf(client);
  // A server says at the beginning who it is; a pooler answers for itself.
  if (Reflect.get(client, "processID") === first) return false;
  const other = clientOf(connection);
  try {
    await other.connect();
    for (let round = 0; round < POOL_ROUNDS; round += 1) {
      await other.query("begin");
      const [between, after] = [await backendOf(other), await backendOf(client)];
      await other.query("rollback");
      if (between === first || after !== first) return true;
    }
    return false;
  } finally {
    await other.end();
  }
}

async function backendOf(client: Client): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return rows[0]?.pid;
}

/**
 * Leases, expiries and the windows of signatures are judged by each process's own clock. One that is minutes ahead
 * takes every other's runs away for expired. A process that has started goes on looking (services/clock-watch.ts).
 * @param name the variable that the connection comes from, for the message
 */
export async function checkClock(
  app: Connection,
  name: string,
  clock: Pick<Clock, "now">,
): Promise<Result<null, GivenRefusal>> {
  return await withClient(app, name, async (client) => {
    const before = clock.now().getTime();
    const { rows } = await client.query<{ at: Date }>("select clock_timestamp() as at");
    const after = clock.now().getTime();
    const at = rows[0]?.at.getTime() ?? Number.NaN;
    const difference = clockDifference(millisecondsAhead({ before, after, at }), `the database of ${name}`);
    if (difference === null) return ok(null);
    return refuse(
      "clock_differs",
      difference,
      `Set both by the same time service (NTP); ${CLOCK_SECONDS_MAX} s are let pass.`,
    );
  });
}

async function withClient<T>(
  connection: Connection,
  name: string,
  work: (client: Client) => Promise<Result<T, GivenRefusal>>,
): Promise<Result<T, GivenRefusal>> {
  const client = clientOf(connection);
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    return refuseError(error, name);
  } finally {
    await client.end();
  }
}

function clientOf(connection: Connection): Client {
  const client = new Client({
    ...inSession(connection),
    ...LISTENER_LIMITS,
    application_name: "assent setup",
  });
  // Unheard, a server that goes away would end the process; the statement under way reports it.
  client.on("error", () => undefined);
  return client;
}

// The server's message names roles and hosts, never the password.
function refuseError(error: unknown, name: string): Result<never, GivenRefusal> {
  const message = error instanceof Error && error.message !== "" ? error.message : errorCode(error);
  const said = `${name}: ${message ?? "unknown error"}.`;
  if (!(error instanceof DatabaseError))
    return refuse("database_unreachable", said, "Start that Postgres, or mend host, port and sslmode.");
  if (error.code?.startsWith("28") === true)
    return refuse("database_login_refused", said, "Mend user and password in the variable.");
  return refuse(
    "database_unusable",
    said,
    "The database must exist; the user of DATABASE_MIGRATION_URL (else of DATABASE_URL) may create schemas and roles.",
  );
}
