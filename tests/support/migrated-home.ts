// A database as the first start of an installation makes it, made once for a run of the tests: an installation of a test's
// begins with a copy of it, and not with the making of a cluster and every migration.

import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { openEmbedded } from "../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { migrate } from "../../packages/harness/src/adapters/postgres/migrate.ts";

const VARIABLE = "ASSENT_TEST_MIGRATED_HOME";

/**
 * Makes it below a folder that whoever called removes; what is started later takes it from there.
 * @throws where the database cannot be made
 */
export async function makeMigratedHome(folder: string): Promise<void> {
  const home = join(folder, "migrated-home");
  mkdirSync(home);
  // When we are root, the database's own user has to pass through.
  chmodSync(home, 0o711);
  const opened = await openEmbedded({ folder: home, fsync: false });
  if (!opened.ok) throw new Error(`${opened.error.message}; ${opened.error.remedy}`);
  const migrated = await migrate({ connection: opened.value.connection("owner") });
  await opened.value.release();
  if (!migrated.ok) throw new Error(migrated.error.message);
  process.env[VARIABLE] = home;
}

/** Gives a home the database; where nothing is prepared, or cannot be copied here, its first start makes its own. */
export function fillHome(home: string): void {
  const prepared = process.env[VARIABLE];
  if (prepared === undefined || process.platform === "win32" || existsSync(join(home, "postgres"))) return;
  // With its owners, modes and times, which node's own copying does not keep.
  execFileSync("cp", ["-a", join(prepared, "postgres"), join(home, "postgres")]);
}
