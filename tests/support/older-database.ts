// A database as an older program left it, brought up to date.

import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { migrate, MIGRATIONS_FOLDER } from "../../packages/harness/src/adapters/postgres/migrate.ts";
import type { ThrowAwayDatabase } from "./database.ts";

export async function bring(database: ThrowAwayDatabase, folder: string): Promise<void> {
  const migrated = await migrate({ connection: database.owner, folder });
  if (!migrated.ok) throw new Error(migrated.error.message);
}

/** A folder of all migrations below this number; it goes with the test. */
export function migrationsBefore(migration: number): string {
  const folder = mkdtempSync(join(tmpdir(), "assent-before-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const name of readdirSync(MIGRATIONS_FOLDER))
    if (Number(name.slice(0, 4)) < migration) copyFileSync(join(MIGRATIONS_FOLDER, name), join(folder, name));
  return folder;
}
