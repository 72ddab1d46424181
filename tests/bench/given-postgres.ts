// A second Postgres of this machine, handed over as an operator hands over theirs: by DATABASE_URL alone.

import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Connection } from "../../packages/harness/src/adapters/postgres/connect.ts";
import { openEmbedded } from "../../packages/harness/src/adapters/postgres/embedded/embedded.ts";

export type Given = { readonly DATABASE_URL: string; readonly DATABASE_MIGRATION_URL: string };

function urlOf({ user, password, host, port, database }: Connection): string {
  const said = [user, password()].map(encodeURIComponent).join(":");
  return `postgres://${said}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`;
}

/** Starts it in a folder of its own, with everything durable; it is stopped and removed with `stack`. */
export async function startGivenPostgres(stack: AsyncDisposableStack): Promise<Given> {
  const folder = mkdtempSync(join(tmpdir(), "assent-given-"));
  stack.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  // When we are root, the database's own user has to pass through.
  chmodSync(folder, 0o711);
  const opened = await openEmbedded({ folder });
  if (!opened.ok) throw new Error(opened.error.message);
  const server = stack.use(opened.value);
  return {
    DATABASE_URL: urlOf(server.connection("app")),
    DATABASE_MIGRATION_URL: urlOf(server.connection("owner")),
  };
}
