// The table that changes most. A change is written in its page and in no index: an index over what every change changes
// would be the end of that, for each index of the table. And a run is found by its id through one index only.

import { expect, test } from "vitest";
import { connectThrowAwayDatabase } from "../../support/database.ts";

test("no index of runs holds what a commit of a run always changes", async () => {
  await using database = await connectThrowAwayDatabase();
  const { rows } = await database.ownerPool().query<{ index: string; column: string }>(
    `select i.indexrelid::regclass::text as index, a.attname as column
     from pg_index i join pg_attribute a on a.attrelid = i.indrelid
     where i.indrelid = 'assent.runs'::regclass and a.attnum > 0
       -- Its own columns, and those that its condition or an expression reads.
       and (a.attnum = any (i.indkey) or exists (
         select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
           and d.refobjid = i.indrelid and d.refobjsubid = a.attnum))`,
  );
  expect(rows).not.toEqual([]);
  const always = ["version", "updated_at"];
  expect(rows.filter(({ column }) => always.includes(column))).toEqual([]);
});

test("every run is found by its id through its key, and by no other index that holds all runs", async () => {
  await using database = await connectThrowAwayDatabase();
  const { rows } = await database.ownerPool().query<{ index: string }>(
    `select i.indexrelid::regclass::text as index
     from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attname = 'id'
     where i.indrelid = 'assent.runs'::regclass and i.indpred is null
       -- Of its columns, those that it is ordered by.
       and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])`,
  );
  expect(rows).toEqual([{ index: "assent.runs_pkey" }]);
});
