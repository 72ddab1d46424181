// `assent audit verify --db` on the walls around the rows: whatever is switched off, taken away, put there or made weaker by who owns
// the database is named. Each is made and looked at in a transaction that is then undone.

import { type PoolClient, Pool } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openEmbedded } from "../../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import {
  digestOfAll,
  MIGRATIONS_FOLDER,
  readMigrations,
} from "../../../packages/harness/src/adapters/postgres/migrate.ts";
import {
  heldAgainst,
  readMadeWalls,
  type ReviewedWalls,
  reviewWalls,
  WALLS_FILE,
} from "../../../packages/harness/src/adapters/postgres/review-walls.ts";
import { spellAgain } from "../../../scripts/restored-walls.ts";
import { queryOn } from "../../../packages/harness/src/adapters/postgres/store.ts";
import {
  CLUSTER_VARIABLE,
  connectThrowAwayDatabase,
  type ThrowAwayDatabase,
} from "../../support/database.ts";

const EXPECTED = readMadeWalls(WALLS_FILE) ?? expect.unreachable();

let database: ThrowAwayDatabase;
let server: { release(): Promise<unknown> };
/** Whoever runs the Postgres: may do what no owner of a database may. */
let superuser: Pool;
beforeAll(async () => {
  database = await connectThrowAwayDatabase();
  const opened = await openEmbedded({ folder: process.env[CLUSTER_VARIABLE] ?? expect.unreachable() });
  if (!opened.ok) throw new Error(opened.error.message);
  server = opened.value;
  superuser = new Pool(opened.value.connection("superuser", database.name));
});
afterAll(async () => {
  await superuser.end();
  await server.release();
  await database[Symbol.asyncDispose]();
});

async function after(statements: readonly string[]): Promise<ReviewedWalls> {
  const client: PoolClient = await superuser.connect();
  try {
    await client.query("begin");
    for (const sql of statements) await client.query(sql);
    return await heldAgainst(queryOn(client), EXPECTED);
  } finally {
    await client.query("rollback");
    client.release();
  }
}

const found = async (...statements: readonly string[]): Promise<readonly string[]> =>
  (await after(statements)).findings.map(({ code, at }) => `${code} at ${at}`);

test("what is held is what the migrations of now make", () => {
  const known = readMigrations(MIGRATIONS_FOLDER);
  expect(EXPECTED.migrations).toBe(known.ok ? digestOfAll(known.value) : expect.unreachable());
});

test("a database as the migrations leave it has nothing to be found, for its owner as well", async () => {
  expect(await after([])).toEqual({ held: Object.keys(EXPECTED.walls).length, findings: [] });
  const reviewed = await reviewWalls(database.ownerPool());
  expect(reviewed.findings).toEqual([]);
  // Of each kind there are some: nothing is held against nothing.
  for (const [kind, least] of Object.entries({
    trigger: 40,
    policy: 60,
    constraint: 300,
    function: 100,
    row: 40,
    "unique index": 40,
  }))
    expect(Object.keys(EXPECTED.walls).filter((name) => name.startsWith(kind)).length).toBeGreaterThan(least);
});

test("one that was restored from a dump spells some of them in another way, and has nothing to be found either", async () => {
  const client = await superuser.connect();
  try {
    await client.query("begin; set local search_path = pg_catalog");
    const query = queryOn(client);
    // Once for the dump, and once more for a dump of that.
    for (const _ of [1, 2]) {
      await spellAgain(query);
      expect((await heldAgainst(query, EXPECTED)).findings).toEqual([]);
    }
    // It is told apart at all, and what means something else is found in this spelling too.
    expect((await heldAgainst(query, { ...EXPECTED, restored: {} })).findings).not.toEqual([]);
    const [named] = Object.keys(EXPECTED.restored);
    const [table = "", trigger = ""] = named?.slice("trigger ".length).split(".") ?? [];
    const { rows } = await client.query<{ text: string }>(
      "select pg_get_triggerdef(oid) as text from pg_trigger where tgname = $1",
      [trigger],
    );
    await client.query(`drop trigger ${trigger} on assent.${table}`);
    await client.query(rows[0]?.text.replace(" OR ", " AND ") ?? "");
    expect((await heldAgainst(query, EXPECTED)).findings).toMatchObject([
      { code: "wall_altered", at: named },
    ]);
  } finally {
    await client.query("rollback");
    client.release();
  }
});

test("each trigger that is switched off is named, and those that stand for keys to other tables", async () => {
  const triggers = Object.keys(EXPECTED.walls).filter((name) => name.startsWith("trigger "));
  const tables = new Set(triggers.map((name) => name.slice("trigger ".length).split(".")[0] ?? ""));
  const off = [...tables].map((table) => `alter table assent.${table} disable trigger user`);
  expect(await found(...off)).toEqual(triggers.map((name) => `triggers_off at ${name}`));
  const names = await found("alter table assent.approval_votes disable trigger all");
  expect(names).toContain(
    "triggers_off at constraint approval_votes.approval_votes_tenant_id_approval_id_fkey",
  );
  expect(names).toContain("triggers_off at trigger approval_votes.approval_votes_event");
});

