// Holds the walls of a database against what the migrations make: what is switched off, missing, another than it was, or nobody's,
// and who may do more than they may. As its owner, in a transaction that changes nothing.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Pool } from "pg";
import type { LogFinding } from "../../core/audit/verify-source.ts";
import { transaction } from "./connect.ts";
import { APP_ROLE, APP_UNBOUNDED, noTriggerFires, TRIGGERS_FIRE } from "./given.ts";
import { MIGRATIONS_FOLDER } from "./migrate.ts";
import type { Query } from "./rows.ts";
import { queryOn } from "./store.ts";
import { EVERYBODY, type Grants, readGrants, readWalls, type Walls } from "./walls.ts";

export type ReviewedWalls = {
  /** How many were held against what the migrations make. */
  readonly held: number;
  readonly findings: readonly LogFinding[];
};

/** As the migrations leave them; made by `npm run gen`. */
export const WALLS_FILE: string = join(MIGRATIONS_FOLDER, "walls.json");

export type MadeWalls = {
  /** Over the names and digests of the migrations that it was made with. */
  readonly migrations: string;
  readonly walls: Walls;
  /** Those that a database which was restored from a dump spells in another way. */
  readonly restored: Walls;
  readonly grants: Grants;
};

/** Null where it is none. */
export function readMadeWalls(file: string): MadeWalls | null {
  const made: unknown = JSON.parse(readFileSync(file, "utf8"));
  return isMade(made) ? made : null;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === "string";

const isWalls = (value: unknown): boolean => isRecord(value) && Object.values(value).every(isText);

const isMade = (value: unknown): value is MadeWalls =>
  isRecord(value) &&
  isText(value["migrations"]) &&
  isWalls(value["walls"]) &&
  isWalls(value["restored"]) &&
  isRecord(value["grants"]) &&
  Object.values(value["grants"]).every(
    (to) =>
      isRecord(to) && Object.values(to).every((may) => Array.isArray(may) && may.every((one) => isText(one))),
  );

export async function reviewWalls(owner: Pool): Promise<ReviewedWalls> {
  const expected = readMadeWalls(WALLS_FILE);
  if (expected === null) throw new Error(`${WALLS_FILE} is not what \`npm run gen\` makes`);
  return await transaction(owner, async (client) => {
    const query = queryOn(client);
    await query("set transaction read only", []);
    return await heldAgainst(query, expected);
  });
}

/** What the connection that these queries run on sees; from then on it looks for names in the catalogue alone. */
export async function heldAgainst(
  query: Query,
  expected: Omit<MadeWalls, "migrations">,
): Promise<ReviewedWalls> {
  await query("set local search_path = pg_catalog", []);
  const walls = await readWalls(query);
  return {
    held: Object.keys(expected.walls).length,
    findings: [
      ...(await findSwitchedOff(query)),
      ...findOthers(expected, walls),
      ...findTooMany(expected.grants, await readGrants(query)),
      ...(await findPowers(query)),
    ],
  };
}

/** A trigger that stands for a constraint has its name. */
const SWITCHED_OFF = `
  select case when t.tgconstraint = 0 or not t.tgisinternal then 'trigger ' || c.relname || '.' || t.tgname
    else 'constraint ' || c.relname || '.' || k.conname end as name,
    case t.tgenabled when 'D' then 'switched off' when 'R' then 'for replicas only' else 'always on' end as state
  from pg_trigger t
  join pg_class c on c.oid = t.tgrelid
  left join pg_constraint k on k.oid = t.tgconstraint
  where c.relnamespace = 'assent'::regnamespace and t.tgenabled <> 'O' group by 1, 2 order by 1`;

const SESSIONS = `
  select 'sessions of ' || coalesce(r.rolname, 'every role') as name, split_part(given, '=', 2) as role
  from pg_db_role_setting s
  cross join unnest(s.setconfig) given
  left join pg_roles r on r.oid = s.setrole
  where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
    and split_part(given, '=', 1) = 'session_replication_role' and split_part(given, '=', 2) <> $1
    and (s.setrole = 0 or exists (select from pg_roles a where a.rolname = $2 and pg_has_role(s.setrole, a.oid, 'member')))
  union
  select 'sessions of the owner', current_setting('session_replication_role')
    where current_setting('session_replication_role') <> $1
  order by 1`;

async function findSwitchedOff(query: Query): Promise<readonly LogFinding[]> {
  const off = await query<{ name: string; state: string }>(SWITCHED_OFF, []);
  const sessions = await query<{ name: string; role: string }>(SESSIONS, [TRIGGERS_FIRE, APP_ROLE]);
  return [
    ...off.map(({ name, state }) => ({ code: "triggers_off", at: name, detail: `it is ${state}` })),
    ...sessions.map(({ name, role }) => ({
      code: "triggers_off",
      at: name,
      detail: noTriggerFires(name, role),
    })),
  ];
}

function findOthers(
  { walls: expected, restored }: Pick<MadeWalls, "walls" | "restored">,
  found: Walls,
): readonly LogFinding[] {
  const findings: LogFinding[] = [];
  for (const [name, definition] of Object.entries(expected)) {
    const is = Object.hasOwn(found, name) ? found[name] : undefined;
    if (is === undefined)
      findings.push({
        code: "wall_missing",
        at: name,
        detail: "the migrations make it, and it is not there",
      });
    else if (is !== definition && (!Object.hasOwn(restored, name) || is !== restored[name]))
      findings.push({ code: "wall_altered", at: name, detail: "it is not what the migrations make" });
  }
  for (const name of Object.keys(found))
    if (!Object.hasOwn(expected, name))
      findings.push({ code: "wall_unknown", at: name, detail: "no migration makes it" });
  return findings;
}

/** To read and no more is given to who reports on a database, by its operator; whoever serves gets no more than the migrations give. */
const READING: ReadonlySet<string> = new Set(["SELECT", "USAGE", "REFERENCES", "MAINTAIN"]);

function findTooMany(expected: Grants, found: Grants): readonly LogFinding[] {
  return Object.entries(found).flatMap(([object, to]) =>
    Object.entries(to).flatMap(([grantee, privileges]) => {
      const isOurs = grantee === APP_ROLE || grantee === EVERYBODY;
      const due = new Set(Object.hasOwn(expected, object) ? expected[object]?.[grantee] : []);
      const more = privileges.filter((one) => !due.has(one) && (isOurs || !READING.has(one)));
      return more.length === 0
        ? []
        : [
            {
              code: "grant_unknown",
              at: object,
              detail: `${grantee} may ${more.join(", ")}, and no migration says so`,
            },
          ];
    }),
  );
}

const POWERS = `
  select a.rolsuper or a.rolbypassrls as unbounded,
    pg_has_role(a.oid, n.nspowner, 'member') as owns,
    (select string_agg(c.relname, ', ' order by c.relname) from pg_class c
      where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v') and c.relowner <> n.nspowner) as others_tables,
    (select string_agg(p.oid::regprocedure::text, ', ' order by 1) from pg_proc p
      where p.pronamespace = n.oid and p.prosecdef and p.proowner <> n.nspowner) as others_functions
  from pg_namespace n left join pg_roles a on a.rolname = $1 where n.nspname = 'assent'`;

async function findPowers(query: Query): Promise<readonly LogFinding[]> {
  const [power] = await query<{
    unbounded: boolean | null;
    owns: boolean | null;
    others_tables: string | null;
    others_functions: string | null;
  }>(POWERS, [APP_ROLE]);
  const role = `role ${APP_ROLE}`;
  const findings: LogFinding[] = [];
  if (power?.unbounded === true) findings.push({ code: "role_unbounded", at: role, detail: APP_UNBOUNDED });
  else if (power?.owns === true)
    findings.push({
      code: "role_unbounded",
      at: role,
      detail: "It is a member of the role that owns the schema.",
    });
  for (const at of [power?.others_tables, power?.others_functions])
    if (typeof at === "string")
      findings.push({ code: "wall_altered", at, detail: "it belongs to another role than the schema does" });
  return findings;
}
