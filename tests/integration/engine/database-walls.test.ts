// What holds even when the code above forgets: the database's own rules, tried with the service's own login.

import { RUN_STATES, APPROVAL_STATES, STEP_STATES, uuidOf } from "@assent/contract";
import type { Pool } from "pg";
import { expect, test } from "vitest";
import { APPROVAL_TRANSITIONS } from "../../../packages/harness/src/core/run/approval.ts";
import { TRANSITIONS } from "../../../packages/harness/src/core/run/run.ts";
import { STEP_TRANSITIONS } from "../../../packages/harness/src/core/run/step.ts";
import { transaction } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { answering, countingTool, openEngine } from "../../support/engine.ts";

const pairsOf = (machine: string, pairs: readonly (readonly [string, string])[]): string[] =>
  pairs.map(([from, to]) => `${machine}: ${from} -> ${to}`);

test("the database's legal transitions are those of the code, no more and no fewer", async () => {
  await using engine = await openEngine();
  const { rows } = await engine.database
    .appPool()
    .query<{ pair: string }>(
      "select machine || ': ' || from_state || ' -> ' || to_state as pair from assent.legal_transitions",
    );
  const code = [
    ...pairsOf("run", [
      ["", "queued"],
      ...RUN_STATES.flatMap((from) =>
        [...new Set(Object.values(TRANSITIONS[from]))].map((to) => [from, to] as const),
      ),
    ]),
    ...pairsOf("step", [
      ["", "intended"],
      ["", "refused"],
      ...STEP_STATES.flatMap((from) => STEP_TRANSITIONS[from].map((to) => [from, to] as const)),
    ]),
    ...pairsOf("approval", [
      ["", "open"],
      ...APPROVAL_STATES.flatMap((from) =>
        Object.values(APPROVAL_TRANSITIONS[from]).map((to) => [from, to] as const),
      ),
    ]),
  ];
  expect(rows.map((row) => row.pair).toSorted()).toEqual(code.toSorted());
  // What the triggers ask was made of the table, and says the same of every pair.
  const asked = await engine.database.ownerPool().query<{ pair: string }>(
    `select machine || ': ' || before || ' -> ' || after as pair
     from unnest($1::text[]) machine, unnest($2::text[]) before, unnest($2::text[]) after
     where assent.is_transition_legal(machine, before, after)`,
    [["run", "step", "approval"], [...new Set(["", ...RUN_STATES, ...STEP_STATES, ...APPROVAL_STATES])]],
  );
  expect(asked.rows.map((row) => row.pair).toSorted()).toEqual(code.toSorted());
});

test("every illegal pair of states is refused by the database, whoever asks", async () => {
  await using engine = await openEngine();
  const id = await engine.submit();
  const refused: string[] = [];
  const legal: string[] = [];
  for (const from of RUN_STATES)
    for (const to of RUN_STATES) {
      if (from === to) continue;
      const outcome = await tryMove(engine.database.ownerPool(), uuidOf(id), from, to);
      (outcome === "refused" ? refused : legal).push(`${from} -> ${to}`);
    }
  const allowed = RUN_STATES.flatMap((from) =>
    [...new Set(Object.values(TRANSITIONS[from]))].map((to) => `${from} -> ${to}`),
  );
  expect(legal.toSorted()).toEqual(allowed.toSorted());
  expect(refused).toHaveLength(RUN_STATES.length * (RUN_STATES.length - 1) - allowed.length);
});

const FIELDS = `finished_at = case when $2 in ('succeeded', 'failed', 'cancelled', 'dead_lettered') then now() end,
  lease_worker = case when $2 = 'running' then 1 end, lease_until = case when $2 = 'running' then now() end`;

// The state is put in place with the triggers off, the move is tried with them on, and all of it is undone.
async function tryMove(pool: Pool, id: string, from: string, to: string): Promise<string> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("alter table assent.runs disable trigger user");
    await client.query(`update assent.runs set state = $2, ${FIELDS} where id = $1`, [id, from]);
    await client.query("alter table assent.runs enable trigger user");
    await client.query(`update assent.runs set state = $2, version = version + 1, ${FIELDS} where id = $1`, [
      id,
      to,
    ]);
    return "legal";
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "AS001" ? "refused" : String(error);
  } finally {
    await client.query("rollback");
    client.release();
  }
}

