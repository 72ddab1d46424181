// DATABASE_URL: a Postgres that somebody else runs, with users that somebody else made.

import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Pool } from "pg";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { openDatabase, setUp, type Database } from "../../../packages/harness/src/assemble/database.ts";
import { type Environment, readEnvironment } from "../../../packages/harness/src/config.ts";
import { connectPool } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import {
  type EmbeddedServer,
  openEmbedded,
} from "../../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { takeTurn } from "../../../packages/harness/src/adapters/postgres/alone.ts";
import { until } from "../../support/until.ts";
import {
  asApp,
  checkAppRole,
  checkServer,
  POSTGRES_MAJOR_MIN,
} from "../../../packages/harness/src/adapters/postgres/given.ts";
import { systemClock } from "../../../packages/harness/src/adapters/system/clock.ts";
import { systemRandom } from "../../../packages/harness/src/adapters/system/random.ts";
import {
  readCredentials,
  readSecrets,
  type Secrets,
  writeCredentials,
} from "../../../packages/harness/src/home.ts";
import type { Result } from "../../../packages/harness/src/base/result.ts";
import type { StartRefusal } from "../../../packages/harness/src/assemble/refusal.ts";
import { makeSweptFolder } from "../../support/database.ts";

// A cluster of its own: roles belong to the whole cluster, and these tests take the service's away.
let server: EmbeddedServer;
let admin: Pool;
beforeAll(async () => {
  const opened = await openEmbedded({ folder: makeSweptFolder(), fsync: false });
  if (!opened.ok) throw new Error(opened.error.message);
  server = opened.value;
  admin = openPool("postgres");
});
afterAll(async () => {
  await admin.end();
  await server.release();
});

// A session can be told of the server's end after its pool is closed; unheard, that would be an error of the test.
const openPool = (database: string): Pool =>
  new Pool(server.connection("superuser", database)).on("error", () => undefined);

let name: string;
let owner: string;
let serving: string;
beforeEach(async () => {
  const mark = randomBytes(6).toString("hex");
  [name, owner, serving] = [`given_${mark}`, `owner_${mark}`, `serving_${mark}`];
  await admin.query(`create role ${owner} login createrole password 'right'`);
  await admin.query(`create role ${serving} login password 'right'`);
  await admin.query(`create database ${name} owner ${owner}`);
  // The cluster of a test forgets commits, to be fast; no server that somebody gives us may.
  await admin.query(`alter database ${name} set synchronous_commit = on`);
  await admin.query("alter role assent_app nosuperuser nobypassrls");
});

const urlOf = (user: string, password = "right", database = name): string =>
  `postgres://${user}:${password}@localhost/${database}?host=${encodeURIComponent(server.connection("superuser").host)}`;

const environmentOf = (url: string, migrationUrl?: string): Environment =>
  readEnvironment({
    DATABASE_URL: url,
    ...(migrationUrl === undefined ? {} : { DATABASE_MIGRATION_URL: migrationUrl }),
  });

async function open(
  url: string,
  migrationUrl?: string,
  onProgress: (line: string) => void = () => undefined,
): Promise<Result<Database, StartRefusal>> {
  await using started = new AsyncDisposableStack();
  return await openDatabase(
    { home: "/nonexistent", environment: environmentOf(url, migrationUrl) },
    started,
    onProgress,
  );
}

async function whoServes(database: Result<Database, StartRefusal>): Promise<unknown> {
  if (!database.ok) return database.error;
  const pool = connectPool({ connection: database.value.app, role: "app", connectionsMax: 1 });
  try {
    const { rows } = await pool.query("select current_user::text as role, session_user::text as login");
    return rows[0];
  } finally {
    await pool.end();
  }
}

test("one URL whose user may make roles: it makes the service's role and works as it", async () => {
  await admin.query("alter role assent_app rename to assent_app_away");
  try {
    expect(await whoServes(await open(urlOf(owner)))).toEqual({ role: "assent_app", login: owner });
    expect(await whoServes(await open(urlOf(owner))), "again").toEqual({ role: "assent_app", login: owner });
  } finally {
    await admin.query(`drop database ${name} with (force)`);
    await admin.query("drop role assent_app");
    await admin.query("alter role assent_app_away rename to assent_app");
  }
});

test("another's role is not granted: it is said who must run what, and that suffices", async () => {
  const refused = await open(urlOf(serving), urlOf(owner));
  expect(refused).toMatchObject({ ok: false, error: { code: "role_not_granted" } });
  const remedy = refused.ok ? "" : refused.error.remedy;
  expect(remedy).toMatch(new RegExp(`: grant assent_app to "${serving}"$`));
  await admin.query(remedy.slice(remedy.indexOf("grant ")));
  expect(await whoServes(await open(urlOf(serving), urlOf(owner)))).toEqual({
    role: "assent_app",
    login: serving,
  });
});

