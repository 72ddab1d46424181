// Makes a second tenant out of the first: every row once more, under the very same ids, with another canary in every
// text. Whatever looks anything up by its id alone finds both.

import { type TenantId, uuidOf } from "@assent/contract";
import type { Pool, PoolClient } from "pg";

export const OURS = "CANARY-OURS";
export const THEIRS = "CANARY-THEIRS";

/** Tables of the schema that carry a tenant, besides the one that lists them. */
export async function tenantTables(pool: Pool): Promise<readonly string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
     where n.nspname = 'assent' and c.relkind in ('r', 'p') order by 1`,
  );
  return rows.map(({ name }) => name);
}

/** @returns the tables of which there was something to copy */
export async function copyTenant(pool: Pool, from: TenantId, to: TenantId): Promise<readonly string[]> {
  const client = await pool.connect();
  try {
    const tables = await tenantTables(pool);
    for (const table of tables) await client.query(`alter table assent.${table} disable trigger user`);
    const copied: string[] = [];
    let left = tables;
    while (left.length > 0) {
      const waiting: string[] = [];
      for (const table of left) {
        const rows = await copyTable(client, table, from, to);
        if (rows === null) waiting.push(table);
        else if (rows > 0) copied.push(table);
      }
      if (waiting.length === left.length) throw new Error(`cannot be copied: ${waiting.join(", ")}`);
      left = waiting;
    }
    for (const table of tables) await client.query(`alter table assent.${table} enable trigger user`);
    return copied.toSorted();
  } finally {
    client.release();
  }
}

// Null: it refers to a table whose rows are not there yet.
async function copyTable(
  client: PoolClient,
  table: string,
  from: TenantId,
  to: TenantId,
): Promise<number | null> {
  // A key's hash is its own in the whole installation: the twin's differs by a bit.
  const ownHash = `jsonb_build_object('hash', '\\x' || md5(r.id::text) || md5(r.prefix))`;
  // So is an event's number, which nobody is shown.
  const ownNumber = `case when to_jsonb(r) ? 'event_id'
    then jsonb_build_object('event_id', (to_jsonb(r) ->> 'event_id')::bigint + 1000000000) else '{}' end`;
  const patch = ` || ${table === "api_keys" ? ownHash : ownNumber}`;
  try {
    const { rowCount } = await client.query(
      `insert into assent.${table} overriding system value
       select (jsonb_populate_record(null::assent.${table},
         replace(replace(to_jsonb(r)::text, $1, $2), $3, $4)::jsonb${patch})).*
       from assent.${table} r where r.tenant_id = $5::uuid`,
      [OURS, THEIRS, uuidOf(from), uuidOf(to), uuidOf(from)],
    );
    return rowCount ?? 0;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "23503") return null;
    throw error;
  }
}
