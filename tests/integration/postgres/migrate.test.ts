import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { migrate, type MigrationRefusal } from "../../../packages/harness/src/adapters/postgres/migrate.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import { until } from "../../support/until.ts";
import { forkChild, makeScratchFolder, nextMessage, type ScratchFolder } from "./processes.ts";

const PROCESSES = 4;

const FIRST = "CREATE TABLE counter (value int); INSERT INTO counter VALUES (0);";
// Not safe to repeat on purpose, and slow enough for the others to arrive.
const SECOND = "UPDATE counter SET value = value + 1; SELECT pg_sleep(0.2);";

function writeMigrations(folder: ScratchFolder, files: Readonly<Record<string, string>>): string {
  const path = join(folder.path, "migrations");
  mkdirSync(path, { recursive: true });
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(path, name), sql);
  return path;
}

async function refusalOf(database: ThrowAwayDatabase, folder: string): Promise<MigrationRefusal["reason"]> {
  const migrated = await migrate({ connection: database.owner, folder });
  if (migrated.ok) throw new Error(`applied ${migrated.value.applied.join()}`);
  return migrated.error.reason;
}

const readAll = async (database: ThrowAwayDatabase, sql: string): Promise<unknown[]> =>
  (await database.ownerPool().query(sql)).rows;

test("processes that migrate at once apply each migration once", async () => {
  await using database = await connectThrowAwayDatabase({ schema: "none" });
  await using scratch = makeScratchFolder();
  const folder = writeMigrations(scratch, { "0001_counter.sql": FIRST, "0002_count.sql": SECOND });
  const messages = await Promise.all(
    Array.from({ length: PROCESSES }, async () => {
      const { host, user, password } = database.owner;
      return await nextMessage(
        forkChild("migrator", [], {
          TEST_HOST: host,
          TEST_USER: user,
          TEST_PASSWORD: password(),
          TEST_DATABASE: database.name,
          TEST_FOLDER: folder,
        }),
      );
    }),
  );
  expect(messages.map(({ event }) => event)).toEqual(messages.map(() => "migrated"));
  expect(messages.map(({ value }) => value).toSorted()).toEqual(["", "", "", "counter,count"]);
  expect(await readAll(database, "SELECT value FROM counter")).toEqual([{ value: 1 }]);
  expect(await readAll(database, "SELECT version, name FROM assent_migrations ORDER BY version")).toEqual([
    { version: 1, name: "counter" },
    { version: 2, name: "count" },
  ]);
});

test("a database newer than the program is refused and left as it is", async () => {
  await using database = await connectThrowAwayDatabase({ schema: "none" });
  await using scratch = makeScratchFolder();
  const folder = writeMigrations(scratch, { "0001_counter.sql": FIRST, "0002_count.sql": "SELECT 1;" });
  expect(await migrate({ connection: database.owner, folder })).toMatchObject({
    ok: true,
    value: { version: 2 },
  });
  rmSync(join(folder, "0002_count.sql"));
  expect(await refusalOf(database, folder)).toBe("database_newer");
  expect(await readAll(database, "SELECT count(*)::int AS n FROM assent_migrations")).toEqual([{ n: 2 }]);
});

test("an applied migration whose text changed is refused; other line ends are no change", async () => {
  await using database = await connectThrowAwayDatabase({ schema: "none" });
  await using scratch = makeScratchFolder();
  const folder = writeMigrations(scratch, { "0001_counter.sql": "SELECT 1;\nSELECT 2;\n" });
  expect(await migrate({ connection: database.owner, folder })).toMatchObject({ ok: true });
  writeMigrations(scratch, { "0001_counter.sql": "SELECT 1;\r\nSELECT 2;\r\n" });
  expect(await migrate({ connection: database.owner, folder })).toEqual({
    ok: true,
    value: { version: 1, applied: [] },
  });
  writeMigrations(scratch, { "0001_counter.sql": "SELECT 1;\nSELECT 3;\n", "0002_more.sql": FIRST });
  expect(await refusalOf(database, folder)).toBe("migration_changed");
  expect(await readAll(database, "SELECT to_regclass('counter')::text AS found")).toEqual([{ found: null }]);
});

test("a migration that fails leaves nothing behind, and can be mended", async () => {
  await using database = await connectThrowAwayDatabase({ schema: "none" });
  await using scratch = makeScratchFolder();
  const folder = writeMigrations(scratch, { "0001_counter.sql": `${FIRST} SELECT 1 / 0;` });
  expect(await refusalOf(database, folder)).toBe("migration_failed");
  expect(await readAll(database, "SELECT to_regclass('counter')::text AS found")).toEqual([{ found: null }]);
  writeMigrations(scratch, { "0001_counter.sql": FIRST });
  expect(await migrate({ connection: database.owner, folder })).toMatchObject({ ok: true });
});