test.each([
  [600_000, "600 s ahead of"],
  [-600_000, "600 s behind"],
])("a clock that is %i ms off the database's is refused", async (offMs, said) => {
  await admin.query(`grant assent_app to ${serving}`);
  const moved = vi.spyOn(systemClock, "now").mockImplementation(() => new Date(Date.now() + offMs));
  try {
    const refused = await open(urlOf(serving), urlOf(owner));
    expect(refused).toMatchObject({
      ok: false,
      error: { code: "clock_differs", detail: expect.stringContaining(said) },
    });
  } finally {
    moved.mockRestore();
  }
  expect(await open(urlOf(serving), urlOf(owner))).toMatchObject({ ok: true });
});

test.each([
  ["default_transaction_read_only = on", "database_read_only"],
  ["synchronous_commit = off", "commits_not_durable"],
  ["session_replication_role = replica", "triggers_off"],
])("a server with %s is refused, before anything is written", async (setting, code) => {
  await admin.query(`grant assent_app to ${serving}`);
  for (const role of [owner, serving]) {
    await admin.query(`alter role ${role} set ${setting}`);
    expect(await open(urlOf(serving), urlOf(owner))).toMatchObject({ ok: false, error: { code } });
    await admin.query(`alter role ${role} reset all`);
  }
  expect(await open(urlOf(serving), urlOf(owner))).toMatchObject({ ok: true });
});

test("a start says where the server does not outlive a crash of its machine", async () => {
  await admin.query(`grant assent_app to ${serving}`);
  const lines: string[] = [];
  expect(await open(urlOf(serving), urlOf(owner), (line) => lines.push(line))).toMatchObject({ ok: true });
  expect(lines).toContainEqual(
    expect.stringContaining(
      "the server of DATABASE_MIGRATION_URL runs with fsync = off and full_page_writes = off",
    ),
  );
});

test("a role that row-level security does not bind is refused", async () => {
  await admin.query(`grant assent_app to ${serving}`);
  await admin.query("alter role assent_app bypassrls");
  const refused = await open(urlOf(serving), urlOf(owner));
  expect(refused).toMatchObject({ ok: false, error: { code: "role_unbounded" } });
});

test("sessions that do not begin as the role are refused, as behind a pooler that drops the setting", async () => {
  const superuser = server.connection("superuser", "postgres");
  expect(await checkAppRole(superuser, "DATABASE_URL", superuser)).toMatchObject({
    ok: false,
    error: { reason: "role_unbounded" },
  });
  expect(await checkAppRole(asApp(superuser), "DATABASE_URL", superuser)).toMatchObject({ ok: true });
});

test("a start says where the login itself could leave its role, and nothing of it where it could not", async () => {
  await admin.query(`grant assent_app to ${serving}`);
  const told = async (...urls: readonly [string, string?]): Promise<boolean> => {
    const lines: string[] = [];
    await open(urls[0], urls[1], (line) => lines.push(line));
    return lines.some((line) => line.includes("could pass by row-level security itself"));
  };
  expect(await told(urlOf(serving), urlOf(owner))).toBe(false);
  await admin.query(`grant assent_app to ${owner}`);
  expect(await told(urlOf(owner))).toBe(true);
  await admin.query(`alter role ${serving} bypassrls`);
  expect(await told(urlOf(serving), urlOf(owner))).toBe(true);
});

test.each([
  {
    situation: "its password is wrong",
    code: "database_login_refused",
    variable: "DATABASE_URL",
    tryIt: async () => await open(urlOf(owner, "wrong")),
  },
  {
    situation: "the migrating user's password is wrong",
    code: "database_login_refused",
    variable: "DATABASE_MIGRATION_URL",
    tryIt: async () => await open(urlOf(serving), urlOf(owner, "wrong")),
  },
  {
    situation: "nobody listens",
    code: "database_unreachable",
    variable: "DATABASE_URL",
    tryIt: async () => await open(`postgres://${owner}:right@localhost/${name}?host=/nonexistent`),
  },
  {
    situation: "there is no such database",
    code: "database_unusable",
    variable: "DATABASE_URL",
    tryIt: async () => await open(urlOf(owner, "right", "none")),
  },
])("$situation: refused, named, and without the password", async ({ code, variable, tryIt }) => {
  const refused = await tryIt();
  expect(refused).toMatchObject({ ok: false, error: { code } });
  if (refused.ok) throw new Error("it was opened");
  expect(refused.error.detail).toMatch(new RegExp(`^${variable}: `));
  expect(JSON.stringify(refused.error)).not.toMatch(/wrong|right/);
});

