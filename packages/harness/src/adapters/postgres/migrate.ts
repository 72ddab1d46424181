// Brings a database's schema to what this program knows: forward only, once, whoever else starts at the same moment.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, DatabaseError } from "pg";
import { type Connection, CONNECT_TIMEOUT_MS, LOCK_CLASS, LOCK_KEYS, WIRE } from "./connect.ts";
import { errorCode } from "./embedded/refusal.ts";
import type { Query } from "./rows.ts";
import { inSession } from "./session.ts";
import { err, ok, type Result } from "../../base/result.ts";

/** One `NNNN_name.sql`. */
export type Migration = {
  readonly version: number;
  readonly name: string;
  /** SHA-256 of the SQL, as hex. */
  readonly digest: string;
  readonly sql: string;
};

export type MigrationRefusal = {
  readonly reason:
    | "migrations_missing"
    | "migrations_misnumbered"
    | "database_newer"
    | "database_older"
    | "migration_changed"
    | "migration_failed"
    | "migration_wait_timeout";
  /** One line: what happened, to what, and what to do. */
  readonly message: string;
};

const refuse = (reason: MigrationRefusal["reason"], message: string): Result<never, MigrationRefusal> =>
  err({ reason, message });

// From the package's root: the compiler does not copy SQL, so what was built reads it where the source has it.
export const MIGRATIONS_FOLDER: string = fileURLToPath(
  new URL("../../../src/adapters/postgres/migrations/", import.meta.url),
);

/** Another process may be busy with a long migration; past this it hangs, and an operator must look. */
export const MIGRATION_WAIT_MS_MAX = 300_000;
/**
 * Whoever waits for a table as a whole keeps everybody behind them waiting too, also those who only read. A backup holds
 * its tables for hours: so a migration waits this long, gives way for as long, and is begun anew.
 */
const TABLE_LOCK_MS_MAX = 2_000;
const LOCK_NOT_AVAILABLE = "55P03";
const VERSION_DIGITS = 4;
const FILE_NAME = new RegExp(`^(\\d{${VERSION_DIGITS}})_([a-z0-9_]+)\\.sql$`);

export type MigrateOptions = {
  /** Logs in as the role that is to own the schema. */
  readonly connection: Connection;
  readonly folder?: string;
  /**
   * Run after the SQL, under the same lock, each time: for a schema that a library keeps itself. It opens its own
   * connections, and must be safe to repeat.
   */
  readonly afterMigrate?: (connection: Connection) => Promise<void>;
  readonly onProgress?: (line: string) => void;
  /** How long a migration waits for a table, and then lets others to it. */
  readonly tableLockMsMax?: number;
};

export type MigrationReport = { readonly version: number; readonly applied: readonly string[] };

/**
 * Postgres looks for a type among a session's temporary objects first, even where `search_path` is empty: in a database
 * where everybody may make some (as in every new one), the service's login could make a `text` whose check is a function
 * of its own, and a function that runs as the owner would run that too. Named last, they are never found. Said here once
 * for what all migrations make, and asked at each start.
 */
const PIN_SEARCH_PATHS = `
  do $$
  declare
    made pg_catalog.regprocedure;
  begin
    for made in
      select p.oid::pg_catalog.regprocedure from pg_catalog.pg_proc p
      where p.pronamespace = pg_catalog.to_regnamespace('assent') and 'search_path=""' = any (p.proconfig)
    loop
      execute pg_catalog.format('alter routine %s set search_path = pg_catalog, pg_temp', made);
    end loop;
  end
  $$`;

/**
 * Applies what is missing, each migration in a transaction of its own.
 * @returns the version the database is at now, and the names of what this call applied
 * @throws when the database cannot be reached, or what `afterMigrate` throws
 */
