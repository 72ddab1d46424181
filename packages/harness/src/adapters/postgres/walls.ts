// What the migrations put around the rows: triggers, constraints, row-level security, functions, and who may do what. Read from
// the database's own catalogue, as the migrations leave it (walls.json, by `npm run gen`) and as it is now.

import { createHash } from "node:crypto";
import type { Query } from "./rows.ts";

/** By kind and name, such as `trigger runs.runs_event`, what it is; a digest of that where it is long. */
export type Walls = Readonly<Record<string, string>>;

/** Of each object whoever is not its owner, and what they may do with it: `audit_facts` → `assent_app` → `INSERT`, `SELECT`. */
export type Grants = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** Everybody, as grants name them. */
export const EVERYBODY = "public";

// Definitions are deparsed: with nothing else on the path every name in them says its schema. What an expression of the catalogue
// says is not compared where the servers' versions might spell it in another way: of views, and of functions in SQL's own form.
const DEFINITIONS = `
  with place as (
    select oid from pg_namespace where nspname = 'assent'
  ), extended as (
    -- What an extension brings along is of the server's version, and none of ours.
    select objid from pg_depend where classid = 'pg_proc'::regclass and deptype = 'e'
  ), tables as (
    select c.* from pg_class c where c.relnamespace = (select oid from place) and c.relkind in ('r', 'p', 'v')
  )
  select 'table ' || c.relname as name, concat_ws(' ', c.relkind, c.relpersistence, c.reloptions::text) as definition from tables c
  union all
  select 'row security of ' || c.relname, concat_ws(' ', c.relrowsecurity, c.relforcerowsecurity)
    from tables c where c.relkind <> 'v'
  union all
  select 'trigger ' || c.relname || '.' || t.tgname, pg_get_triggerdef(t.oid)
    from pg_trigger t join tables c on c.oid = t.tgrelid where not t.tgisinternal
  union all
  select 'rule ' || c.relname || '.' || r.rulename, concat_ws(' ', r.ev_type, r.is_instead, r.ev_enabled)
    from pg_rewrite r join tables c on c.oid = r.ev_class
  union all
  select 'constraint ' || c.relname || '.' || k.conname,
      concat_ws(' ', pg_get_constraintdef(k.oid), k.convalidated, coalesce(to_jsonb(k) ->> 'conenforced', 'true'))
    from pg_constraint k join tables c on c.oid = k.conrelid where k.contype in ('c', 'f', 'p', 'u', 'x')
  union all
  select 'constraint ' || c.relname || '.' || a.attname || ' not null', 'not null'
    from pg_attribute a join tables c on c.oid = a.attrelid
    where a.attnum > 0 and a.attnotnull and not a.attisdropped and c.relkind <> 'v'
  union all
  select 'unique index ' || i.indexrelid::regclass::text, concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indimmediate)
    from pg_index i join tables c on c.oid = i.indrelid where i.indisunique
  union all
  select 'policy ' || c.relname || '.' || p.polname, concat_ws(' ', p.polcmd, p.polpermissive,
      (select string_agg(case when r.rolname = pg_get_userbyid(c.relowner) then 'owner' else coalesce(r.rolname, 'public') end, ','
         order by r.rolname)
       from unnest(p.polroles) given (oid) left join pg_roles r on r.oid = given.oid),
      'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid))
    from pg_policy p join tables c on c.oid = p.polrelid
  union all
  select 'function ' || p.oid::regprocedure::text, concat_ws(' ', l.lanname, p.prosecdef, p.provolatile, p.prorettype::regtype,
      p.proconfig::text, p.prosrc)
    from pg_proc p join pg_language l on l.oid = p.prolang
    where p.pronamespace = (select oid from place) and p.oid not in (select objid from extended)
  union all
  select 'rows of legal_transitions', string_agg(t::text, ' ' order by t::text collate "C") from assent.legal_transitions t`;

// Without an entry of its own everybody may run a function, and nobody but its owner do anything else.
const GRANTS = `
  with place as (
    select oid, nspacl, nspowner from pg_namespace where nspname = 'assent'
  ), lists as (
    select 'schema' as name, nspacl as acl, nspowner as owner from place
    union all
    select c.relname::text, c.relacl, c.relowner from pg_class c
      where c.relnamespace = (select oid from place) and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
    union all
    select c.relname || '.' || a.attname, a.attacl, c.relowner
      from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = (select oid from place) and a.attnum > 0 and not a.attisdropped and a.attacl is not null
    union all
    select p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner
      from pg_proc p where p.pronamespace = (select oid from place)
        and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  )
  select l.name, coalesce(r.rolname, '${EVERYBODY}') as grantee,
    array_agg(distinct g.privilege_type order by g.privilege_type) as privileges
  from lists l, lateral aclexplode(l.acl) g left join pg_roles r on r.oid = g.grantee
  where g.grantee <> l.owner
  group by 1, 2 order by 1, 2`;

/** To be asked where names are looked for in the catalogue alone. */
export async function readWalls(query: Query): Promise<Walls> {
  const rows = await query<{ name: string; definition: string }>(DEFINITIONS, []);
  return Object.fromEntries(
    rows
      .map(({ name, definition }) => [name, digestOf(definition)] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

export async function readGrants(query: Query): Promise<Grants> {
  const rows = await query<{ name: string; grantee: string; privileges: string[] }>(GRANTS, []);
  const grants: Record<string, Record<string, string[]>> = {};
  for (const { name, grantee, privileges } of rows) (grants[name] ??= {})[grantee] = privileges;
  return grants;
}

/** Enough to tell one definition from another that somebody wrote. */
const DIGEST_CHARS = 32;

const digestOf = (definition: string): string =>
  definition.length <= DIGEST_CHARS
    ? definition
    : createHash("sha256").update(definition).digest("hex").slice(0, DIGEST_CHARS);