const TOOTHLESS =
  "returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$ begin return new; end $$";

const ATTACKS: readonly (readonly [what: string, statement: string, finding: string])[] = [
  [
    "a trigger for replicas only",
    "alter table assent.audit_facts enable replica trigger audit_facts_append_only",
    "triggers_off at trigger audit_facts.audit_facts_append_only",
  ],
  [
    "a trigger that is gone",
    "drop trigger audit_batches_append_only on assent.audit_batches",
    "wall_missing at trigger audit_batches.audit_batches_append_only",
  ],
  [
    "a function that refuses nothing any more",
    `create or replace function assent.refuse_change() ${TOOTHLESS}`,
    "wall_altered at function assent.refuse_change()",
  ],
  [
    "a function of the owner's that looks where others say",
    "alter function assent.audit_key() reset all",
    "wall_altered at function assent.audit_key()",
  ],
  [
    "a check that is gone",
    "alter table assent.api_keys drop constraint api_keys_hash_check",
    "wall_missing at constraint api_keys.api_keys_hash_check",
  ],
  [
    "a key to another table that is gone",
    "alter table assent.approval_votes drop constraint approval_votes_tenant_id_approval_id_fkey",
    "wall_missing at constraint approval_votes.approval_votes_tenant_id_approval_id_fkey",
  ],
  [
    "a column that may be empty",
    "alter table assent.approval_votes alter action_digest drop not null",
    "wall_missing at constraint approval_votes.action_digest not null",
  ],
  [
    "a key that is not the only one any more",
    "drop index assent.sealing_keys_newest",
    "wall_missing at unique index assent.sealing_keys_newest",
  ],
  [
    "a policy for everybody",
    "create policy all_of_it on assent.runs to assent_app using (true)",
    "wall_unknown at policy runs.all_of_it",
  ],
  [
    "a policy that lets all pass",
    "alter policy tenant_wall on assent.runs using (true)",
    "wall_altered at policy runs.tenant_wall",
  ],
  [
    "a policy that is gone",
    "drop policy tenant_wall on assent.documents",
    "wall_missing at policy documents.tenant_wall",
  ],
  [
    "row-level security that is off",
    "alter table assent.documents disable row level security",
    "wall_altered at row security of documents",
  ],
  [
    "row-level security that does not bind the owner",
    "alter table assent.documents no force row level security",
    "wall_altered at row security of documents",
  ],
  [
    "a right to change what is only added to",
    "grant update on assent.audit_facts to assent_app",
    "grant_unknown at audit_facts",
  ],
  [
    "a right to remove it, for somebody else",
    "grant delete on assent.audit_events to pg_monitor",
    "grant_unknown at audit_events",
  ],
  [
    "a right to change one column",
    "grant update (data) on assent.audit_events to assent_app",
    "grant_unknown at audit_events.data",
  ],
  ["a right to read for everybody", "grant select on assent.api_keys to public", "grant_unknown at api_keys"],
  [
    "a function of the owner's that everybody may run",
    "grant execute on function assent.audit_principal() to public",
    "grant_unknown at assent.audit_principal()",
  ],
  [
    "a schema that the service may add to",
    "grant create on schema assent to assent_app",
    "grant_unknown at schema",
  ],
  [
    "a rule that drops what is inserted",
    "create rule nothing as on insert to assent.audit_facts do instead nothing",
    "wall_unknown at rule audit_facts.nothing",
  ],
  [
    "a trigger of somebody else's",
    `create function assent.mine() ${TOOTHLESS}; revoke all on function assent.mine from public; create trigger mine before insert on assent.audit_inbox for each row execute function assent.mine()`,
    "wall_unknown at trigger audit_inbox.mine",
  ],
  [
    "a table that a crash empties",
    "alter table assent.signature_nonces set unlogged",
    "wall_altered at table signature_nonces",
  ],
  [
    "a table of somebody else's",
    "alter table assent.audit_heads owner to assent_app",
    "wall_altered at audit_heads",
  ],
  [
    "a transition that no run may take",
    "insert into assent.legal_transitions select 'run', 'failed', 'running'",
    "wall_altered at rows of legal_transitions",
  ],
  [
    "sessions in which no trigger fires",
    "alter role assent_app set session_replication_role = replica",
    "triggers_off at sessions of assent_app",
  ],
  [
    "sessions of everybody in which no trigger fires",
    "alter database $DATABASE set session_replication_role = replica",
    "triggers_off at sessions of every role",
  ],
  [
    "a session of its own in which no trigger fires",
    "set local session_replication_role = replica",
    "triggers_off at sessions of the owner",
  ],
  [
    "a service that passes by row-level security",
    "alter role assent_app bypassrls",
    "role_unbounded at role assent_app",
  ],
];

test.each(ATTACKS)("is found: %s", async (_, statement, finding) => {
  expect(await found(statement.replace("$DATABASE", database.name))).toContain(finding);
});

test("who may read for a report is no finding", async () => {
  expect(
    await found("grant usage on schema assent to pg_monitor", "grant select on assent.runs to pg_monitor"),
  ).toEqual([]);
});
