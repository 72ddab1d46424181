import { inspect } from "node:util";
import { expect, test } from "vitest";
import { parseDatabaseUrl, readDatabaseAddress } from "./connect.ts";

const SECRET = "s3cret-%40-pässword";

test.each([
  ["postgres://u:p@localhost/d", { host: "localhost", port: 5432, database: "d", user: "u", ssl: false }],
  [
    "postgresql://u@127.0.0.1:6543/d",
    { host: "127.0.0.1", port: 6543, database: "d", user: "u", ssl: false },
  ],
  ["postgres://u:p@[::1]:6543/d", { host: "::1", port: 6543, ssl: false }],
  ["postgres://u:p@db.example/d?sslmode=disable", { host: "db.example", ssl: false }],
  ["postgres://u:p@db.example/d?sslmode=require", { ssl: { rejectUnauthorized: true } }],
  ["postgres://u:p@db.example/d?sslmode=verify-full", { ssl: { rejectUnauthorized: true } }],
  ["postgres://u:p@db.example/d?sslmode=no-verify", { ssl: { rejectUnauthorized: false } }],
  ["postgres://u%40x:p@localhost/d%20e", { user: "u@x", database: "d e" }],
  ["postgres://u:p@localhost/d?host=/run/postgresql", { host: "/run/postgresql", ssl: false }],
])("reads %s", (text, expected) => {
  expect(parseDatabaseUrl("DATABASE_URL", text)).toMatchObject({ ok: true, value: expected });
});

test.each([
  "",
  "nonsense",
  `mysql://u:${SECRET}@localhost/d`,
  `http://u:${SECRET}@localhost/d`,
  `postgres://localhost/d`,
  `postgres://u:${SECRET}@localhost`,
  `postgres://u:${SECRET}@localhost/`,
  `postgres://u:${SECRET}@localhost/d/e`,
  `postgres://u:${SECRET}@localhost:99999/d`,
  `postgres://u:${SECRET}%zz@localhost/d`,
  `postgres://u:${SECRET}@db.example/d`,
  `postgres://u:${SECRET}@db.example/d?sslmode=prefer`,
  `postgres://u:${SECRET}@localhost/d?options=-csearch_path%3Devil`,
  `postgres://u:${SECRET}@localhost/d?sslkey=/etc/shadow`,
  `postgres://u:${SECRET}@localhost/d?host=relative`,
  `postgres://u:${SECRET}@/d`,
])("refuses %s without repeating it", (text) => {
  const parsed = parseDatabaseUrl("DATABASE_URL", text);
  expect(parsed).toMatchObject({ ok: false, error: { reason: "malformed_database_url" } });
  expect(inspect(parsed)).not.toContain("s3cret");
  expect(inspect(parsed)).toContain("DATABASE_URL");
});

test("an address that is printed does not show its password, which still reaches the server", () => {
  const parsed = parseDatabaseUrl("DATABASE_URL", "postgres://u:s3cret%40@localhost/d");
  expect(inspect(parsed, { depth: 9 })).not.toContain("s3cret");
  expect(JSON.stringify(parsed)).not.toContain("s3cret");
  expect(parsed.ok ? parsed.value.password() : "").toBe("s3cret@");
});

test("migrations take the same address unless they are given another, and never one alone", () => {
  const app = "postgres://app:p@localhost/d";
  const owner = "postgres://owner:p@localhost/d";
  expect(readDatabaseAddress({})).toEqual({ ok: true, value: undefined });
  expect(readDatabaseAddress({ DATABASE_URL: app })).toMatchObject({
    value: { app: { user: "app" }, owner: { user: "app" } },
  });
  expect(readDatabaseAddress({ DATABASE_URL: app, DATABASE_MIGRATION_URL: owner })).toMatchObject({
    value: { app: { user: "app" }, owner: { user: "owner" } },
  });
  expect(readDatabaseAddress({ DATABASE_MIGRATION_URL: owner })).toMatchObject({ ok: false });
  expect(readDatabaseAddress({ DATABASE_URL: app, DATABASE_MIGRATION_URL: "x" })).toMatchObject({
    ok: false,
    error: { message: expect.stringContaining("DATABASE_MIGRATION_URL") },
  });
});
