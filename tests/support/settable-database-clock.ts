// A database whose clock can be set, as its machine's can: every function of ours that asks for the time asks another one
// instead, which is ahead of the real one by what the test says.

import type { ThrowAwayDatabase } from "./database.ts";

export async function withSettableClock(database: ThrowAwayDatabase): Promise<void> {
  const owner = database.ownerPool();
  await owner.query(`
    create schema assent_test;
    create table assent_test.ahead (by interval not null);
    insert into assent_test.ahead values ('0');
    create function assent_test.clock() returns timestamptz language sql volatile security definer
      set search_path = '' as 'select pg_catalog.clock_timestamp() + a.by from assent_test.ahead a';
    grant usage on schema assent_test to public;
  `);
  const { rows } = await owner.query<{ definition: string }>(
    `select pg_get_functiondef(p.oid) as definition from pg_proc p
     where p.pronamespace = 'assent'::regnamespace and p.prosrc like '%clock_timestamp()%'`,
  );
  if (rows.length === 0) throw new Error("no function asks for the time");
  for (const { definition } of rows)
    await owner.query(definition.replaceAll(/(?:pg_catalog\.)?clock_timestamp\(\)/g, "assent_test.clock()"));
}

export async function setDatabaseClock(database: ThrowAwayDatabase, aheadMs: number): Promise<void> {
  await database
    .ownerPool()
    .query("update assent_test.ahead set by = make_interval(secs => $1)", [aheadMs / 1_000]);
}
