// The table that changes most. A change is written in its page and in no index: an index over what every change changes
// would be the end of that, for each index of the table. And a run is found by its id through one index only.

import { expect, test } from "vitest";
import { decidingCounts } from "../../../packages/harness/src/adapters/postgres/quality.ts";
import { decisionRows } from "../../../packages/harness/src/adapters/postgres/decisions.ts";
import type { Query, Scope } from "../../../packages/harness/src/adapters/postgres/rows.ts";
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

const NOBODY = "00000000-0000-0000-0000-000000000000";

test("there is one index by which a run is looked up by its id: the table's key", async () => {
  await using database = await connectThrowAwayDatabase();
  const owner = database.ownerPool();
  // Any other that holds all of a tenant's runs could be taken for it, where the planner knows nothing of the table yet.
  const { rows } = await owner.query<{ index: string }>(
    `select i.indexrelid::regclass::text as index
     from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
     where i.indrelid = 'assent.runs'::regclass and a.attname = 'tenant_id' and i.indpred is null`,
  );
  expect(rows).toEqual([{ index: "assent.runs_pkey" }]);
  const planned = async (condition: string): Promise<string> =>
    JSON.stringify(
      (
        await owner.query(
          `explain (format json) select from assent.runs r where r.tenant_id = '${NOBODY}' and ${condition}`,
        )
      ).rows,
    );
  expect(await planned(`r.id = '${NOBODY}'`)).toContain("runs_pkey");
  // What lists does use the other one.
  const listed = "r.driver in ('assent', 'external') order by r.created_at desc, r.id desc limit 20";
  expect(await planned(listed)).toContain("runs_newest");
});

const LISTS: readonly (readonly [
  what: string,
  list: (scope: Pick<Scope, "query" | "tenant">) => Promise<unknown>,
])[] = [
  ["what was decided", async (scope) => await rowsOf(scope).list(new Date(0), null, 200)],
  [
    "what was decided, from a place on",
    async (scope) =>
      await rowsOf(scope).list(new Date(0), { at: new Date(), run: `run_${"0".repeat(32)}`, seq: 2 }, 200),
  ],
  ["how people decide", async (scope) => await decidingCounts(scope, new Date(0), 100)],
];

const rowsOf = (scope: Pick<Scope, "query" | "tenant">): ReturnType<typeof decisionRows> =>
  decisionRows({ ...scope, tenant: NOBODY });

test.each(LISTS)("%s is looked for by the index of the newest runs", async (_, list) => {
  await using database = await connectThrowAwayDatabase();
  const owner = database.ownerPool();
  const plans: string[] = [];
  const query: Query = async (text, values) => {
    const { rows } = await owner.query(`explain (format json) ${text}`, [...values]);
    plans.push(JSON.stringify(rows));
    return (await owner.query(text, [...values])).rows;
  };
  await list({ query, tenant: NOBODY });
  expect(plans[0]).toContain("runs_newest");
});