test("the serving user's password is wrong: refused before anything is migrated", async () => {
  await admin.query(`grant assent_app to ${serving}`);
  const refused = await open(urlOf(serving, "wrong"), urlOf(owner));
  expect(refused).toMatchObject({ ok: false, error: { code: "database_login_refused" } });
  const look = openPool(name);
  try {
    const { rows } = await look.query("select to_regclass('public.assent_migrations') as found");
    expect(rows).toEqual([{ found: null }]);
  } finally {
    await look.end();
  }
});

const secrets = (secret: string): Secrets => {
  const read = readSecrets("/nonexistent", secret.padEnd(32, "x"), systemRandom);
  if (!read.ok) throw new Error(read.error.detail);
  return read.value;
};

test("of starts at once in one home all have the one operator's key, which is in its file before it opens anything", async () => {
  await admin.query(`grant assent_app to ${serving}`);
  const given = await open(urlOf(serving), urlOf(owner));
  if (!given.ok) throw new Error(given.error.detail);
  const folder = makeSweptFolder();
  const keysKept = async (): Promise<number> => {
    const look = openPool(name);
    try {
      return (await look.query("select from assent.api_keys")).rows.length;
    } finally {
      await look.end();
    }
  };
  for (const keys of [1, 2]) {
    const starts = await Promise.all(
      Array.from({ length: 6 }, async () => await setUp(given.value, folder, secrets("first"))),
    );
    const made = new Set(starts.map((start) => (start.ok ? start.value.key : start.error.code)));
    expect([...made]).toEqual([readCredentials(folder)?.key]);
    expect(await keysKept()).toBe(keys);
    // As a disk that was full leaves it: there is no reading the old one, and all agree on a new one.
    writeFileSync(join(folder, "credentials.json"), '{"url":');
  }
  rmSync(folder, { recursive: true });
});

test("a start waits for the one that is making the operator's key, and takes what that one made", async () => {
  await admin.query(`grant assent_app to ${serving}`);
  const given = await open(urlOf(serving), urlOf(owner));
  if (!given.ok) throw new Error(given.error.detail);
  const folder = makeSweptFolder();
  const other = openPool(name);
  try {
    const client = await other.connect();
    await client.query("begin");
    await takeTurn(client, "operatorKey");
    const starting = setUp(given.value, folder, secrets("first"));
    await until("it waits", async () => {
      const { rows } = await other.query("select from pg_locks where locktype = 'advisory' and not granted");
      return rows.length > 0;
    });
    writeCredentials(folder, { url: "", key: "made-elsewhere" }, systemRandom);
    await client.query("commit");
    client.release();
    expect(await starting).toMatchObject({ ok: true, value: { key: "made-elsewhere", firstStart: true } });
  } finally {
    await other.end();
    rmSync(folder, { recursive: true });
  }
});

test("a database that outlived its home says which folder to move away; a given one does not", async () => {
  await admin.query(`grant assent_app to ${serving}`);
  const given = await open(urlOf(serving), urlOf(owner));
  if (!given.ok) throw new Error(given.error.detail);
  const folder = makeSweptFolder();
  expect(await setUp(given.value, folder, secrets("first"))).toMatchObject({ ok: true });
  const other = await setUp(given.value, folder, secrets("second"));
  expect(other).toMatchObject({ ok: false, error: { code: "secret_differs" } });
  expect(JSON.stringify(other)).not.toContain("move");
  expect(await setUp({ ...given.value, keptIn: server.home }, folder, secrets("second"))).toMatchObject({
    ok: false,
    error: { code: "secret_differs", remedy: expect.stringContaining(`move ${server.home} away`) },
  });
  rmSync(folder, { recursive: true });
});

test("a server of a version that lacks what migrations use is refused before anything is made in it", async () => {
  const connection = server.connection("superuser", name);
  const checked = async (majorMin: number): Promise<unknown> =>
    await checkServer(connection, "DATABASE_URL", majorMin);
  expect(await checked(POSTGRES_MAJOR_MIN)).toMatchObject({ ok: true });
  expect(await checked(18), "its own version").toMatchObject({ ok: true });
  expect(await checked(19)).toMatchObject({
    ok: false,
    error: {
      reason: "database_too_old",
      message: expect.stringMatching(/DATABASE_URL is Postgres 18\.\d.*needs 19 or newer/u),
    },
  });
});

test.each(["SQL_ASCII", "LATIN1"])(
  "a database that is encoded in %s is refused and left empty",
  async (encoding) => {
    await admin.query(`drop database ${name}`);
    await admin.query(
      `create database ${name} owner ${owner} template template0 encoding '${encoding}' locale_provider libc locale 'C'`,
    );
    expect(await open(urlOf(owner))).toMatchObject({
      ok: false,
      error: {
        code: "database_encoding",
        detail: expect.stringContaining(encoding),
        remedy: expect.stringContaining("UTF8"),
      },
    });
    const pool = openPool(name);
    const { rows } = await pool.query("select nspname from pg_namespace where nspname = 'assent'");
    await pool.end();
    expect(rows).toEqual([]);
  },
);
