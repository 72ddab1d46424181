// Migrations that are killed on the way, again and again, by two that race: each is applied once, whole, and the schema is
// the one that nobody had disturbed (invariant 1 rests on its triggers).

import { expect, test } from "vitest";
import { migrate } from "../../packages/harness/src/adapters/postgres/migrate.ts";
import { randomFrom } from "../../packages/suite/src/chance.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../support/database.ts";

const SEED = 5;
/** Long enough for some to get through. */
const WAIT_MS_MAX = 40;

const SCHEMA: readonly string[] = [
  `select n.nspname, c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity from pg_class c
   join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('assent', 'public') order by 1, 2`,
  `select table_name, column_name, data_type, column_default, is_nullable from information_schema.columns
   where table_schema in ('assent', 'public') order by 1, 2`,
  `select p.oid::regprocedure::text as name, pg_get_functiondef(p.oid) from pg_proc p
   join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'assent' and p.prokind = 'f' order by 1`,
  "select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal order by 1",
  "select pg_get_constraintdef(oid), conname from pg_constraint order by 2, 1",
  "select schemaname, tablename, policyname, roles::text, cmd, qual, with_check from pg_policies order by 1, 2, 3",
  "select version, name, digest from public.assent_migrations order by 1",
];

async function schemaOf(database: ThrowAwayDatabase): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for (const sql of SCHEMA) found.push((await database.ownerPool().query(sql)).rows);
  return found;
}

test(`two that migrate at once and are killed at any moment (seed ${SEED}): each migration once and whole`, async () => {
  await using sound = await connectThrowAwayDatabase({ schema: "none" });
  expect((await migrate({ connection: sound.owner })).ok).toBe(true);
  await using database = await connectThrowAwayDatabase({ schema: "none" });
  const next = randomFrom(SEED);
  const applied: string[] = [];
  const done = new AbortController();
  let kills = 0;
  const migrateOnce = async (): Promise<void> => {
    const migrated = await migrate({ connection: database.owner }).catch((error: unknown) => error);
    if (migrated instanceof Error) return;
    expect(migrated).toMatchObject({ ok: true });
    done.abort();
  };
  const kill = async (): Promise<void> => {
    await database.ownerPool().query("select pg_sleep($1)", [(next() * WAIT_MS_MAX) / 1000]);
    const { rowCount } = await database.ownerPool().query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'assent migrate' and random() < 0.7`,
    );
    kills += rowCount ?? 0;
  };
  while (!done.signal.aborted) {
    const round = new AbortController();
    const racing = Promise.all([migrateOnce(), migrateOnce()]).finally(() => {
      round.abort();
    });
    while (!round.signal.aborted) await kill();
    await racing;
  }
  const { rows } = await database
    .ownerPool()
    .query("select name from public.assent_migrations order by version");
  applied.push(...rows.map((row: { name: string }) => row.name));
  expect(new Set(applied).size).toBe(applied.length);
  expect(kills).toBeGreaterThan(10);
  expect(await schemaOf(database)).toEqual(await schemaOf(sound));
});
