import { DatabaseError, type Pool } from "pg";
import { expect, test } from "vitest";
import {
  connectPool,
  transaction,
  TransactionUndoneError,
} from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";

async function connectNotes(): Promise<ThrowAwayDatabase> {
  const database = await connectThrowAwayDatabase();
  await database.ownerPool().query("CREATE TABLE notes (id int PRIMARY KEY, value int NOT NULL DEFAULT 0)");
  await database.ownerPool().query("GRANT ALL ON notes TO assent_app");
  return database;
}

const readIds = async (pool: Pool): Promise<number[]> =>
  (await pool.query<{ id: number }>("SELECT id FROM notes ORDER BY id")).rows.map((row) => row.id);

const readLimits = async (pool: Pool): Promise<unknown[]> =>
  (
    await pool.query(
      `SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
         current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('application_name') AS name`,
    )
  ).rows;

const codeOf = (error: unknown): unknown => (error instanceof DatabaseError ? error.code : error);

test("what throws is rolled back whole, and the connection serves on", async () => {
  await using database = await connectNotes();
  const pool = database.appPool();
  const failing = transaction(pool, async (client) => {
    await client.query("INSERT INTO notes VALUES (1)");
    throw new Error("halfway");
  });
  await expect(failing).rejects.toThrow("halfway");
  await transaction(pool, async (client) => await client.query("INSERT INTO notes VALUES (2)"));
  expect(await readIds(pool)).toEqual([2]);
  expect(pool.totalCount).toBe(1);
});

test("a transaction whose failed statement was swallowed does not pass for committed", async () => {
  await using database = await connectNotes();
  const swallowing = transaction(database.appPool(), async (client) => {
    await client.query("INSERT INTO notes VALUES (1)");
    await client.query("INSERT INTO notes VALUES (1)").catch(() => undefined);
  });
  await expect(swallowing).rejects.toBeInstanceOf(TransactionUndoneError);
  expect(await readIds(database.appPool())).toEqual([]);
});

test("a connection that breaks in a transaction is discarded, not the process", async () => {
  await using database = await connectNotes();
  const pool = database.appPool();
  const cut = transaction(pool, async (client) => {
    await client.query("INSERT INTO notes VALUES (1)");
    await client.query("SELECT pg_terminate_backend(pg_backend_pid())");
  });
  expect(await cut.catch(codeOf)).toBe("57P01");
  expect(pool.totalCount).toBe(0);
  expect(await readIds(pool)).toEqual([]);
});

test("an idle connection that breaks is told of and replaced", async () => {
  await using database = await connectNotes();
  const { promise: told, resolve } = Promise.withResolvers<Error>();
  const pool = connectPool({
    connection: database.app,
    role: "app",
    connectionsMax: 1,
    onIdleError: resolve,
  });
  const { rows } = await pool.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  await database.ownerPool().query("SELECT 1");
  await using other = await connectThrowAwayDatabase();
  // The app may end its own sessions, from whichever database it is in.
  await other.appPool().query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
  expect(codeOf(await told)).toBe("57P01");
  expect(await readIds(pool)).toEqual([]);
  await pool.end();
});

test("after a serialization failure the whole work runs again, as often as was allowed", async () => {
  await using database = await connectNotes();
  const pool = database.appPool();
  await pool.query("INSERT INTO notes VALUES (1, 0)");
  let attempts = 0;
  const addOne = async (attemptsMax: number, spoilt: number): Promise<void> => {
    attempts = 0;
    await transaction(
      pool,
      async (client) => {
        attempts += 1;
        const { rows } = await client.query<{ value: number }>("SELECT value FROM notes WHERE id = 1");
        if (attempts <= spoilt) await pool.query("UPDATE notes SET value = value + 10 WHERE id = 1");
        await client.query("UPDATE notes SET value = $1 WHERE id = 1", [(rows[0]?.value ?? 0) + 1]);
      },
      { isolation: "repeatable read", attemptsMax },
    );
  };
  await addOne(3, 2);
  expect(attempts).toBe(3);
  expect((await pool.query("SELECT value FROM notes")).rows).toEqual([{ value: 21 }]);
  expect(await addOne(3, 5).catch(codeOf)).toBe("40001");
  expect(attempts).toBe(3);
  expect(await addOne(1, 1).catch(codeOf)).toBe("40001");
  expect(attempts).toBe(1);
});

test("other errors are never retried", async () => {
  await using database = await connectNotes();
  let attempts = 0;
  const failing = transaction(
    database.appPool(),
    async (client) => {
      attempts += 1;
      await client.query("INSERT INTO notes VALUES (1), (1)");
    },
    { attemptsMax: 5 },
  );
  expect(await failing.catch(codeOf)).toBe("23505");
  expect(attempts).toBe(1);
});

test("the app's sessions are bounded in time, the owner's are not", async () => {
  await using database = await connectThrowAwayDatabase();
  expect(await readLimits(database.appPool())).toEqual([
    { statement: "30s", lock: "10s", idle: "30s", name: "assent app" },
  ]);
  expect(await readLimits(database.ownerPool())).toEqual([
    { statement: "0", lock: "0", idle: "30s", name: "assent owner" },
  ]);
});
