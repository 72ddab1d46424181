// A row is found by its id through the key. Any other index that holds all of a tenant's rows is as good to a planner that
// knows nothing of the table, and it would read all of them.

import { afterAll, expect, test } from "vitest";
import type { HarmonyStore } from "@assent/harmony";
import { documentRows } from "../../../packages/harness/src/adapters/postgres/documents.ts";
import type { Scope } from "../../../packages/harness/src/adapters/postgres/rows.ts";
import { anySealing } from "../../support/sealing.ts";
import { escalation, pattern } from "../../../packages/harmony/src/testing/samples.ts";
import { openMemories } from "../../support/harmony-memory.ts";

const memories = await openMemories();
const { database } = memories;

afterAll(async () => {
  await memories[Symbol.asyncDispose]();
});

test("only a table's key begins with the tenant, of the indexes that hold every row", async () => {
  const { rows } = await database.ownerPool().query<{ tables: number; others: string[] | null }>(
    `select count(distinct i.indrelid)::int as tables,
       array_agg(i.indexrelid::regclass::text) filter (where not i.indisprimary
         -- Or it reads no more than the key would: a run's rows, say.
         and i.indkey[1] is distinct from (select k.indkey[1] from pg_index k where k.indrelid = i.indrelid and k.indisprimary)
       ) as others
     from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
     where c.relnamespace = 'assent'::regnamespace and m.amname = 'btree' and a.attname = 'tenant_id'
       and i.indpred is null`,
  );
  expect(rows[0]?.tables).toBeGreaterThan(20);
  expect(rows[0]?.others).toBeNull();
});

test("a step that ends changes nothing that an index is about, so it is written into none", async () => {
  const { rows } = await database.ownerPool().query<{ name: string; about: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as about
     from pg_index where indrelid = 'assent.steps'::regclass order by 1`,
  );
  expect(rows.map(({ name }) => name)).toEqual([
    "assent.steps_pkey",
    "assent.steps_rollback_once",
    "assent.steps_taken_back_once",
  ]);
  const changing = /\b(?:state|outcome|error|retried_by|started_at|finished_at)\b/;
  expect(rows.filter(({ about }) => changing.test(about))).toEqual([]);
});

const ROWS = 500;
const LISTED = 3;
/** As many as a plan is kept for after: the first five times Postgres plans for what is asked. */
const TIMES = 8;

type List = (memory: HarmonyStore, scope: Scope) => Promise<readonly unknown[]>;

const LISTS: readonly (readonly [table: string, filled: string, list: List])[] = [
  [
    "harmony_patterns",
    `insert into assent.harmony_patterns (tenant_id, id, scope, domain, conflict_type, semantic_fingerprint, bands,
       recorded_at, record)
     select tenant_id, sha256(n::text::bytea), scope, domain, conflict_type, semantic_fingerprint, bands,
       recorded_at + n * interval '1 s', record from assent.harmony_patterns, generate_series(1, $2) n where tenant_id = $1`,
    async (memory) => await memory.listPatterns({ limit: LISTED }),
  ],
  [
    "harmony_audit",
    `insert into assent.harmony_audit (tenant_id, id, event_type, pattern_id, at, record)
     select tenant_id, sha256(n::text::bytea), 'pattern_recorded', id, recorded_at + n * interval '1 s', '{}'
     from assent.harmony_patterns, generate_series(1, $2) n where tenant_id = $1`,
    // What is listed first cannot be read as an entry; how many rows that took is what is asked.
    async (memory) => await memory.listAudit({ limit: LISTED }).catch(() => []),
  ],
  [
    "harmony_escalations",
    `insert into assent.harmony_escalations (tenant_id, id, first_id, occurrence, pattern_id, status, escalated_at, record)
     select e.tenant_id, i.id, i.id, 1, i.id, 'open', e.escalated_at + n * interval '1 s', e.record
     from assent.harmony_escalations e, generate_series(1, $2::int) n, lateral (select sha256(n::text::bytea) as id) i
     where e.tenant_id = $1`,
    async (memory) => await memory.listEscalations({ status: "open", limit: LISTED }),
  ],
  [
    "documents",
    `with writer as (
       insert into assent.principals (tenant_id, id, kind, name, created_at)
       values ($1, gen_random_uuid(), 'human', 'ann', now()) returning tenant_id, id)
     insert into assent.documents (tenant_id, id, name, metadata, sha256, chars, passages, created_at, created_by)
     select tenant_id, gen_random_uuid(), n::text, '{}', sha256(''), 1, 1, now() + n * interval '1 s', id
     from writer, generate_series(1, $2::int) n`,
    async (_, scope) =>
      await documentRows(scope, { sealing: anySealing(database.appPool()) }).list(null, LISTED),
  ],
];

test.each(LISTS)("the newest of %s are listed without reading the others", async (table, fill, list) => {
  const { inMemory, tenant } = await memories.open();
  await inMemory(async (memory) => await memory.recordPattern(pattern("listed")));
  await inMemory(async (memory) => await memory.recordEscalation(escalation("listed")));
  const owner = database.ownerPool();
  await owner.query(fill, [tenant, ROWS]);
  await owner.query(`analyze assent.${table}`);
  await inMemory(async (memory, query) => {
    for (let time = 0; time < TIMES; time += 1) await list(memory, { query, tenant });
    const [row] = await query<{ read: string }>(
      `select seq_tup_read + idx_tup_fetch as read from pg_catalog.pg_stat_xact_user_tables
       where schemaname = 'assent' and relname = $1`,
      [table],
    );
    expect(Number(row?.read)).toBeGreaterThanOrEqual(TIMES * LISTED);
    expect(Number(row?.read)).toBeLessThan(TIMES * 3 * LISTED);
  });
});
