// What every cluster holds before the first migration: two roles and the database. Safe to repeat, and for several
// processes at once.

import type { Client } from "pg";
import { LOCK_CLASS, LOCK_KEYS } from "../connect.ts";
import { type Passwords, ROLE_NAMES } from "./passwords.ts";

export const DATABASE_NAME = "assent";

/** Runs on the superuser's connection to the database `postgres`. */
export async function bootstrap(client: Client, passwords: Passwords): Promise<void> {
  if ((await readState(client)).isDone) return;
  const key = [LOCK_CLASS, LOCK_KEYS.bootstrap];
  await client.query("SELECT pg_advisory_lock($1, $2)", key);
  try {
    const { names } = await readState(client);
    for (const role of ["owner", "app"] as const) {
      if (names.includes(ROLE_NAMES[role])) continue;
      await client.query(
        `CREATE ROLE ${client.escapeIdentifier(ROLE_NAMES[role])} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE ` +
          `NOREPLICATION NOBYPASSRLS PASSWORD ${client.escapeLiteral(passwords[role])}`,
      );
    }
    // Only the superuser has business in these; presence locks live in `postgres`.
    await client.query("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC");
    if (names.includes(DATABASE_NAME)) await grantDatabase(client, DATABASE_NAME);
    else await createDatabase(client, DATABASE_NAME);
  } finally {
    await client.query("SELECT pg_advisory_unlock($1, $2)", key);
  }
}

// A process may have been killed halfway, so what comes last is asked for too.
async function readState(client: Client): Promise<{ names: string[]; isDone: boolean }> {
  const { rows } = await client.query<{ name: string; open: boolean; entered: boolean }>(
    `SELECT rolname AS name, false AS open, false AS entered FROM pg_roles WHERE rolname = ANY($1)
     UNION ALL
     SELECT datname, has_database_privilege('public', oid, 'CONNECT, TEMPORARY'),
       EXISTS (SELECT FROM aclexplode(datacl) a JOIN pg_roles r ON r.oid = a.grantee WHERE r.rolname = $3)
     FROM pg_database WHERE datname = $2`,
    [[ROLE_NAMES.owner, ROLE_NAMES.app], DATABASE_NAME, ROLE_NAMES.app],
  );
  const isDone = rows.length === 3 && rows.every((row) => !row.open) && rows.some((row) => row.entered);
  return { names: rows.map((row) => row.name), isDone };
}

/**
 * Makes a database that the owner owns and the app may enter, as a copy of `template`.
 * @param by `wal_log`, Postgres's own choice, copies pages through the log; `file_copy` whole files between two checkpoints,
 *   for half of the processor's time where nothing has to be synced
 */
export async function createDatabase(
  client: Pick<Client, "query" | "escapeIdentifier">,
  name: string,
  template = "template1",
  by: "wal_log" | "file_copy" = "wal_log",
): Promise<void> {
  await client.query(
    `CREATE DATABASE ${client.escapeIdentifier(name)} OWNER ${client.escapeIdentifier(ROLE_NAMES.owner)} ` +
      `TEMPLATE ${client.escapeIdentifier(template)} STRATEGY ${by}`,
  );
  // The rights on a database itself are not copied from its template.
  await grantDatabase(client, name);
}

async function grantDatabase(
  client: Pick<Client, "query" | "escapeIdentifier">,
  name: string,
): Promise<void> {
  const database = client.escapeIdentifier(name);
  await client.query(`GRANT CONNECT ON DATABASE ${database} TO ${client.escapeIdentifier(ROLE_NAMES.app)}`);
  await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
}