test("the event of an earlier transaction says nothing of this change, however new it is", async () => {
  const call = { id: "c1", tool: "count", arguments: { amount: 10 } };
  await using engine = await openEngine({
    models: answering((turn) => (turn === 0 ? { calls: [call] } : { text: "Done." })),
    tools: [countingTool("count", "once")],
  });
  const worker = await engine.startWorker();
  const id = await engine.submit();
  await engine.reaches(id, "awaiting_approval");
  await worker.stop();
  const decided = async (event: string): Promise<string> =>
    await transaction(engine.database.appPool(), async (client) => {
      const tenant = uuidOf(engine.tenant);
      await client.query("select set_config('assent.tenant', $1, true)", [tenant]);
      await client.query(
        "update assent.approvals set state = 'cancelled', decided_at = now() where tenant_id = $1 and state = 'open'",
        [tenant],
      );
      await client.query("update assent.runs set version = version + 1 where tenant_id = $1 and id = $2", [
        tenant,
        uuidOf(id),
      ]);
      await client.query(
        `insert into assent.audit_events (tenant_id, run_id, version, at, kind, data, digest)
         select tenant_id, id, version, now(), $3, $4, sha256('x') from assent.runs where tenant_id = $1 and id = $2`,
        [tenant, uuidOf(id), "approval_cancelled", event],
      );
      return "committed";
    }).catch((error: unknown) =>
      error instanceof Error && "code" in error ? String(error.code) : String(error),
    );
  const [open] = (await engine.run(id)).approvals;
  // The newest event but this one is about the very approval, and of another transaction.
  expect(await decided(JSON.stringify({ approval_id: `apr_${"0".repeat(32)}` }))).toBe("AS002");
  expect(await decided(JSON.stringify({ approval_id: open?.id }))).toBe("committed");
});

test("a change of state without its event does not commit", async () => {
  await using engine = await openEngine();
  const id = await engine.submit();
  const sneaky = async (sql: string): Promise<string> =>
    await transaction(engine.database.appPool(), async (client) => {
      await client.query("select set_config('assent.tenant', $1, true)", [uuidOf(engine.tenant)]);
      await client.query(sql, [uuidOf(id)]);
      return "committed";
    }).catch((error: unknown) =>
      error instanceof Error && "code" in error ? String(error.code) : String(error),
    );
  const cancel = "update assent.runs set state = 'cancelled', finished_at = now()";
  expect(await sneaky(`${cancel} where id = $1`)).toBe("AS002");
  expect(await sneaky(`${cancel}, version = version + 1 where id = $1`)).toBe("AS002");
  expect((await engine.run(id)).status).toBe("queued");
  // Below the run as well: a step, and what a key may do (its event is written by the database itself).
  const step = `insert into assent.steps (tenant_id, run_id, seq, kind, name, state, effect, request, started_at)
    select tenant_id, id, 1, 'gate', 'x', 'intended', 'none', '{}', now() from assent.runs where id = $1`;
  expect(await sneaky(step)).toBe("AS002");
  // An event of the same transaction, but of another step, or of something else with the same number.
  const beside = (kind: string, data: object): string =>
    `with changed as (${step} returning tenant_id, run_id)
     insert into assent.audit_events (tenant_id, run_id, version, at, kind, data, digest)
     select tenant_id, run_id, 2, now(), '${kind}', '${JSON.stringify(data)}', sha256('x') from changed`;
  expect(await sneaky(beside("step_intended", { step: 2 }))).toBe("AS002");
  expect(await sneaky(beside("run_noted", { step: 1 }))).toBe("AS002");
  const { rows } = await engine.database
    .ownerPool()
    .query<{ kinds: string }>(
      "select string_agg(distinct kind, ',' order by kind) as kinds from assent.audit_facts where subject like 'key%'",
    );
  expect(rows[0]?.kinds).toBe("key_stored");
});

test("audit events cannot be changed or removed, by the service or by the owner", async () => {
  await using engine = await openEngine();
  await engine.submit();
  const codes: string[] = [];
  for (const pool of [engine.database.appPool(), engine.database.ownerPool()])
    for (const sql of [
      "update assent.audit_events set data = '{}'",
      "delete from assent.audit_events",
      "truncate assent.audit_events",
    ])
      await pool.query(sql).catch((error: unknown) => {
        codes.push(error instanceof Error && "code" in error ? String(error.code) : "unknown");
      });
  expect(codes).toEqual(["42501", "42501", "42501", "AS003", "AS003", "AS003"]);
});