test("a migration waits for whoever reads a table for hours, and keeps nobody else from it for long", async () => {
  await using database = await connectThrowAwayDatabase({ schema: "none" });
  await using scratch = makeScratchFolder();
  const folder = writeMigrations(scratch, { "0001_counter.sql": FIRST });
  await migrate({ connection: database.owner, folder });
  writeMigrations(scratch, { "0002_more.sql": "ALTER TABLE counter ADD COLUMN more int;" });
  const backup = await database.ownerPool().connect();
  await backup.query("BEGIN; LOCK TABLE counter IN ACCESS SHARE MODE");
  const migrating = migrate({ connection: database.owner, folder, tableLockMsMax: 100 });
  const waits = "SELECT FROM pg_locks WHERE relation = 'counter'::regclass AND NOT granted";
  await until("it waits", async () => (await readAll(database, waits)).length > 0);
  // Behind whoever waits for the whole table; for as long as the backup takes, if nobody gave way.
  const reader = await database.ownerPool().connect();
  await reader.query("SET statement_timeout = '5s'");
  expect((await reader.query("SELECT value FROM counter")).rows).toEqual([{ value: 0 }]);
  reader.release();
  await backup.query("COMMIT");
  backup.release();
  expect(await migrating).toEqual({ ok: true, value: { version: 2, applied: ["more"] } });
});

test("a migration that commits by itself is refused", async () => {
  await using database = await connectThrowAwayDatabase({ schema: "none" });
  await using scratch = makeScratchFolder();
  const folder = writeMigrations(scratch, { "0001_counter.sql": `${FIRST} COMMIT; SELECT 1;` });
  expect(await refusalOf(database, folder)).toBe("migration_failed");
  expect(await readAll(database, "SELECT version FROM assent_migrations")).toEqual([]);
});

test.each([
  ["a number twice", ["0001_a.sql", "0001_b.sql"]],
  ["a start past one", ["0002_a.sql"]],
  ["another name", ["0001_a.sql", "2_b.sql"]],
])("%s among the migrations is refused before anything runs", async (_case, names) => {
  await using database = await connectThrowAwayDatabase({ schema: "none" });
  await using scratch = makeScratchFolder();
  const folder = writeMigrations(scratch, Object.fromEntries(names.map((name) => [name, "SELECT 1;"])));
  expect(await refusalOf(database, folder)).toBe("migrations_misnumbered");
  expect(await readAll(database, "SELECT to_regclass('assent_migrations')::text AS found")).toEqual([
    { found: null },
  ]);
});

test("numbers may be left out, and what fills a gap later is applied once", async () => {
  await using database = await connectThrowAwayDatabase({ schema: "none" });
  await using scratch = makeScratchFolder();
  const folder = writeMigrations(scratch, { "0001_counter.sql": FIRST, "0012_count.sql": SECOND });
  const applied = async (): Promise<unknown> => await migrate({ connection: database.owner, folder });
  expect(await applied()).toEqual({ ok: true, value: { version: 12, applied: ["counter", "count"] } });
  writeMigrations(scratch, { "0011_between.sql": "UPDATE counter SET value = value + 10;" });
  expect(await applied()).toEqual({ ok: true, value: { version: 12, applied: ["between"] } });
  expect(await applied()).toEqual({ ok: true, value: { version: 12, applied: [] } });
  expect(await readAll(database, "SELECT value FROM counter")).toEqual([{ value: 11 }]);
  rmSync(join(folder, "0011_between.sql"));
  expect(await refusalOf(database, folder)).toBe("migration_changed");
});

test("a program without its migrations is refused", async () => {
  await using database = await connectThrowAwayDatabase({ schema: "none" });
  await using scratch = makeScratchFolder();
  expect(await refusalOf(database, join(scratch.path, "absent"))).toBe("migrations_missing");
});

test("what runs after the SQL runs each time, under the lock, and not after a refusal", async () => {
  await using database = await connectThrowAwayDatabase({ schema: "none" });
  await using scratch = makeScratchFolder();
  const folder = writeMigrations(scratch, { "0001_counter.sql": FIRST });
  const seen: unknown[] = [];
  const afterMigrate = async (): Promise<void> => {
    const locks =
      "SELECT count(*)::int AS held FROM pg_locks WHERE locktype = 'advisory' AND objid = 3 AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    seen.push(...(await readAll(database, locks)));
  };
  await migrate({ connection: database.owner, folder, afterMigrate });
  await migrate({ connection: database.owner, folder, afterMigrate });
  renameSync(join(folder, "0001_counter.sql"), join(folder, "0002_counter.sql"));
  await migrate({ connection: database.owner, folder, afterMigrate });
  expect(seen).toEqual([{ held: 1 }, { held: 1 }]);
});