export async function migrate(options: MigrateOptions): Promise<Result<MigrationReport, MigrationRefusal>> {
  const known = readMigrations(options.folder ?? MIGRATIONS_FOLDER);
  if (!known.ok) return known;
  const client = new Client({
    ...inSession(options.connection),
    ...WIRE,
    application_name: "assent migrate",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // Unheard, a server that goes away would end the process; the statement under way reports it.
  client.on("error", () => undefined);
  await client.connect();
  try {
    const locked = await takeLock(client);
    if (!locked.ok) return locked;
    const done = await applyMissing(client, known.value, options);
    if (done.ok) await client.query(PIN_SEARCH_PATHS);
    if (done.ok) await options.afterMigrate?.(options.connection);
    return done;
  } finally {
    // Lets go of the lock too.
    await client.end();
  }
}

/**
 * The folder's migrations in order: the first is 1, each number stands once, nothing else is among the SQL files.
 * Numbers may be left out, so that branches can each have a range of their own.
 */
export function readMigrations(folder: string): Result<readonly Migration[], MigrationRefusal> {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    return refuse(
      "migrations_missing",
      `the program's migrations are missing at ${folder}: install it again`,
    );
  }
  const migrations: Migration[] = [];
  for (const [index, file] of names.toSorted().entries()) {
    const [, version, name] = FILE_NAME.exec(file) ?? [];
    const earlier = migrations.at(-1)?.version ?? 0;
    const isNext = index === 0 ? Number(version) === 1 : Number(version) > earlier;
    if (version === undefined || name === undefined || !isNext) {
      const least = String(earlier + 1).padStart(VERSION_DIGITS, "0");
      const expected = index === 0 ? `${least}_name.sql` : `${least}_name.sql or a higher number`;
      return refuse("migrations_misnumbered", `${join(folder, file)} stands where ${expected} is expected`);
    }
    migrations.push({ version: Number(version), name, ...readSql(join(folder, file)) });
  }
  return ok(migrations);
}

// A checkout on Windows may write other line ends; that is not another migration.
function readSql(file: string): { readonly sql: string; readonly digest: string } {
  const sql = readFileSync(file, "utf8").replaceAll("\r\n", "\n");
  return { sql, digest: createHash("sha256").update(sql).digest("hex") };
}

/** Names all of what migrations there are, and what each of them says. */
export const digestOfAll = (migrations: readonly Migration[]): string =>
  createHash("sha256")
    .update(migrations.map(({ version, name, digest }) => `${version} ${name} ${digest}\n`).join(""))
    .digest("hex");

async function takeLock(client: Client): Promise<Result<void, MigrationRefusal>> {
  await setLockTimeout(client, MIGRATION_WAIT_MS_MAX);
  try {
    await client.query("SELECT pg_advisory_lock($1, $2)", [LOCK_CLASS, LOCK_KEYS.migration]);
    return ok(undefined);
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== LOCK_NOT_AVAILABLE) throw error;
    return refuse(
      "migration_wait_timeout",
      `another process has been migrating the database for ${MIGRATION_WAIT_MS_MAX / 1000} seconds: look at it`,
    );
  }
}

async function setLockTimeout(client: Client, ms: number): Promise<void> {
  await client.query("SELECT set_config('lock_timeout', $1, false)", [String(ms)]);
}

type AppliedRow = { readonly version: number; readonly name: string; readonly digest: string };

async function applyMissing(
  client: Client,
  known: readonly Migration[],
  { onProgress, tableLockMsMax = TABLE_LOCK_MS_MAX }: MigrateOptions,
): Promise<Result<MigrationReport, MigrationRefusal>> {
  await client.query(
    `CREATE TABLE IF NOT EXISTS public.assent_migrations (
       version int PRIMARY KEY,
       name text NOT NULL,
       digest text NOT NULL,
       applied_at timestamptz NOT NULL DEFAULT now()
     )`,
  );
  const { rows } = await client.query<AppliedRow>(
    "SELECT version, name, digest FROM public.assent_migrations ORDER BY version",
  );
  const checked = checkApplied(rows, known);
  if (!checked.ok) return checked;
  const applied: string[] = [];
  const before = new Set(rows.map(({ version }) => version));
  for (const migration of known.filter(({ version }) => !before.has(version))) {
    onProgress?.(`migrating the database: ${migration.name}`);
    const result = await applyGivingWay(client, migration, tableLockMsMax);
    if (!result.ok) return result;
    applied.push(migration.name);
  }
  return ok({ version: newestOf(known), applied });
}

