// Every event that a statement records waits for its place, once, with what its object looked like: however many they
// are, and of however many tenants.

import { uuidOf, type TenantId } from "@assent/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../../support/database.ts";
import { addManyFacts, newTenant } from "../../support/tenant-log.ts";

const RUN = "00000000-0000-7000-8000-000000000001";

// Of each test its own: one counts the tables, and one needs that nobody has.
let database: ThrowAwayDatabase;
beforeEach(async () => {
  database = await connectThrowAwayDatabase();
});
afterEach(async () => {
  await database[Symbol.asyncDispose]();
});

// By the owner, who needs no event for it.
async function tenantWithRun(slug: string): Promise<TenantId> {
  const tenant = await newTenant(database, slug);
  await transaction(database.ownerPool(), async (client) => {
    await client.query("alter table assent.runs disable trigger user");
    await client.query(
      `insert into assent.principals (tenant_id, id, kind, name, created_at) values ('${uuidOf(tenant)}', '${RUN}', 'service', 'filed', now())`,
    );
    await client.query(
      `insert into assent.agent_versions (tenant_id, digest, definition) values ('${uuidOf(tenant)}', sha256('filed'), '{}')`,
    );
    await client.query(
      `insert into assent.runs (tenant_id, id, state, version, agent, agent_version, task, model, labels, requested_by,
         wake_at, created_at, updated_at)
       values ('${uuidOf(tenant)}', '${RUN}', 'queued', 1, 'filed', sha256('filed'), 'task', 'model', '{}', '${RUN}',
         now(), now(), now())`,
    );
    await client.query("alter table assent.runs enable trigger user");
  });
  return tenant;
}

type Filed = {
  readonly tenant: string;
  readonly events: number;
  readonly in_order: boolean;
  readonly states: number;
};

/** Records so many events of each tenant's run in one statement. @returns the rows of the inbox that it left */
async function record(tenants: readonly TenantId[], count: number): Promise<readonly Filed[]> {
  return await transaction(database.ownerPool(), async (client) => {
    await client.query("delete from assent.audit_inbox");
    await client.query(
      `insert into assent.audit_events (tenant_id, run_id, version, at, kind, data, digest)
       select t.id, $2, 1 + n + (select coalesce(max(e.version), 0) from assent.audit_events e where e.tenant_id = t.id),
         now(), 'run_noted', '{}', sha256('x')
       from generate_series(1, $3) n, unnest($1::uuid[]) t (id)`,
      [tenants.map((tenant) => uuidOf(tenant)), RUN, count],
    );
    const { rows } = await client.query<Filed>(
      `select i.tenant_id as tenant, cardinality(i.event_ids) as events,
         i.event_ids = array(select e from unnest(i.event_ids) e order by e) and i.id = i.event_ids[1] as in_order,
         cardinality(array_remove(i.states, null)) as states
       from assent.audit_inbox i
       -- Of exactly these events, each one's own tenant.
       where not exists (select from unnest(i.event_ids) u (id) where not exists (
         select from assent.audit_events e where e.event_id = u.id and e.tenant_id = i.tenant_id))
       order by i.tenant_id, i.id`,
    );
    return rows;
  });
}

test.each([1, 2, 300])("each of %d events of one statement waits, once", async (count) => {
  const tenant = await tenantWithRun(`filed-${count}`);
  expect(await record([tenant], count)).toEqual(
    Array.from({ length: count }, () => ({ tenant: uuidOf(tenant), events: 1, in_order: true, states: 1 })),
  );
});

test("of two tenants that one statement records for, each has its own", async () => {
  const tenants = [await tenantWithRun("both-a"), await tenantWithRun("both-b")];
  const filed = await record(tenants, 3);
  for (const tenant of tenants)
    expect(filed.filter((row) => row.tenant === uuidOf(tenant))).toEqual(
      Array.from({ length: 3 }, () => ({ tenant: uuidOf(tenant), events: 1, in_order: true, states: 1 })),
    );
});

test.each([
  ["number", 0, "sha256('x')"],
  ["digest", 1_000_000, "'\\x00'"],
])("an event without a %s is refused", async (_, version, digest) => {
  const tenant = await tenantWithRun(`without-${version}`);
  await expect(
    database.ownerPool().query(
      `insert into assent.audit_events (tenant_id, run_id, version, at, kind, data, digest)
       values ($1, $2, $3, now(), 'run_noted', '{}', ${digest})`,
      [uuidOf(tenant), RUN, version],
    ),
  ).rejects.toMatchObject({ code: "23514" });
});

