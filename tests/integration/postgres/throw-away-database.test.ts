import { DatabaseError } from "pg";
import { expect, test } from "vitest";
import { connectThrowAwayDatabase } from "../../support/backend/database/connect.ts";

test("two throw-away databases do not see each other, nor does a later one", async () => {
  await using first = await connectThrowAwayDatabase();
  await using second = await connectThrowAwayDatabase();
  await first.ownerPool().query("CREATE TABLE leftover (id int)");
  const seen = async (database: typeof first): Promise<unknown> =>
    (await database.ownerPool().query("SELECT to_regclass('public.leftover')::text AS found")).rows;
  await using third = await connectThrowAwayDatabase();
  expect(await seen(first)).toEqual([{ found: "leftover" }]);
  expect(await seen(second)).toEqual([{ found: null }]);
  expect(await seen(third)).toEqual([{ found: null }]);
});

test("a disposed database is gone, with whoever was still connected to it", async () => {
  const database = await connectThrowAwayDatabase();
  const other = await connectThrowAwayDatabase();
  await using kept = other;
  await database.appPool().query("SELECT 1");
  await database[Symbol.asyncDispose]();
  const { rows } = await kept
    .ownerPool()
    .query("SELECT FROM pg_database WHERE datname = $1", [database.name]);
  expect(rows).toEqual([]);
});

test("the app role owns nothing and can do nothing that the owner may", async () => {
  await using database = await connectThrowAwayDatabase();
  await database.ownerPool().query("CREATE TABLE ledger (id int)");
  const app = database.appPool();
  const denied = [
    "CREATE TABLE planted (id int)",
    "CREATE TEMPORARY TABLE planted (id int)",
    "CREATE SCHEMA planted",
    "SELECT * FROM ledger",
    "ALTER TABLE ledger DISABLE ROW LEVEL SECURITY",
    "DROP TABLE ledger",
    "CREATE ROLE planted",
    "CREATE DATABASE planted",
    "SET ROLE assent_owner",
    "SET ROLE postgres",
    "ALTER ROLE assent_app BYPASSRLS",
    "SELECT pg_read_file('postgresql.conf')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "ALTER SYSTEM SET fsync = off",
  ];
  const codes = await Promise.all(
    denied.map(
      async (sql) =>
        await app.query(sql).then(
          () => sql,
          (error: unknown) => (error instanceof DatabaseError ? error.code : error),
        ),
    ),
  );
  expect(codes).toEqual(denied.map(() => "42501"));
  const { rows } = await app.query(
    `SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
       (SELECT count(*)::int FROM pg_class WHERE relowner = pg_roles.oid) AS owned
     FROM pg_roles WHERE rolname = current_user`,
  );
  expect(rows).toEqual([
    {
      rolsuper: false,
      rolbypassrls: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolreplication: false,
      owned: 0,
    },
  ]);
});

test("neither role enters the database that holds presence", async () => {
  await using database = await connectThrowAwayDatabase();
  const { rows } = await database
    .appPool()
    .query(
      "SELECT has_database_privilege('assent_app', 'postgres', 'CONNECT') AS app, has_database_privilege('assent_owner', 'postgres', 'CONNECT') AS owner",
    );
  expect(rows).toEqual([{ app: false, owner: false }]);
});