const newestOf = (migrations: readonly { readonly version: number }[]): number =>
  migrations.at(-1)?.version ?? 0;

function checkApplied(
  applied: readonly AppliedRow[],
  known: readonly Migration[],
): Result<void, MigrationRefusal> {
  const newest = newestOf(applied);
  if (newest > newestOf(known)) {
    return refuse(
      "database_newer",
      `the database is at version ${newest} and this program knows ${newestOf(known)}: start the newer program`,
    );
  }
  const digests = new Map(known.map(({ version, digest }) => [version, digest]));
  for (const row of applied) {
    if (row.digest === digests.get(row.version)) continue;
    return refuse(
      "migration_changed",
      `the database was migrated by another ${row.version} (${row.name}) than this program's: ` +
        "never edit a migration that was applied, add one",
    );
  }
  return ok(undefined);
}

/**
 * For who reads and migrates nothing: whether the database is just as this program would leave it.
 * @param query runs a statement with its values
 */
export async function checkMigrated(query: Query): Promise<Result<void, MigrationRefusal>> {
  const known = readMigrations(MIGRATIONS_FOLDER);
  if (!known.ok) return known;
  const [table] = await query<{ is_there: boolean }>(
    "select to_regclass('public.assent_migrations') is not null as is_there",
    [],
  );
  const applied =
    table?.is_there === true
      ? await query<AppliedRow>(
          "select version, name, digest from public.assent_migrations order by version",
          [],
        )
      : [];
  const checked = checkApplied(applied, known.value);
  if (!checked.ok || applied.length === known.value.length) return checked;
  return refuse(
    "database_older",
    `the database is at version ${newestOf(applied)}, with ${applied.length} migrations, and this program knows ` +
      `${newestOf(known.value)}, with ${known.value.length}`,
  );
}

async function applyGivingWay(
  client: Client,
  migration: Migration,
  lockMsMax: number,
): Promise<Result<void, MigrationRefusal>> {
  const { version, name } = migration;
  await setLockTimeout(client, lockMsMax);
  for (let waitedMs = 0; waitedMs < MIGRATION_WAIT_MS_MAX; waitedMs += 2 * lockMsMax) {
    const applied = await applyOne(client, migration);
    if (applied !== "gave way") return applied;
    await client.query("SELECT pg_sleep($1)", [lockMsMax / 1000]);
  }
  return refuse(
    "migration_wait_timeout",
    `migration ${version} (${name}) has waited ${MIGRATION_WAIT_MS_MAX / 1000} seconds for a table that somebody holds ` +
      "(a backup?): look at pg_stat_activity, and start again",
  );
}

async function applyOne(
  client: Client,
  migration: Migration,
): Promise<Result<void, MigrationRefusal> | "gave way"> {
  const label = `${migration.version} (${migration.name})`;
  try {
    await client.query("BEGIN");
    const before = await readTransactionId(client);
    await client.query(migration.sql);
    // A COMMIT inside the SQL would leave half a migration behind when the rest fails.
    if ((await readTransactionId(client)) !== before) {
      await client.query("ROLLBACK");
      return refuse("migration_failed", `migration ${label} ends its own transaction: take that out`);
    }
    await client.query("INSERT INTO public.assent_migrations (version, name, digest) VALUES ($1, $2, $3)", [
      migration.version,
      migration.name,
      migration.digest,
    ]);
    await client.query("COMMIT");
    return ok(undefined);
  } catch (error) {
    // Without a server there is nothing to roll back, and nothing to say about the SQL.
    if (!(error instanceof DatabaseError) || error.severity === "FATAL") throw error;
    await client.query("ROLLBACK");
    if (error.code === LOCK_NOT_AVAILABLE) return "gave way";
    return refuse(
      "migration_failed",
      `migration ${label} failed and was undone: ${error.message} (${error.code})`,
    );
  }
}

async function readTransactionId(client: Client): Promise<string> {
  const { rows } = await client.query<{ id: string }>("SELECT pg_current_xact_id()::text AS id");
  return rows[0]?.id ?? "";
}