test("an event whose payload goes keeps a digest", async () => {
  const tenant = uuidOf(await tenantWithRun("erased"));
  await expect(
    transaction(database.ownerPool(), async (client) => {
      await client.query("select set_config('assent.tenant', $1, true)", [tenant]);
      await client.query("select assent.audit_begin($1, 1, 'filed/audit/erased', 'filed+0+x')", [tenant]);
      await client.query(
        `with event as (
           insert into assent.audit_events (tenant_id, run_id, version, at, kind, data, digest)
             values ($1, $2, 1, now(), 'run_noted', '{}', sha256('x')) returning event_id)
         insert into assent.audit_batches (tenant_id, epoch, first, last_event, event_ids, leaves, hashes, salts)
           select $1, 1, 0, event_id, array[event_id], array['{}'::bytea], array[sha256('x')], array[null::bytea] from event`,
        [tenant, RUN],
      );
      const erase = `update assent.audit_events set data = '{"erased":true}', digest = $2 where tenant_id = $1`;
      await client.query(erase, [tenant, Buffer.alloc(32)]);
      await client.query(erase, [tenant, Buffer.alloc(1)]);
    }),
  ).rejects.toMatchObject({ code: "AS003" });
});

// Postgres counts what a table holds some time after it was filled; until then it guesses. A guess must not make it read
// all events of a tenant for each one that waits.
test("an event is found by its number alone, in tables that nobody has counted", async () => {
  for (const table of ["audit_events", "audit_facts"])
    await database.ownerPool().query(`alter table assent.${table} set (autovacuum_enabled = off)`);
  const tenant = await tenantWithRun("uncounted");
  await addManyFacts(database, tenant, 3_000);
  await record([tenant], 3_000);
  const plans = await transaction(database.ownerPool(), async (client) => {
    const planOf = async (table: string): Promise<string> => {
      const { rows } = await client.query<{ "QUERY PLAN": string }>(
        `explain select from assent.${table} e where e.tenant_id = '${uuidOf(tenant)}' and e.event_id = 1 limit 1`,
      );
      return rows.map((row) => row["QUERY PLAN"]).join("\n");
    };
    return [await planOf("audit_events"), await planOf("audit_facts")];
  });
  expect(plans[0]).toContain("Index Scan using audit_events_by_number");
  expect(plans[1]).toContain("Index Scan using audit_facts_by_number");
  for (const plan of plans) expect(plan).not.toContain("pkey");
});

// Where a few runs have most of the events, a planner that has counted them would rather read and sort them all than look
// from the end: then each commit of a run would cost more than the one before.
test("whether a change has its event is looked up from the run's end, in tables that were counted", async () => {
  const tenant = await tenantWithRun("counted");
  await record([tenant], 3_000);
  await database.ownerPool().query("analyze assent.audit_events");
  const read = await transaction(database.ownerPool(), async (client) => {
    await client.query("select set_config('assent.tenant', $1, true)", [uuidOf(tenant)]);
    await client.query(
      `insert into assent.audit_events (tenant_id, run_id, version, at, kind, data, digest)
       select $1, $2, e.version, now(), e.kind, e.data::json, sha256('x')
       from (values (4001, 'step_intended', '{"step":1}'),
         (4002, 'artifact_committed', '{"artifact_id":"art_00000000000070008000000000000001"}')) e (version, kind, data)`,
      [uuidOf(tenant), RUN],
    );
    await client.query(
      `insert into assent.steps (tenant_id, run_id, seq, kind, name, state, effect, request, started_at)
       values ($1, $2, 1, 'tool', 'read_file', 'intended', 'none', '{}', now())`,
      [uuidOf(tenant), RUN],
    );
    await client.query(
      `insert into assent.artifacts (tenant_id, run_id, id, name, media_type, size_bytes, sha256, created_at)
       values ($1, $2, $2, 'answer', 'text/plain', 1, sha256('x'), now())`,
      [uuidOf(tenant), RUN],
    );
    const readUntilNow = async (): Promise<number> => {
      const { rows } = await client.query<{ read: string }>(
        `select seq_tup_read + idx_tup_fetch as read from pg_stat_xact_user_tables
         where relid = 'assent.audit_events'::regclass`,
      );
      return Number(rows[0]?.read);
    };
    const before = await readUntilNow();
    await client.query("set constraints all immediate");
    return (await readUntilNow()) - before;
  });
  // The artifact's event, and for the step that one and its own.
  expect(read).toBe(3);
});
