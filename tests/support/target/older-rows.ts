// Rows that an older program left (record-older-rows.ts), put into a database as it had it, and migrated from there.

import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { migrate, MIGRATIONS_FOLDER } from "../../../packages/harness/src/adapters/postgres/migrate.ts";
import { connectThrowAwayDatabase, type ThrowAwayDatabase } from "../database.ts";

export const OLDER_ROWS_FILE: URL = new URL("./older-rows.json", import.meta.url);

/** Each after those that it names. Keys, logs and quotas are left out: nothing of a run rests on them. */
export const OLDER_TABLES = [
  "tenants",
  "principals",
  "agent_versions",
  "external_definitions",
  "tool_manifests",
  "runs",
  "steps",
  "approvals",
  "approval_votes",
  "artifacts",
  "audit_events",
  "budget_accounts",
] as const;

const olderRowsSchema = z.strictObject({
  commit: z.string(),
  /** Of its newest migration. */
  version: z.int(),
  runs: z.record(z.string(), z.string()),
  /** Of the driven run: permitted, and not reported yet. */
  action: z.string(),
  tables: z.record(z.string(), z.array(z.unknown())),
});
export type OlderRows = z.infer<typeof olderRowsSchema>;

export const readOlderRows = (): OlderRows =>
  olderRowsSchema.parse(JSON.parse(readFileSync(OLDER_ROWS_FILE, "utf8")));

/** The database of the older program with its rows, as this program finds it: migrated to what it knows. */
export async function openOlderDatabase({ version, tables }: OlderRows): Promise<ThrowAwayDatabase> {
  const database = await connectThrowAwayDatabase({ schema: "none" });
  const folder = mkdtempSync(join(tmpdir(), "assent-older-"));
  try {
    for (const name of readdirSync(MIGRATIONS_FOLDER))
      if (Number(name.slice(0, 4)) <= version)
        copyFileSync(join(MIGRATIONS_FOLDER, name), join(folder, name));
    await bring(database, folder);
    const pool = database.ownerPool();
    for (const table of OLDER_TABLES) {
      // As they were: what is checked and noted when rows come to be was done by the older program.
      await pool.query(`alter table assent.${table} disable trigger user`);
      await pool.query(
        `insert into assent.${table} select * from json_populate_recordset(null::assent.${table}, $1)`,
        [JSON.stringify(tables[table] ?? [])],
      );
      await pool.query(`alter table assent.${table} enable trigger user`);
    }
    // Numbers of events go on where the older program stopped.
    await pool.query(
      "select setval('assent.audit_event_ids', (select max(event_id) from assent.audit_events))",
    );
    await bring(database, MIGRATIONS_FOLDER);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return database;
}

async function bring(database: ThrowAwayDatabase, folder: string): Promise<void> {
  const migrated = await migrate({ connection: database.owner, folder });
  if (!migrated.ok) throw new Error(migrated.error.message);
}