test("a session that names no tenant, or another, sees and touches no row of this one", async () => {
  await using engine = await openEngine();
  const id = await engine.submit();
  const stranger = await engine.newCaller("stranger", "other");
  const tables = [
    "principals",
    "api_keys",
    "agent_versions",
    "runs",
    "steps",
    "approvals",
    "artifacts",
    "idempotency_keys",
    "audit_events",
  ];
  for (const tenant of ["", uuidOf(stranger.tenant)])
    await transaction(engine.database.appPool(), async (client) => {
      await client.query("select set_config('assent.tenant', $1, true)", [tenant]);
      for (const table of tables) {
        const { rows } = await client.query<{ count: string }>(
          `select count(*) from assent.${table} where tenant_id = $1`,
          [uuidOf(engine.tenant)],
        );
        expect(`${table}: ${rows[0]?.count}`).toBe(`${table}: 0`);
      }
      const { rowCount } = await client.query("update assent.runs set task = 'x' where id = $1", [
        uuidOf(id),
      ]);
      expect(rowCount).toBe(0);
    });
  const { rows } = await engine.database.ownerPool().query<{ relname: string }>(
    `select relname from pg_class where relnamespace = 'assent'::regnamespace and relkind = 'r'
       and exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'tenant_id')
       and not (relrowsecurity and relforcerowsecurity)`,
  );
  expect(rows).toEqual([]);
});

test("keys and references of a tenant's tables carry the tenant, so that no row can point across", async () => {
  await using engine = await openEngine();
  const { rows } = await engine.database.ownerPool().query<{ fault: string }>(
    `with tenant_tables as (
       select c.oid, c.relname, a.attnum from pg_class c
       join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
       where c.relnamespace = 'assent'::regnamespace and c.relkind = 'r')
     select format('%s of %s', k.conname, t.relname) as fault from tenant_tables t
     join pg_constraint k on k.conrelid = t.oid
     left join tenant_tables target on target.oid = k.confrelid
     where (k.contype = 'p' and not t.attnum = any (k.conkey))
        or (k.contype = 'f' and target.oid is not null
            and (not t.attnum = any (k.conkey) or not target.attnum = any (k.confkey)))`,
  );
  expect(rows).toEqual([]);
});

test("no temporary type of the service's own runs as the owner, though everybody may make temporary objects", async () => {
  await using engine = await openEngine();
  // As every database has it that nobody has taken it from.
  await engine.database.ownerPool().query(`grant temporary on database ${engine.database.name} to public`);
  const client = await engine.database.appPool().connect();
  const ranAs: (string | undefined)[] = [];
  client.on("notice", ({ message }) => ranAs.push(message));
  try {
    await client.query(
      `create function pg_temp.note(pg_catalog.text) returns boolean language plpgsql as
         $$ begin raise notice '%', current_user; return true; end $$;
       create domain pg_temp.text as pg_catalog.text check (pg_temp.note(value));
       create domain pg_temp.uuid as pg_catalog.uuid check (pg_temp.note(value::pg_catalog.text))`,
    );
    const { rows } = await client.query<{ taken: boolean }>(
      `select taken from assent.admit_token('default', 'human', 'mallory', pg_catalog.gen_random_uuid(),
         pg_catalog.now(), null, '{principal}', '{10}', '{10}')`,
    );
    expect(rows).toEqual([{ taken: true }]);
    expect(ranAs).toEqual([]);
    // The trap itself works: what casts to the name gets the type.
    await client.query("select 'x'::text");
    expect(ranAs).toEqual(["assent_app"]);
  } finally {
    client.release(true);
  }
  const { rows } = await engine.database.ownerPool().query<{ name: string }>(
    `select p.proname as name from pg_proc p
     where p.pronamespace = 'assent'::regnamespace
       and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
       -- What was parsed when it was made looks nothing up.
       and p.prosqlbody is null
       and not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false)`,
  );
  expect(rows).toEqual([]);
});

test("no trigger that runs as the owner can be hung on a table of the service's own", async () => {
  await using engine = await openEngine();
  await engine.database.ownerPool().query(`grant temporary on database ${engine.database.name} to public`);
  const { rows: triggers } = await engine.database.ownerPool().query<{ name: string }>(
    `select p.proname as name from pg_proc p
     where p.pronamespace = 'assent'::regnamespace and p.prorettype = 'trigger'::regtype order by 1`,
  );
  expect(triggers.map(({ name }) => name)).toContain("audit_principal");
  const client = await engine.database.appPool().connect();
  const hung: string[] = [];
  try {
    await client.query("create temporary table own (id uuid, tenant_id uuid, must_sign boolean)");
    for (const { name } of triggers)
      await client
        .query(`create trigger ${name} after insert on own for each row execute function assent.${name}()`)
        .then(
          () => hung.push(name),
          (error: unknown) => {
            if (!(error instanceof Error && "code" in error && error.code === "42501")) throw error;
          },
        );
  } finally {
    client.release(true);
  }
  expect(hung).toEqual([]);
  const { rows } = await engine.database.ownerPool().query<{ name: string }>(
    `select p.proname as name from pg_proc p
     where p.pronamespace = 'assent'::regnamespace and has_function_privilege('public', p.oid, 'execute')
       and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')`,
  );
  expect(rows).toEqual([]);
});
